"""Proxies inside this process: what they leave behind in the event loop, and what they do to a stream."""

import asyncio
import gc
import inspect
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaos.faultproxy import proxy as proxy_module
from chaos.faultproxy.chunk import Chunk
from chaos.faultproxy.connection import Connection
from chaos.faultproxy.proxy import Proxy
from chaos.faultproxy.randomness import Randomness
from chaos.faultproxy.stage import Stage
from chaos.faultproxy.toxics import BEHAVIOURS, Behaviour, InvalidAttributesError, Toxic
from chaos.faultproxy.toxics.slicer import Slicer


@pytest.fixture
async def proxy() -> AsyncIterator[Proxy]:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()

    upstream = await asyncio.start_server(echo, "127.0.0.1", 0, backlog=1024)
    port = upstream.sockets[0].getsockname()[1]
    made = Proxy("p", "127.0.0.1:0", f"127.0.0.1:{port}", seed=1, dial_seconds=5)
    await made.start()
    yield made
    made.stop()
    upstream.close()
    await upstream.wait_closed()


async def exchange(proxy: Proxy, message: bytes) -> bytes:
    host, _, port = proxy.listen.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(message)
    answer = await reader.readexactly(len(message))
    writer.close()
    await writer.wait_closed()
    return answer


def everyday(kind: type[Behaviour]) -> dict[str, int]:
    return {"bandwidth": {"rate": 10_000}, "slicer": {"average_size": 7}, "limit_data": {"bytes": 10**9}}.get(
        kind.type, {}
    )


async def test_no_tasks_and_no_objects_are_left(proxy: Proxy) -> None:
    before = asyncio.all_tasks()
    for kind in BEHAVIOURS.values():
        if kind.type not in {"timeout", "reset_peer"}:
            proxy.add_toxic(Toxic(kind.type, "upstream", 1, kind(**everyday(kind))))
    message = random.Random(1).randbytes(5000)
    answers = await asyncio.gather(*(exchange(proxy, message) for _ in range(100)))
    assert answers == [message] * 100
    for _ in range(1000):
        if not proxy.connections and not _ours(asyncio.all_tasks() - before):
            break
        await asyncio.sleep(0.01)
    assert _ours(asyncio.all_tasks() - before) == []
    gc.collect()
    assert [each for each in gc.get_objects() if isinstance(each, Stage | Connection)] == []
    assert proxy.moved("received", "upstream") == proxy.moved("sent", "upstream") == 500_000


def _ours(tasks: set[asyncio.Task[Any]]) -> list[str]:
    """Those of the proxy's code and of this file; the loop is the session's, and other tests' servers live in it."""
    ours = (str(Path(proxy_module.__file__).parent), __file__)
    coroutines = [coroutine for task in tasks if inspect.iscoroutine(coroutine := task.get_coro())]
    return [str(each) for each in coroutines if each.cr_code.co_filename.startswith(ours)]


async def test_stopping_while_dialling_closes_the_client(proxy: Proxy) -> None:
    host, _, port = proxy.listen.rpartition(":")
    sockets = [asyncio.open_connection(host, int(port)) for _ in range(20)]
    opened = await asyncio.gather(*sockets)
    proxy.stop()
    for reader, writer in opened:
        assert await reader.read() == b""
        writer.close()
    assert not proxy.connections


class Collected:
    """A sink that takes everything."""

    def __init__(self) -> None:
        self.full = False
        self.pieces: list[bytes] = []
        self.ended = False

    def put(self, chunk: Chunk) -> None:
        self.pieces.append(bytes(chunk.data))

    def end(self) -> None:
        self.ended = True


def stage(behaviour: Behaviour, sink: Any, seed: int = 1) -> Stage:
    made = Stage(
        Toxic("t", "upstream", 1, behaviour),
        sink,
        Randomness(seed, "p", 1, "upstream"),
        on_reset=lambda: None,
        loop=asyncio.get_running_loop(),
    )
    made.run()
    return made


@given(data=st.binary(max_size=3000), average=st.integers(1, 400), share=st.floats(0, 1), seed=st.integers())
@settings(max_examples=150, deadline=None)
async def test_a_slicer_reassembles_whatever_its_attributes(data: bytes, average: int, share: float, seed: int) -> None:
    variation = int(average * share)
    sink = Collected()
    slicing = stage(Slicer(average_size=average, size_variation=variation), sink, seed)
    if data:
        slicing.put(Chunk(data, 0))
    slicing.end()
    assert b"".join(sink.pieces) == data
    assert all(0 < len(piece) <= average + variation for piece in sink.pieces)
    assert sink.ended


async def test_a_full_sink_holds_a_stage_back_and_an_interrupt_loses_nothing() -> None:
    sink = Collected()
    sink.full = True
    noop = stage(BEHAVIOURS["noop"](), sink)
    noop.put(Chunk(b"a", 0))
    noop.put(Chunk(b"b", 0))
    assert noop.full
    assert sink.pieces == []
    noop.interrupt()
    assert sink.pieces == [b"a"]
    noop.dissolve()
    assert sink.pieces == [b"a", b"b"]


@pytest.mark.parametrize(
    ("kind", "attributes"),
    [("bandwidth", {"rate": -1}), ("slicer", {}), ("slicer", {"average_size": 5, "size_variation": 6})],
)
def test_attributes_that_are_refused_say_which(kind: str, attributes: dict[str, int]) -> None:
    with pytest.raises(InvalidAttributesError, match=kind):
        BEHAVIOURS[kind](**attributes)


def test_streams_of_randomness_are_independent_and_repeatable() -> None:
    def first(**changes: Any) -> float:
        fields: dict[str, Any] = {"seed": 1, "proxy": "p", "connection": 1, "direction": "upstream"} | changes
        return Randomness(**fields).stream("toxic", "toxicity").random()

    assert first() == first()
    others = {first(seed=2), first(proxy="q"), first(connection=2), first(direction="downstream")}
    assert len(others | {first()}) == 5
