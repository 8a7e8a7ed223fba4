"""The log lines of every process of an instance in one order of time, whatever their format.

Our processes and Traefik and Prometheus write JSON; Postgres, Valkey and supervisord write text. All clocks are UTC.
"""

import heapq
import json
import re
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from stormglass.runtime.instance import Instance
from stormglass.runtime.logfiles import with_rotated

TAIL_BYTES = 512 * 1024
"""How much of the end of a file is read when only its last lines are wanted."""

FOLLOW_SECONDS = 0.2

_TEXT_TIMES = (
    (re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}) UTC "), "%Y-%m-%d %H:%M:%S.%f"),  # Postgres
    (re.compile(r"\d+:\w (\d{1,2} \w{3} \d{4} \d\d:\d\d:\d\d\.\d{3}) "), "%d %b %Y %H:%M:%S.%f"),  # Valkey
    (re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}) "), "%Y-%m-%d %H:%M:%S,%f"),  # supervisord
)


@dataclass(frozen=True, slots=True, order=True)
class Line:
    """One line: seconds since the epoch (that of the line before it where it has none), who wrote it, what it says."""

    time: float
    source: str
    text: str

    @property
    def fields(self) -> dict[str, Any]:
        """The JSON object the line is; empty if it is text."""
        return _fields(self.text)

    def belongs_to(self, trace_id: str) -> bool:
        """Whether the line was written within a trace (an unambiguous beginning of the id is enough)."""
        return str(self.fields.get("trace_id", "")).startswith(trace_id.lower())


def _fields(text: str) -> dict[str, Any]:
    if not text.startswith("{"):
        return {}
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def moment(text: str) -> float | None:
    """When a line was written, by its own words; None if it does not say."""
    fields = _fields(text)
    for name in ("timestamp", "time", "ts"):
        if name in fields:
            try:
                found = datetime.fromisoformat(str(fields[name]))
            except ValueError:
                return None
            return found.replace(tzinfo=found.tzinfo or UTC).timestamp()
    for pattern, form in _TEXT_TIMES:
        if match := pattern.match(text):
            return datetime.strptime(match[1], form).replace(tzinfo=UTC).timestamp()
    return None


class Source:
    """The log of one process; `read` returns what is new since the last call, across rotations."""

    def __init__(self, name: str, path: Path) -> None:
        self._name = name
        self._path = path
        self._last = 0.0
        self._position = 0
        self._inode = 0

    def history(self, *, whole: bool) -> Iterator[Line]:
        """What is there: everything with the rotated files, or the end of the current one."""
        paths = with_rotated(self._path) if whole else [self._path]
        for path in paths:
            try:
                with path.open("rb") as file:
                    if not whole:
                        file.seek(max(0, path.stat().st_size - TAIL_BYTES))
                        if file.tell():
                            file.readline()  # the rest of a line whose beginning is not read
                    yield from self._lines(file)
                    self._position, self._inode = file.tell(), path.stat().st_ino
            except FileNotFoundError:
                continue

    def news(self) -> list[Line]:
        """Lines written since the last call."""
        try:
            status = self._path.stat()
            if status.st_ino != self._inode or status.st_size < self._position:
                self._position, self._inode = 0, status.st_ino
            with self._path.open("rb") as file:
                file.seek(self._position)
                lines = list(self._lines(file))
                self._position = file.tell()
        except FileNotFoundError:
            return []
        return lines

    def _lines(self, file: Iterable[bytes]) -> Iterator[Line]:
        for raw in file:
            text = raw.decode("utf-8", errors="replace").rstrip()
            if text:
                self._last = moment(text) or self._last
                yield Line(self._last, self._name, text)


def sources(instance: Instance, names: list[str]) -> list[Source]:
    """The logs of these replicas."""
    return [Source(name, instance.log(name)) for name in names]


def history(of: list[Source], *, trace_id: str = "", count: int) -> list[Line]:
    """The last `count` lines of all, or all lines of one trace, in order of time."""
    merged: Iterable[Line] = heapq.merge(*(source.history(whole=bool(trace_id)) for source in of), key=lambda x: x.time)
    if trace_id:
        return sorted((line for line in merged if line.belongs_to(trace_id)), key=lambda x: x.time)
    return list(deque(merged, maxlen=count))


def follow(of: list[Source], *, trace_id: str = "") -> Iterator[Line]:
    """New lines as they are written, for ever."""
    while True:
        batch = [line for source in of for line in source.news()]
        yield from (line for line in sorted(batch) if not trace_id or line.belongs_to(trace_id))
        time.sleep(FOLLOW_SECONDS)
