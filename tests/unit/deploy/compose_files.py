"""The compose files as they are written, without an engine."""

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[3]

FILES = {
    name: yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))
    for name in ("docker-compose.yml", "observability/compose.yaml", "chaos/compose.yaml")
}

SERVICES: dict[str, dict[str, Any]] = {
    name: service for file in FILES.values() for name, service in file["services"].items()
}


def file_of(service: str) -> Path:
    """The file in which a service is written."""
    return next(ROOT / name for name, file in FILES.items() if service in file["services"])


def mounts(service: str) -> dict[str, tuple[str, str]]:
    """Source and mode by place in the container; a file's source is its path in the checkout."""
    found = {}
    for entry in SERVICES[service].get("volumes", ()):
        source, target, *mode = entry.split(":")
        if source.startswith("."):
            source = str((file_of(service).parent / source).resolve().relative_to(ROOT))
        found[target] = (source, mode[0] if mode else "rw")
    return found


def flags(service: str) -> set[str]:
    """The words of its command."""
    return set(SERVICES[service]["command"])


def mebibytes(text: str) -> int:
    """`96m`, or `96MiB` as Go writes it, as a number."""
    found = re.fullmatch(r"(\d+)(?:m|MiB)", text)
    assert found, text
    return int(found[1])


def seconds(text: str) -> float:
    """`20s` as a number; also `200ms`, `1.5m` and `6h`."""
    found = re.fullmatch(r"([\d.]+)(ms|s|m|h)", text)
    assert found, text
    return float(found[1]) * {"ms": 0.001, "s": 1, "m": 60, "h": 3600}[found[2]]
