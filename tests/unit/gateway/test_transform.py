import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from services.gateway.exchange import Exchange, client_address
from services.gateway.matching import Matcher
from services.gateway.normalise import Target
from services.gateway.routes import ROUTES
from services.gateway.transform import HOP_BY_HOP, OURS, to_client, to_upstream, traced
from stormglass.security.identity import HEADER, Identity, verify

KEY = SecretStr("k" * 43)
MATCH = Matcher(ROUTES).match("GET", "/products")


def sent(headers: list[tuple[bytes, bytes]], identity: Identity | None = None) -> list[tuple[str, str]]:
    exchange = Exchange("GET", headers, "192.0.2.1", identity=identity)
    return to_upstream(exchange, MATCH, Target("/products", ""), KEY).headers


FORBIDDEN = sorted(HOP_BY_HOP | OURS | {b"x-stormglass-identity", b"x-forwarded-for", b"x_stormglass_identity"})
HEADERS = st.lists(
    st.tuples(
        st.sampled_from([*FORBIDDEN, b"accept", b"x-custom", b"x-stormglass-other", b"x-forwarded-other"]),
        st.sampled_from([b"forged", b"close, X-Custom", b"x-stormglass-identity", b"traceparent"]),
    ),
    max_size=12,
)


@given(HEADERS)
def test_only_our_word_counts(headers: list[tuple[bytes, bytes]]) -> None:
    found = [(name.lower(), value) for name, value in sent(headers, Identity("me", frozenset({"a"})))]
    identities = [value for name, value in found if name == HEADER.lower()]
    assert [verify(value, KEY).subject for value in identities] == ["me"]
    others = [name for name, _ in found if name not in {HEADER.lower(), "x-request-id"}]
    assert set(others) <= {"accept", "x-custom"}
    named = any(b"X-Custom" in value for name, value in headers if name == b"connection")
    wanted = [name for name, _ in headers if name == b"accept" or (name == b"x-custom" and not named)]
    assert others == [name.decode() for name in wanted]


def test_without_a_token_there_is_no_identity() -> None:
    assert [name for name, _ in sent([(b"x-stormglass-identity", b"forged")])] == ["X-Request-Id"]


def test_the_body_s_length_cannot_be_taken_away() -> None:
    headers = [(b"connection", b"content-length, x-a"), (b"content-length", b"5"), (b"x-a", b"1")]
    assert ("content-length", "5") in sent(headers)
    assert "x-a" not in dict(sent(headers))


def test_a_deadline_is_never_zero() -> None:
    exchange = Exchange("GET", [], "192.0.2.1")
    call = traced(to_upstream(exchange, MATCH, Target("/products", "q=1"), KEY), 0.0001)
    assert dict(call.headers)["X-Request-Timeout-Ms"] == "1"
    assert call.target == "/products?q=1"


def test_an_answer_loses_what_is_internal() -> None:
    answered = [
        (b"Connection", b"X-Hop"),
        (b"X-Hop", b"1"),
        (b"Transfer-Encoding", b"chunked"),
        (b"X-Stormglass-Identity", b"leak"),
        (b"Server", b"x"),
        (b"ETag", b'"1"'),
        (b"X-Stormglass-Degraded", b"stale"),
    ]
    assert to_client(answered) == [(b"etag", b'"1"'), (b"x-stormglass-degraded", b"stale")]


@pytest.mark.parametrize(
    ("hops", "peer", "address"),
    [
        ([], "127.0.0.1", "127.0.0.1"),
        ([b"10.0.0.1, 192.0.2.7"], "127.0.0.1", "192.0.2.7"),
        ([b"10.0.0.1", b"192.0.2.8"], "127.0.0.1", "192.0.2.8"),
        ([b"2001:db8:1:2:3:4:5:6"], "::1", "2001:db8:1:2::/64"),
        ([b"192.0.2.7:80"], "127.0.0.1", "unknown"),
        ([b""], "127.0.0.1", "unknown"),
    ],
)
def test_the_last_hop_is_the_client(hops: list[bytes], peer: str, address: str) -> None:
    assert client_address([(b"x-forwarded-for", hop) for hop in hops], peer) == address
