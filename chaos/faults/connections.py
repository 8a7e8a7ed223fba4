"""Postgres has no connection left: for one service's database, or for everybody but the superuser."""

import asyncio
from typing import Any

import asyncpg

from chaos.engine.attributes import Attribute
from chaos.engine.context import Context
from chaos.engine.model import Fault, FaultKind, NotBiting, Record, Request
from chaos.faults import holder, replicas
from chaos.faults.postgres import SERVER, database_of, databases, end_sessions
from stormglass.runtime.provision import connect


class Connections(FaultKind):
    """Every slot is taken.

    A database is given a limit of its own and its clients are disconnected, so that its service feels it at once. On
    the whole server the slots are really occupied: who has a pool goes on with it, who needs one more is refused.
    """

    name = "connections"
    summary = "has no connection left for new clients"
    attributes = (Attribute("left", "connections that a database may still have", default=0, maximum=100),)

    def targets(self, context: Context) -> list[str]:
        """The server, and every service's database."""
        found = databases(context)
        return [SERVER, *found] if found else []

    async def prepare(self, context: Context, request: Request) -> Record:
        """The limit as it is; -1 is none."""
        if request.target == SERVER:
            return {}
        async with context.postgres() as connection:
            limit = await connection.fetchval(
                "SELECT datconnlimit FROM pg_database WHERE datname = $1", database_of(request.target)
            )
        return {"limit": limit}

    async def apply(self, context: Context, fault: Fault) -> Record:
        """Limit the database, or occupy what the server has."""
        if fault.target == SERVER:
            role = database_of(databases(context)[0])
            return {"taken": int(await holder.start(context, fault, "slots", role=role))}
        await _limit(context, fault, int(fault.attributes["left"]))
        async with context.postgres() as connection:
            return {"ended": await end_sessions(connection, database_of(fault.target))}

    async def undo(self, context: Context, fault: Fault) -> None:
        """Let go, or limit it as it was."""
        if fault.target == SERVER:
            await holder.end(fault)
        elif replicas.is_meant_to_run(context, SERVER):
            await _limit(context, fault, int(fault.record["limit"]))

    async def bites(self, context: Context, fault: Fault) -> str:
        """A service's role is refused."""
        database = database_of(fault.target) or database_of(databases(context)[0])
        held: list[Any] = []
        try:
            while len(held) <= int(fault.attributes["left"]):
                held.append(await connect(context.instance, database, database))
        except asyncpg.TooManyConnectionsError as error:
            detail = f"{fault.record['taken']} taken" if fault.target == SERVER else f"{fault.record['ended']} ended"
            return f"a new connection of {database} was refused: {error} ({detail})"
        finally:
            for connection in held:
                connection.terminate()
        raise NotBiting(f"{len(held)} new connections of {database} were accepted")

    async def restore(self, context: Context, fault: Fault) -> bool:
        """Occupy the server again if the program that did has ended with its parent."""
        if fault.target != SERVER:
            return False
        if await asyncio.to_thread(holder.find, fault):
            return False
        await self.apply(context, fault)
        return True


async def _limit(context: Context, fault: Fault, limit: int) -> None:
    async with context.postgres() as connection:
        statement = await connection.fetchval(
            "SELECT format('ALTER DATABASE %I CONNECTION LIMIT %s', $1::text, $2::int)",
            database_of(fault.target),
            limit,
        )
        await connection.execute(statement)


KINDS: tuple[FaultKind, ...] = (Connections(),)
