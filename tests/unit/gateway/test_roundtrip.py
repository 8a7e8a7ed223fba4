"""The one round trip: who is answered what, outages, and scripts that Redis does not know yet."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, ResponseError

from services.gateway import roundtrip
from services.gateway.roundtrip import Command, RoundTrip


class Pipeline:
    def __init__(self, redis: "Redis") -> None:
        self._redis = redis
        self._commands: list[Command] = []

    def execute_command(self, *command: Any) -> None:
        self._commands.append(command)

    async def execute(self, *, raise_on_error: bool) -> list[Any]:
        assert not raise_on_error
        return await self._redis.run(self._commands)


class Redis:
    """Says each command back, and knows a script only after it was loaded."""

    def __init__(self) -> None:
        self.trips: list[list[Command]] = []
        self.away = self.silent = False
        self.scripts: set[Any] = set()

    def pipeline(self, *, transaction: bool) -> Pipeline:
        assert not transaction
        return Pipeline(self)

    async def run(self, commands: list[Command]) -> list[Any]:
        self.trips.append(commands)
        if self.away:
            raise RedisConnectionError("gone")
        if self.silent:
            await asyncio.sleep(60)
        return [self._reply(command) for command in commands]

    def _reply(self, command: Command) -> Any:
        if command[0] == "SCRIPT LOAD":
            self.scripts.add(command[1])
        if command[0] == "EVALSHA" and not self.scripts:
            return NoScriptError("no matching script")
        return ResponseError("odd") if command[0] == "ODD" else command


class Question:
    def __init__(self, *commands: Command) -> None:
        self._commands = commands
        self.replies: list[Any] | None = None

    def commands(self) -> Sequence[Command]:
        return self._commands

    def answered(self, replies: Sequence[Any]) -> None:
        self.replies = list(replies)


def trip(redis: Redis) -> RoundTrip:
    return RoundTrip(redis, 0.1)  # type: ignore[arg-type]  # what is used of a client


async def test_each_question_gets_its_own_replies() -> None:
    redis = Redis()
    first, none, second = Question(("A", 1), ("B", 2)), Question(), Question(("C",), ("ODD",))
    assert await trip(redis).ask([first, none, second])
    assert redis.trips == [[("A", 1), ("B", 2), ("C",), ("ODD",)]]
    assert (first.replies, none.replies) == ([("A", 1), ("B", 2)], [])
    assert second.replies is not None
    assert isinstance(second.replies[1], ResponseError)


async def test_only_what_needed_a_script_is_asked_twice() -> None:
    redis = Redis()
    subject = trip(redis)
    sha = subject.script("return 1")
    before, scripted, after = Question(("INCR", "a")), Question(("EVALSHA", sha, 0)), Question(("INCR", "b"))
    assert await subject.ask([before, scripted, after])
    assert redis.trips[1:] == [[("SCRIPT LOAD", "return 1"), ("EVALSHA", sha, 0)]]
    assert (before.replies, scripted.replies, after.replies) == (
        [("INCR", "a")],
        [("EVALSHA", sha, 0)],
        [("INCR", "b")],
    )
    assert await subject.ask([scripted])
    assert len(redis.trips) == 3


async def test_an_outage_is_remembered_and_one_request_finds_out_that_it_is_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(roundtrip, "OUTAGE_SECONDS", 0.3)
    redis = Redis()
    subject = trip(redis)
    redis.silent = True
    question = Question(("A",))
    begun = time.monotonic()
    assert not await subject.ask([question])
    assert 0.05 < time.monotonic() - begun < 0.3
    assert not await subject.ask([question])
    assert len(redis.trips) == 1
    await asyncio.sleep(0.35)
    assert await asyncio.gather(*(subject.ask([question]) for _ in range(20))) == [False] * 20
    assert len(redis.trips) == 2  # of twenty that came at once, one paid
    assert question.replies is None
    redis.silent = False
    await asyncio.sleep(0.35)
    assert await subject.ask([question])
    assert await asyncio.gather(*(subject.ask([question]) for _ in range(20))) == [True] * 20


async def test_what_rides_along_goes_first_and_alone_if_nobody_leaves() -> None:
    redis = Redis()
    subject = trip(redis)
    question = Question(("A",))
    subject.along(("R", 1), ("R", 2))
    assert await subject.ask([question])
    assert redis.trips == [[("R", 1), ("R", 2), ("A",)]]
    assert question.replies == [("A",)]
    subject.along(("R", 3))
    await asyncio.sleep(4 * roundtrip.RIDE_SECONDS)
    assert redis.trips[1:] == [[("R", 3)]]
    redis.away = True
    subject.along(("R", 4))
    await asyncio.sleep(4 * roundtrip.RIDE_SECONDS)
    redis.away = False
    assert redis.trips[2:] == [[("R", 4)]]


async def test_riders_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roundtrip, "MAX_RIDERS", 3)
    redis = Redis()
    subject = trip(redis)
    for number in range(10):
        subject.along(("R", number))
    assert await subject.ask([])
    assert redis.trips == [[("R", 0), ("R", 1), ("R", 2)]]
