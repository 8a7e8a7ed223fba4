"""The configuration files that the servers in containers read: rendered as natively, kept in the repository."""

from collections.abc import Mapping
from pathlib import Path

from stormglass.containers.contained import contained
from stormglass.runtime.render import alertmanager, exporters, faultproxy, postgres, prometheus, traefik, valkey

FOLDER = Path("platform/deploy/compose")
"""Where they are, from the root of a checkout."""


def texts() -> Mapping[str, str]:
    """Text by path below `FOLDER`: one directory per server."""
    instance = contained()
    return {
        "edge/traefik.yml": traefik.static(instance),
        "edge/traefik-dynamic.yml": traefik.dynamic(instance),
        "faultproxy/faultproxy.json": faultproxy.config(instance),
        "postgres/postgresql.conf": postgres.config(instance),
        "postgres/pg_hba.conf": postgres.hba(instance),
        "redis/redis.conf": valkey.config(instance),
        "prometheus/prometheus.yml": prometheus.config(instance),
        "prometheus/targets.json": prometheus.targets(instance),
        "alertmanager/alertmanager.yml": alertmanager.config(instance),
        "postgres-exporter/postgres-queries.yml": exporters.postgres_queries(),
    }


def write(root: Path) -> list[Path]:
    """Write them into a checkout; which have changed."""
    changed = []
    for name, text in texts().items():
        path = root / FOLDER / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            changed.append(path)
    return changed
