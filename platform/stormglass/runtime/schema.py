"""The databases as the services expect them: roles, databases and every service's migrations."""

from collections.abc import Iterable

from stormglass.runtime.instance import Instance
from stormglass.runtime.migrate import migrate
from stormglass.runtime.provision import provision
from stormglass.topology import Process


async def bring_up_to_date(instance: Instance, processes: Iterable[Process]) -> None:
    """Provision everything and run the migrations of these processes. Safe to repeat."""
    await provision(instance)
    host, port = instance.endpoint("postgres")
    # one after the other: Alembic keeps its current context in module globals
    for process in processes:
        if process.migrations:
            password = instance.secret(process.name, "database_password")
            await migrate(process.name, process.migrations, host=host, port=port, password=password)
