"""`python -m worker.main`: relay and consumer in one event loop, until SIGTERM."""

import asyncio
import sys

import aiohttp
import uvloop
from litestar.datastructures import State
from redis.asyncio import Redis

from stormglass.data.database import Database
from stormglass.data.queue import ArqQueue, open_arq
from stormglass.service.client import ServiceClient
from stormglass.service.health import Health
from stormglass.service.server import admin_server, stop_requested
from stormglass.settings import SettingsError
from stormglass.telemetry import configure
from stormglass.telemetry.logs import logger
from worker.consumer import Consumer
from worker.dead_letters import DeadLetters
from worker.ledger import Ledger
from worker.letters import measuring
from worker.mail import Mail
from worker.mailserver import MailServer
from worker.outbox import Outbox
from worker.relay import Relay
from worker.settings import WorkerSettings
from worker.settings import worker as worker_settings
from worker.task import Tools
from worker.tasks import KINDS, TASKS

_log = logger(__name__)

SILENCE_SECONDS = 15.0
"""A relay that finished no round for so long is stuck, or its database is away."""

CANCEL_SECONDS = 0.5
"""Between one cancellation and the next, while a task does not end."""

QUEUE_SECONDS = 2.0
"""Longest a queue command may take: nobody waits for it, and a false alarm would cost a job its place."""


async def work() -> None:
    """Open everything, work until told to stop, close everything in reverse."""
    wanted = worker_settings()
    configure.configure()
    try:
        async with (
            Database.open() as own,
            Database.open("orders") as orders,
            ServiceClient.open("worker") as services,
            aiohttp.ClientSession() as http,
            open_arq(timeout_seconds=QUEUE_SECONDS) as redis,
        ):
            mail = Mail(Ledger(own), MailServer(http, wanted.mail_seconds), services, wanted.mail_from)
            letters = DeadLetters(own)
            tools = Tools(services, mail, Outbox(orders), letters, wanted)
            relay = Relay(ArqQueue(redis), KINDS, wanted)
            async with measuring(letters, KINDS.values()):
                await _until_stopped(relay, Consumer(redis, TASKS, tools), _health(own, redis, relay), wanted)
    finally:
        configure.shutdown()
    _log.info("stopped")


def _health(own: Database, redis: Redis, relay: Relay) -> Health:
    async def postgres(_: State) -> None:
        await own.check()

    async def queue(_: State) -> None:
        await redis.ping()

    async def relaying(_: State) -> None:
        if relay.silent_seconds > SILENCE_SECONDS:
            raise RuntimeError(f"no round was finished for {SILENCE_SECONDS:g} s")

    return Health({"postgres": postgres, "redis": queue, "relay": relaying}, State())


async def _until_stopped(relay: Relay, consumer: Consumer, health: Health, wanted: WorkerSettings) -> None:
    async with admin_server(health):
        stopping = asyncio.create_task(stop_requested())
        working = [asyncio.create_task(relay.run()), asyncio.create_task(consumer.run())]
        _log.info("working", pickup_ms=wanted.pickup_ms, max_jobs=wanted.max_jobs)
        try:
            await asyncio.wait({stopping, *working}, return_when=asyncio.FIRST_COMPLETED)
            health.draining = True
            _log.info("draining", seconds=wanted.drain_seconds)
            working[0].cancel()
            await consumer.drain(wanted.drain_seconds)
        finally:
            await _end(stopping, *working)
        for task in working:
            # both work until they are cancelled: anything else is a defect, and the manager starts us again
            if not task.cancelled() and (error := task.exception()) is not None:
                raise error


async def _end(*tasks: asyncio.Task[None]) -> None:
    """Cancel until they have ended: a client library that is just cleaning up may swallow one cancellation."""
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=CANCEL_SECONDS)


def main() -> None:
    """Run in this process."""
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(work())
    except SettingsError as error:
        sys.exit(f"worker: {error}")


if __name__ == "__main__":
    main()
