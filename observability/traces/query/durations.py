"""Durations as Tempo's API writes them (Go's notation: `100ms`, `1.5s`, `1m30s`)."""

import re

_UNITS_NS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
DURATION = r"(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+"
"""Regular expression of a duration."""

_PART = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)")


def parse_duration(text: str) -> int:
    """Nanoseconds; `ValueError` if the text is no duration."""
    if not re.fullmatch(DURATION, text):
        raise ValueError(f"{text!r} is not a duration: write it like 100ms or 1.5s")
    return sum(round(float(number) * _UNITS_NS[unit]) for number, unit in _PART.findall(text))
