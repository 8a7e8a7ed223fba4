"""Faults of Postgres: a service's tables are locked, or its database takes no writes."""

import asyncio
from typing import Any

from chaos.engine.attributes import Attribute
from chaos.engine.context import Context
from chaos.engine.model import Fault, FaultKind, NotBiting, Record, Refused, Request
from chaos.faults import holder, replicas

SERVER = "postgres"


def databases(context: Context) -> list[str]:
    """`postgres/<database>` for every service that has one, if Postgres is meant to run."""
    if not replicas.is_meant_to_run(context, SERVER):
        return []
    return [f"{SERVER}/{process.name}" for process in context.instance.topology.processes if process.database]


def database_of(target: str) -> str:
    """`orders` of `postgres/orders`."""
    return target.partition("/")[2]


async def end_sessions(connection: Any, database: str, other_than: str = "") -> int:
    """Disconnect every client of a database, so that they come back under its new rules; how many there were."""
    return len(
        await connection.fetch(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()"
            " AND backend_type = 'client backend' AND application_name <> $2",
            database,
            other_than,
        )
    )


class Lock(FaultKind):
    """Locks that a forgotten migration would hold."""

    name = "lock"
    summary = "has its tables locked (ACCESS EXCLUSIVE): whoever reads or writes them waits"
    attributes = (Attribute("table", "one table; all of the database's if none is named", type=str, default=""),)

    def targets(self, context: Context) -> list[str]:
        """Every service's database."""
        return databases(context)

    async def prepare(self, context: Context, request: Request) -> Record:
        """The tables' names, quoted by Postgres itself."""
        database, wanted = database_of(request.target), str(request.attributes["table"])
        async with context.postgres(database) as connection:
            rows = await connection.fetch(
                "SELECT relname, quote_ident(nspname) || '.' || quote_ident(relname) AS quoted FROM pg_class"
                " JOIN pg_namespace ON pg_namespace.oid = relnamespace"
                " WHERE relkind = 'r' AND nspname = 'public' AND relname <> 'alembic_version' ORDER BY 1"
            )
        tables = [row["quoted"] for row in rows if wanted in {"", row["relname"]}]
        if not tables:
            known = ", ".join(row["relname"] for row in rows) or "none"
            raise Refused(f"database {database} has no table {wanted!r}: it has {known}")
        return {"tables": tables}

    async def apply(self, context: Context, fault: Fault) -> Record:
        """Start the program that holds the locks."""
        await holder.start(
            context,
            fault,
            "lock",
            database=database_of(fault.target),
            tables=fault.record["tables"],
            application=_application(fault),
        )
        return {}

    async def undo(self, context: Context, fault: Fault) -> None:
        """End the program, and its session too, in case Postgres has not noticed yet."""
        await holder.end(fault)
        if replicas.is_meant_to_run(context, SERVER):
            async with context.postgres() as connection:
                await connection.fetch(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1",
                    _application(fault),
                )

    async def bites(self, context: Context, fault: Fault) -> str:
        """The locks as Postgres lists them, and who waits for them."""
        async with context.postgres(database_of(fault.target)) as connection:
            held = await connection.fetchval(
                "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)"
                " WHERE application_name = $1 AND mode = 'AccessExclusiveLock' AND granted"
                " AND relation = ANY($2::text[]::regclass[])",
                _application(fault),
                fault.record["tables"],
            )
            waiting = await connection.fetchval("SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted")
        if held < len(fault.record["tables"]):
            raise NotBiting(f"{held} of {len(fault.record['tables'])} tables are locked")
        return f"{held} tables are locked, {waiting} sessions wait"

    async def restore(self, context: Context, fault: Fault) -> bool:
        """Lock again if the program ended with its parent, or with a Postgres that was restarted."""
        if await asyncio.to_thread(holder.find, fault):
            return False
        await self.apply(context, fault)
        return True


def _application(fault: Fault) -> str:
    return f"fault-{fault.id}"


class ReadOnlyTransactions(FaultKind):
    """What a database is like during a failover to a standby."""

    name = "read-only-transactions"
    summary = "refuses every write, as a standby does; its clients are disconnected once"

    def targets(self, context: Context) -> list[str]:
        """Every service's database."""
        return databases(context)

    async def prepare(self, context: Context, request: Request) -> Record:
        """What the database's own setting was, if it had any."""
        database = database_of(request.target)
        async with context.postgres() as connection:
            return {"before": await _setting(connection, database)}

    async def apply(self, context: Context, fault: Fault) -> Record:
        """Set it, and let everybody connect anew."""
        return {"ended": await self._set(context, fault, "on")}

    async def undo(self, context: Context, fault: Fault) -> None:
        """As it was, and everybody connects anew."""
        if replicas.is_meant_to_run(context, SERVER):
            await self._set(context, fault, str(fault.record["before"]))

    async def _set(self, context: Context, fault: Fault, value: str) -> int:
        database = database_of(fault.target)
        async with context.postgres() as connection:
            if await _setting(connection, database) == value:
                return 0
            change = "SET default_transaction_read_only = " + value if value else "RESET default_transaction_read_only"
            await connection.execute(
                await connection.fetchval("SELECT format('ALTER DATABASE %I ' || $1, $2::text)", change, database)
            )
            return await end_sessions(connection, database)

    async def bites(self, context: Context, fault: Fault) -> str:
        """A new session cannot write."""
        import asyncpg

        async with context.postgres(database_of(fault.target)) as connection:
            try:
                await connection.execute("CREATE TABLE fault_probe ()")
            except asyncpg.ReadOnlySQLTransactionError as error:
                return f"a write was refused: {error}; {fault.record.get('ended', 0)} sessions were ended"
            await connection.execute("DROP TABLE fault_probe")
        raise NotBiting("a write was accepted")


async def _setting(connection: Any, database: str) -> str:
    found = await connection.fetchval(
        "SELECT split_part(entry, '=', 2) FROM pg_db_role_setting, unnest(setconfig) AS entry"
        " WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = $1) AND setrole = 0"
        " AND entry LIKE 'default_transaction_read_only=%'",
        database,
    )
    return str(found or "")


KINDS: tuple[FaultKind, ...] = (Lock(), ReadOnlyTransactions())
