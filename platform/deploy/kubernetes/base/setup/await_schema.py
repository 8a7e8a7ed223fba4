# noqa: INP001 - run by itself, out of a ConfigMap
"""Wait until a service's database is at the revision that this image's migrations lead to, or at one they do not know.

The latter is a later version's: a pod of the version before, started anew in the middle of a roll-out, must start.
"""

import asyncio
import sys
from pathlib import Path

import asyncpg
from alembic.config import Config
from alembic.script import ScriptDirectory

from stormglass import settings
from stormglass.runtime import migrate
from stormglass.topology import TOPOLOGY

PAUSE_SECONDS = 1.0


def revisions(service: str) -> tuple[str, set[str]]:
    """The newest revision of a service's migrations, and all of them."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).parent / "alembic"))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", str(migrate.scripts(TOPOLOGY[service].migrations)))
    directory = ScriptDirectory.from_config(config)
    return str(directory.get_current_head()), {script.revision for script in directory.walk_revisions()}


async def revision(service: str) -> str:
    """The revision that the database is at; empty if nobody has migrated it yet."""
    address = settings.address("postgres")
    connection = await asyncpg.connect(
        host=address.host,
        port=address.port,
        user=service,
        password=settings.secret("database_password").get_secret_value(),
        database=service,
        ssl=False,
        timeout=5,
        command_timeout=5,
    )
    try:
        return str(await connection.fetchval("SELECT version_num FROM alembic_version") or "")
    finally:
        await connection.close()


async def main() -> None:
    """Ask once a second, say what is missing whenever that changes."""
    service = settings.process().service
    head, known = revisions(service)
    said = ""
    while True:
        try:
            at = await revision(service)
            if at == head or (at and at not in known):
                return
            missing = f"{service} is at {at or 'no revision'}, not at {head}"
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            missing = f"{service} cannot be asked: {type(error).__name__}: {error}"
        if missing != said:
            sys.stdout.write(missing + "\n")
            sys.stdout.flush()
            said = missing
        await asyncio.sleep(PAUSE_SECONDS)


if __name__ == "__main__":
    asyncio.run(main())
