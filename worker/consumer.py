"""The queue's consumer: an ARQ worker that survives outages of Redis and finishes its jobs when it is told to stop."""

import asyncio
from collections.abc import Sequence
from typing import Any

from arq.connections import ArqRedis
from arq.worker import Function, Worker
from redis.exceptions import RedisError

from stormglass.data.queue import QUEUE, deserialize, serialize
from stormglass.instrumentation.arq import quiet
from stormglass.resilience.backoff import backoff
from stormglass.telemetry.logs import logger
from worker.settings import WorkerSettings
from worker.task import Tools

_log = logger(__name__)

_MARGIN_SECONDS = 3.0
"""ARQ's own limits lie behind ours: tasks end by their own time-out, ARQ's would only lose the reason."""


class Consumer:
    """Runs jobs until it is drained or cancelled."""

    def __init__(self, redis: ArqRedis, tasks: Sequence[Function], tools: Tools) -> None:
        self._redis = redis
        self._tasks = tasks
        self._tools = tools
        self._worker: Worker | None = None
        self._failures = 0
        self._draining = False

    async def run(self) -> None:
        """Work. ARQ's worker ends at the first failing command, so a new one is made, after a pause."""
        # an idle queue is looked into many times a second; a job's context is its own
        with quiet():
            while not self._draining:
                self._worker = self._new_worker(self._tools.settings)
                try:
                    await self._worker.async_run()
                except (RedisError, OSError, TimeoutError) as error:
                    self._failures += 1
                    if self._failures == 1:
                        _log.warning("queue unreachable", error=f"{type(error).__name__}: {error}")
                # jobs that run meanwhile finish; that they did is not recorded, so they will be repeated
                await asyncio.gather(*self._worker.tasks.values(), return_exceptions=True)
                await asyncio.sleep(backoff(self._failures, base=0.2, cap=3.0))

    def _new_worker(self, wanted: WorkerSettings) -> Worker:
        worker = Worker(
            functions=self._tasks,
            queue_name=QUEUE,
            redis_pool=self._redis,
            handle_signals=False,
            on_startup=self._reachable,
            max_jobs=wanted.max_jobs,
            job_timeout=wanted.job_seconds + _MARGIN_SECONDS,
            # a finished job leaves nothing behind: its id is free for a replay at once
            keep_result=0,
            poll_delay=wanted.pickup_ms / 1000,
            # attempts are counted by the task, which keeps what it gives up; ARQ would drop it
            max_tries=1_000_000,
            ctx={"tools": self._tools},
            job_serializer=serialize,
            job_deserializer=deserialize,
            log_results=False,
        )
        # After a crash a job is free again when this time has passed, and no job of ours runs longer.
        worker.in_progress_timeout_s = wanted.job_seconds + _MARGIN_SECONDS
        worker.allow_pick_jobs = not self._draining
        return worker

    async def _reachable(self, ctx: dict[Any, Any]) -> None:
        if self._failures:
            _log.info("queue reachable again", attempts=self._failures)
        self._failures = 0

    async def drain(self, seconds: float) -> None:
        """Take no further job, and give those that run some time; what is left then is started again elsewhere."""
        self._draining = True
        if self._worker is None:
            return
        self._worker.allow_pick_jobs = False
        running = list(self._worker.tasks.values())
        if running:
            _, late = await asyncio.wait(running, timeout=seconds)
            for task in self._worker.job_tasks.values():
                task.cancel()
            if late:
                _log.warning("jobs cut short: they will be run again", jobs=len(late))
                await asyncio.wait(late, timeout=1.0)
