from typing import Any

import pytest

from services.gateway.body import Aborted, RequestBody
from services.gateway.exchange import Exchange
from stormglass.service import Problem

CHUNKED = [(b"transfer-encoding", b"chunked")]


class Client:
    """An ASGI `receive` that counts how often it was asked."""

    def __init__(self, *messages: dict[str, Any]) -> None:
        self.messages = list(messages)
        self.asked = 0

    async def __call__(self) -> Any:
        self.asked += 1
        return self.messages.pop(0)


def part(body: bytes, more: bool = True) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


async def test_the_client_is_asked_only_when_the_service_took_what_there_was() -> None:
    client = Client(part(b"a"), part(b"b"), part(b"", more=False))
    body = RequestBody(Exchange("POST", CHUNKED, ""), client, 10)
    completed: list[bool] = []
    body.on_complete = lambda: completed.append(True)
    assert client.asked == 0
    stream = body.stream()
    assert (await anext(stream), client.asked) == (b"a", 1)
    assert (await anext(stream), client.asked) == (b"b", 2)
    assert not body.complete
    assert [chunk async for chunk in stream] == []
    assert (body.complete, completed) == (True, [True])


async def test_the_limit_is_counted() -> None:
    exchange = Exchange("POST", CHUNKED, "")
    body = RequestBody(exchange, Client(part(b"12345"), part(b"6", more=False)), 5)
    with pytest.raises(Problem):
        assert [chunk async for chunk in body.stream()]
    assert body.fault is not None
    assert (body.fault.status, exchange.bytes_in) == (413, 6)


def test_a_declared_length_is_enough_to_refuse() -> None:
    with pytest.raises(Problem) as caught:
        RequestBody(Exchange("POST", [(b"content-length", b"6")], ""), Client(), 5)
    assert caught.value.status == 413


async def test_a_client_that_goes_away() -> None:
    body = RequestBody(Exchange("POST", CHUNKED, ""), Client({"type": "http.disconnect"}), 5)
    with pytest.raises(Aborted):
        assert [chunk async for chunk in body.stream()]
    assert body.gone


@pytest.mark.parametrize("headers", [[], [(b"content-length", b"0")]])
def test_no_body(headers: list[tuple[bytes, bytes]]) -> None:
    body = RequestBody(Exchange("POST", headers, ""), Client(), 0)
    assert (body.present, body.complete) == (False, True)
