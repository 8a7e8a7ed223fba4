"""Which rendered text goes into which file."""

import os
import shutil

from stormglass.runtime import servers
from stormglass.runtime.files import private_directory, write_private
from stormglass.runtime.instance import Instance
from stormglass.runtime.render import (
    alertmanager,
    exporters,
    faultproxy,
    postgres,
    prometheus,
    supervisor,
    traefik,
    valkey,
)


def write_all(instance: Instance) -> None:
    """Render everything but what lies in Postgres' own directory."""
    for name in ("redis", "traces", "mail", "prometheus", "alertmanager"):
        private_directory(instance.data / name)
    write_private(instance.config / "supervisord.conf", supervisor.config(instance))
    write_private(instance.config / "valkey.conf", valkey.config(instance))
    write_private(instance.config / "traefik.yml", traefik.static(instance))
    write_private(instance.config / "prometheus.yml", prometheus.config(instance))
    write_private(instance.config / "rules.yml", prometheus.rules())
    write_private(instance.config / "alertmanager.yml", alertmanager.config(instance))
    write_private(instance.config / "postgres-queries.yml", exporters.postgres_queries())
    write_private(instance.config / "redis-passwords.json", exporters.redis_passwords(instance))
    write_proxies(instance)
    write_routes(instance)


def write_proxies(instance: Instance) -> None:
    """Render what the fault proxy begins with, so that a killed one comes back whole."""
    write_private(instance.config / "faultproxy.json", faultproxy.config(instance))


def write_routes(instance: Instance) -> None:
    """Render what follows the number of replicas; the servers notice by themselves."""
    write_private(instance.config / "traefik-dynamic.yml", traefik.dynamic(instance))
    write_private(instance.config / "targets.json", prometheus.targets(instance))


def write_postgres(instance: Instance) -> None:
    """Render into Postgres' own directory, as its own user's files."""
    user = servers.database_user()
    for name, text in (
        ("postgresql.conf", postgres.config(instance)),
        ("pg_hba.conf", postgres.hba(instance)),
    ):
        path = instance.data / "postgres" / name
        write_private(path, text)
        if user is not None and os.geteuid() == 0:
            shutil.chown(path, user)
