"""The configuration of what watches the containers, read as its tests need it."""

import re
from pathlib import Path
from typing import Any

import yaml

from observability import grafana
from stormglass.containers.contained import CONTAINED, contained
from stormglass.runtime.instance import Instance

ROOT = Path(grafana.__file__).parents[2]
HERE = ROOT / "observability"

INSTANCE = Instance("some", Path("/nowhere"), 24000)
"""A native one, to compare with."""


def read(path: str) -> Any:
    """A file of YAML, with `${env:NAME:-default}` as the default."""
    text = (HERE / path).read_text(encoding="utf-8")
    return yaml.safe_load(re.sub(r"\$\{env:\w+:-([^}]*)\}", r"\1", text))


COMPOSE = read("compose.yaml")
PLATFORM = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
COLLECTOR = read("collector/config.yaml")
TEMPO = read("tempo/tempo.yaml")
LOKI = read("loki/loki.yaml")
PIPELINES = COLLECTOR["service"]["pipelines"]


def service(name: str) -> dict[str, Any]:
    found: dict[str, Any] = COMPOSE["services"][name]
    return found


def mebibytes(text: str) -> int:
    number, unit = re.fullmatch(r"(\d+)(m|MiB)", text).groups()  # type: ignore[union-attr]  # anything else fails here
    assert unit
    return int(number)


def volumes(name: str) -> dict[str, str]:
    """Where in the container, and what is there."""
    pairs = (entry.split(":") for entry in service(name).get("volumes", ()))
    return {target: source for source, target, *_ in pairs}


def flags(name: str) -> set[str]:
    return set(service(name)["command"])


def proxied(client: str) -> str:
    (edge,) = CONTAINED.edges_of(client)
    return contained().edge_address(edge)


def prometheus_name(name: str) -> str:
    return name.replace(".", "_")


def seconds(text: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)(ms|s|m|h)", text).groups()  # type: ignore[union-attr]  # anything else fails here
    return float(number) * {"ms": 0.001, "s": 1, "m": 60, "h": 3600}[unit]
