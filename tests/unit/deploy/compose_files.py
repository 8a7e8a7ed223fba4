"""The compose files as they are written, without an engine."""

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


def mebibytes(text: str) -> int:
    """`96m` as a number."""
    assert text.endswith("m"), text
    return int(text.removesuffix("m"))


def seconds(text: str) -> float:
    """`20s` as a number."""
    assert text.endswith("s"), text
    return float(text.removesuffix("s"))
