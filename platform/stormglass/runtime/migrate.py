"""Schema: each service's Alembic scripts, run as the service's own role before any of its replicas starts.

Natively `up` calls `migrate()`; in a container `python -m stormglass.runtime.migrate` brings the process' own service
up to date. Whoever comes second waits at an advisory lock and finds nothing left to do.
"""

import asyncio
import sys
from importlib import util
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import URL, Connection, NullPool, text
from sqlalchemy.ext.asyncio import create_async_engine

from stormglass.runtime.errors import RuntimeFailure

LOCK = 0x73746F726D
"""Key of the advisory lock ("storm"); each database has its own lock space, so one key does for all."""


def scripts(package: str) -> Path | None:
    """The `versions` directory of a migrations package, found without importing it; None if there is none."""
    top, _, rest = package.partition(".")
    spec = util.find_spec(top)
    if spec is None or not spec.submodule_search_locations:
        return None
    directory = Path(next(iter(spec.submodule_search_locations)), *rest.split("."), "versions")
    return directory if directory.is_dir() else None


async def migrate(service: str, package: str, *, host: str, port: int, password: str) -> None:
    """Bring a service's database to its newest revision; all of it, or nothing, in one transaction."""
    versions = scripts(package)
    if versions is None:
        raise RuntimeFailure(f"{service}: there is no folder {package.replace('.', '/')}/versions with its migrations")
    url = URL.create("postgresql+asyncpg", service, password, host, port, service)
    engine = create_async_engine(url, poolclass=NullPool, connect_args={"ssl": False, "timeout": 10})
    try:
        async with engine.begin() as connection:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
            await connection.run_sync(_upgrade, versions)
    finally:
        await engine.dispose()


def _upgrade(connection: Connection, versions: Path) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "alembic").replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", str(versions).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def main() -> None:
    """Migrate the service that this process' environment names."""
    from stormglass import settings
    from stormglass.topology import TOPOLOGY

    service = settings.process().service
    if service not in TOPOLOGY or not TOPOLOGY[service].migrations:
        raise RuntimeFailure(f"{service!r} has no migrations in the topology")
    address = settings.address("postgres")
    password = settings.secret("database_password").get_secret_value()
    package = TOPOLOGY[service].migrations
    asyncio.run(migrate(service, package, host=address.host, port=address.port, password=password))


if __name__ == "__main__":
    try:
        main()
    except RuntimeFailure as error:
        sys.exit(str(error))
