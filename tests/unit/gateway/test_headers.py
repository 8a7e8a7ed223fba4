from typing import Any

from services.gateway.headers import NO_RULES, HeaderRules

RULES = HeaderRules(set=(("accept-encoding", "identity"), ("x-new", "1")), remove=("range",))


def test_a_request() -> None:
    fields = [("accept", "a"), ("Accept-Encoding", "gzip"), ("range", "bytes=0-1")]
    assert RULES.to_service(fields) == [("accept", "a"), ("accept-encoding", "identity"), ("x-new", "1")]


async def test_an_answer() -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    ruled = RULES.to_client(send)
    await ruled({"type": "http.response.start", "status": 200, "headers": [(b"x-new", b"old"), (b"age", b"1")]})
    await ruled({"type": "http.response.body", "body": b"x", "more_body": False})
    assert sent[0]["headers"] == [(b"age", b"1"), (b"accept-encoding", b"identity"), (b"x-new", b"1")]
    assert sent[1]["body"] == b"x"
    assert NO_RULES.to_client(send) is send
