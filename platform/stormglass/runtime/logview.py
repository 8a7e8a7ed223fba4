"""How a log line looks: one line of colour for people, one JSON object for programs."""

import json
from datetime import UTC, datetime

from rich.text import Text

from stormglass.runtime.logs import Line

_LEVELS = {
    "debug": "dim",
    "info": "green",
    "warning": "yellow",
    "warn": "yellow",
    "error": "red",
    "critical": "bold red",
}
_SHOWN = {"timestamp", "time", "ts", "level", "event", "message", "msg", "service", "replica", "logger", "exception"}


def pretty(line: Line) -> Text:
    """Time, process, level, what happened, and the rest as key=value."""
    fields = line.fields
    clock = datetime.fromtimestamp(line.time, UTC).strftime("%H:%M:%S.%f")[:-3]
    text = Text.assemble((f"{clock} ", "dim"), (f"{line.source:<11} ", "cyan"))
    if not fields:
        return text.append(line.text)
    level = str(fields.get("level", "info")).lower()
    text.append(f"{level[:5]:<5} ", _LEVELS.get(level, ""))
    text.append(str(fields.get("event") or fields.get("message") or fields.get("msg") or ""))
    for name, value in fields.items():
        if name not in _SHOWN:
            text.append(f" {name}=", "dim")
            text.append(value if isinstance(value, str) else json.dumps(value))
    if "exception" in fields:
        text.append(f"\n{fields['exception']}", "red")
    return text


def raw(line: Line) -> str:
    """The line as it was written if it is JSON, else a JSON object around it."""
    if line.fields:
        return line.text
    stamp = datetime.fromtimestamp(line.time, UTC).isoformat()
    return json.dumps({"timestamp": stamp, "service": line.source, "event": line.text})
