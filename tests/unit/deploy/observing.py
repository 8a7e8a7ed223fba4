"""The configuration of what watches the containers, read as its tests need it."""

import re
from typing import Any

import yaml

from tests.unit.deploy.compose_files import ROOT

HERE = ROOT / "observability"


def _read(path: str) -> Any:
    """A file of YAML, with `${env:NAME:-default}` as the default."""
    text = (HERE / path).read_text(encoding="utf-8")
    return yaml.safe_load(re.sub(r"\$\{env:\w+:-([^}]*)\}", r"\1", text))


COLLECTOR = _read("collector/config.yaml")
TEMPO = _read("tempo/tempo.yaml")
LOKI = _read("loki/loki.yaml")
PIPELINES = COLLECTOR["service"]["pipelines"]


def prometheus_name(name: str) -> str:
    """As the Collector's exporter writes it."""
    return name.replace(".", "_")
