"""Everything that must not be told, as a full run with every kind of credential collects it."""

import re
import secrets
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from stormglass.testing import Platform


@dataclass
class Haul:
    """Secrets by name. A token is told by any of its parts that is long enough to be one."""

    known: dict[str, str] = field(default_factory=dict)

    def add(self, **found: str) -> None:
        for name, text in found.items():
            assert len(text) >= 8, f"{name} is too short to be looked for"
            self.known[f"{name} {len(self.known)}"] = text
            parts = [part for part in re.split(r"[._]", text) if len(part) >= 24 and len(set(part)) > 8]
            # a token's header is the same in all of them, and the key id in it is public
            for part in parts[1:] if text.count(".") == 2 else parts:
                self.known[f"{name}, a part {len(self.known)}"] = part

    def secret(self, name: str) -> str:
        """A new one, collected already."""
        made = secrets.token_urlsafe(18)
        self.add(**{name: made})
        return made

    def grant(self, answer: httpx.Response) -> dict[str, Any]:
        granted: dict[str, Any] = answer.json()
        self.add(access=granted["access_token"], refresh=granted["refresh_token"])
        return granted

    def session(self, answer: httpx.Response) -> dict[str, str]:
        cookie = answer.headers["Set-Cookie"].partition(";")[0]
        csrf = answer.json()["csrf_token"]
        self.add(cookie=cookie.partition("=")[2], csrf=csrf)
        return {"Cookie": cookie, "X-CSRF-Token": csrf}

    def told_by(self, texts: Iterable[tuple[str, bytes]]) -> list[str]:
        """Where which of them stands; letters of both cases are the same, for addresses are written in both."""
        patterns = {name: text.lower().encode() for name, text in self.known.items()}
        told: list[str] = []
        for batch in _batches(texts):
            # looked through as one first: hundreds of thousands of spans are short, and nearly all of them clean
            whole = b"\n".join(text for _, text in batch).lower()
            found = [(name, pattern) for name, pattern in patterns.items() if pattern in whole]
            told += [
                f"{name} in {where}" for name, pattern in found for where, text in batch if pattern in text.lower()
            ]
        return told


def _batches(texts: Iterable[tuple[str, bytes]]) -> Iterator[list[tuple[str, bytes]]]:
    batch: list[tuple[str, bytes]] = []
    size = 0
    for where, text in texts:
        batch.append((where, text))
        size += len(text)
        if size > 1 << 22:
            yield batch
            batch, size = [], 0
    yield batch


def logs(platform: Platform) -> Iterator[tuple[str, bytes]]:
    for path in sorted(Path(platform.instance.logs).iterdir()):
        yield path.name, path.read_bytes()


def spans(platform: Platform) -> Iterator[tuple[str, bytes]]:
    """Every span as it is stored (an OTLP message: its texts stand in it as they are), with its name and service."""
    path = platform.instance.data / "traces" / "traces.db"
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        query = "SELECT o.service, s.name, s.body FROM spans s JOIN origins o ON o.id = s.origin"
        for service, name, body in database.execute(query):
            yield f"a span {name!r} of {service}", name.encode() + body
        for service, body in database.execute("SELECT service, body FROM origins"):
            yield f"the resource of {service}", body


def metrics(platform: Platform) -> Iterator[tuple[str, bytes]]:
    for process, number in platform.instance.places():
        for endpoint in process.endpoints:
            if endpoint.label.endswith(":admin"):
                address = platform.address(endpoint.label, number)
                answer = httpx.get(f"http://{address}/metrics", timeout=30)
                if answer.status_code == 200:
                    yield f"metrics of {process.replica_name(number)}", answer.content
