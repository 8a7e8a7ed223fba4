"""Servers that the platform watches itself with, and can do without: from PATH, or where the set-up unpacked them."""

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stormglass.topology import Kind


@dataclass(frozen=True, slots=True)
class Optional:
    """A server by what it is called, the names its program has, Debian's package, and what is missing without it."""

    title: str
    programs: tuple[str, ...]
    package: str
    without: str

    @property
    def advice(self) -> str:
        """What to do where it is not there."""
        return f"install it (Debian: `apt install {self.package}`) and run up again"

    def find(self) -> Path | None:
        """Its program, on PATH or beside this interpreter."""
        places = os.pathsep.join([os.environ.get("PATH", os.defpath), str(Path(sys.executable).parent)])
        found = next(filter(None, (shutil.which(name, path=places) for name in self.programs)), None)
        return Path(found) if found else None


OPTIONAL: Mapping[Kind, Optional] = {
    Kind.PROMETHEUS: Optional("Prometheus", ("prometheus",), "prometheus", "no history of metrics, no alerts"),
    Kind.ALERTMANAGER: Optional(
        "Alertmanager",
        ("alertmanager", "prometheus-alertmanager"),
        "prometheus-alertmanager",
        "alerts are not grouped, and cause no notification",
    ),
    Kind.POSTGRES_EXPORTER: Optional(
        "Postgres exporter",
        ("postgres_exporter", "prometheus-postgres-exporter"),
        "prometheus-postgres-exporter",
        "no metrics of the database server's own",
    ),
    Kind.REDIS_EXPORTER: Optional(
        "Redis exporter",
        ("redis_exporter", "prometheus-redis-exporter"),
        "prometheus-redis-exporter",
        "no metrics of the Redis server's own",
    ),
}
