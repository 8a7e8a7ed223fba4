"""The stage: which credential counts, what a stale session is worth, forged requests, scopes."""

import pytest

from services.gateway.authenticate import Authenticator
from services.gateway.credentials.presented import Kind, Presented, Refused, presented, refused
from services.gateway.exchange import Exchange, Headers
from services.gateway.route import Auth, Csrf, Route
from stormglass.security import csrf
from stormglass.security.identity import Identity
from stormglass.service import Problem

SECRET = "s" * 43
COOKIE = (b"cookie", f"a=b; __Host-session={SECRET}; c=d".encode())
TOKEN = (b"x-csrf-token", csrf.token(SECRET).encode())
HOST = (b"host", b"shop.example:8080")
REALM = 'Bearer realm="stormglass"'


async def good(exchange: Exchange, sent: Presented) -> Identity:
    return Identity("me", frozenset({"orders:read"}), credential="login:1")


async def bad(exchange: Exchange, sent: Presented) -> Identity:
    raise refused("x", "x", "no good")


def exchange(method: str, *headers: tuple[bytes, bytes]) -> Exchange:
    return Exchange(method, [HOST, *headers], "192.0.2.1")


def route(auth: Auth = Auth.REQUIRED, **more: object) -> Route:
    return Route(("GET",), "/orders", "orders", auth, **more)  # type: ignore[arg-type]  # values by name, on purpose


def stage(verify: object = good) -> Authenticator:
    return Authenticator(dict.fromkeys(Kind, verify))  # type: ignore[arg-type]  # one of the two above


@pytest.mark.parametrize(
    ("headers", "kind", "text"),
    [
        ([(b"authorization", b"Bearer x")], Kind.BEARER, "Bearer x"),
        ([(b"x-api-key", b" sgk_1 ")], Kind.API_KEY, "sgk_1"),
        ([COOKIE], Kind.SESSION, SECRET),
        ([(b"cookie", b"a=1"), (b"cookie", b"__Host-session=x=y")], Kind.SESSION, "x=y"),
    ],
)
def test_what_is_presented(headers: Headers, kind: Kind, text: str) -> None:
    assert presented(Exchange("GET", headers, "")) == Presented(kind, text)


@pytest.mark.parametrize(
    "cookie", [b"", b"__host-session=x", b"x__Host-session=y", b"__Host-session", b"a=__Host-session=x"]
)
def test_another_cookie_is_no_credential(cookie: bytes) -> None:
    assert presented(Exchange("GET", [(b"cookie", cookie)], "")) is None


@pytest.mark.parametrize(
    "headers",
    [
        [(b"authorization", b"Bearer a"), (b"authorization", b"Bearer b")],
        [(b"authorization", b"Bearer a"), (b"x-api-key", b"k")],
        [(b"authorization", b"Bearer a"), COOKIE],
        [(b"x-api-key", b"k"), (b"x-api-key", b"k")],
        [COOKIE, COOKIE],
        [(b"cookie", b"__Host-session=a; __Host-session=b")],
    ],
)
async def test_more_than_one_credential(headers: Headers) -> None:
    with pytest.raises(Refused) as caught:
        await stage()(exchange("GET", *headers), route(Auth.OPTIONAL))
    assert caught.value.status == 400
    assert caught.value.headers["WWW-Authenticate"] == f'{REALM}, error="invalid_request"'


async def test_none_was_sent() -> None:
    with pytest.raises(Problem) as caught:
        await stage()(exchange("GET"), route())
    assert not isinstance(caught.value, Refused)
    assert (caught.value.status, caught.value.headers["WWW-Authenticate"]) == (401, REALM)
    anonymous = exchange("GET")
    await stage()(anonymous, route(Auth.OPTIONAL))
    assert (anonymous.identity, anonymous.credential) == (None, "none")


async def test_a_scope_that_is_missing() -> None:
    subject = exchange("GET", (b"x-api-key", b"k"))
    with pytest.raises(Problem) as caught:
        await stage()(subject, route(scopes=frozenset({"orders:read", "orders:write"})))
    assert caught.value.status == 403
    assert caught.value.headers["WWW-Authenticate"].endswith('scope="orders:read orders:write"')
    assert "orders:read" not in caught.value.detail
    assert (subject.caller, subject.credential) == ("subject:me", "api-key")


@pytest.mark.parametrize(
    ("sent", "auth", "raises"),
    [
        (COOKIE, Auth.OPTIONAL, False),
        (COOKIE, Auth.REQUIRED, True),
        ((b"authorization", b"Bearer x"), Auth.OPTIONAL, True),
        ((b"x-api-key", b"x"), Auth.OPTIONAL, True),
        ((b"x-api-key", b"x"), Auth.NONE, False),
    ],
)
async def test_only_a_stale_session_may_be_as_good_as_none(
    sent: tuple[bytes, bytes], auth: Auth, *, raises: bool
) -> None:
    subject = exchange("POST", sent)
    if raises:
        with pytest.raises(Refused):
            await stage(bad)(subject, route(auth))
    else:
        await stage(bad)(subject, route(auth))
        assert subject.refused is (auth is Auth.OPTIONAL)
    assert subject.identity is None


@pytest.mark.parametrize(
    ("method", "headers", "passes"),
    [
        ("GET", [], True),
        ("HEAD", [(b"sec-fetch-site", b"cross-site")], True),
        ("POST", [], False),
        ("DELETE", [], False),
        ("POST", [TOKEN], True),
        ("POST", [TOKEN, TOKEN], False),
        ("POST", [(b"x-csrf-token", csrf.token("t" * 43).encode())], False),
        ("POST", [(b"x-csrf-token", b"")], False),
        ("POST", [(b"x-csrf-token", "é".encode())], False),
        ("POST", [TOKEN, (b"origin", b"https://shop.example:8080")], True),
        ("POST", [TOKEN, (b"origin", b"https://SHOP.example:8080"), (b"sec-fetch-site", b"same-origin")], True),
        ("POST", [TOKEN, (b"origin", b"https://shop.example")], False),
        ("POST", [TOKEN, (b"origin", b"https://evil.example")], False),
        ("POST", [TOKEN, (b"origin", b"https://evil.example/://shop.example:8080")], False),
        ("POST", [TOKEN, (b"origin", b"null")], False),
        ("POST", [TOKEN, (b"origin", b"")], False),
        ("POST", [TOKEN, (b"sec-fetch-site", b"none")], True),
        ("POST", [TOKEN, (b"sec-fetch-site", b"same-site")], False),
        ("POST", [TOKEN, (b"sec-fetch-site", b"cross-site")], False),
        ("POST", [TOKEN, (b"sec-fetch-site", b"same-origin"), (b"sec-fetch-site", b"cross-site")], False),
    ],
)
async def test_forged_requests(method: str, headers: Headers, *, passes: bool) -> None:
    subject = exchange(method, COOKIE, *headers)
    if passes:
        await stage()(subject, route())
    else:
        with pytest.raises(Problem) as caught:
            await stage()(subject, route())
        assert (caught.value.status, caught.value.kind) == (403, "csrf")


async def test_without_a_host_no_origin_is_ours() -> None:
    subject = Exchange("POST", [COOKIE, TOKEN, (b"origin", b"https://evil.example")], "192.0.2.1")
    with pytest.raises(Problem) as caught:
        await stage()(subject, route())
    assert caught.value.kind == "csrf"


async def test_no_other_credential_can_be_ridden() -> None:
    for sent in ((b"authorization", b"Bearer x"), (b"x-api-key", b"x")):
        await stage()(exchange("POST", sent, (b"origin", b"https://evil.example")), route())


@pytest.mark.parametrize("auth", [Auth.OPTIONAL, Auth.NONE])
@pytest.mark.parametrize("cookie", [(), (COOKIE,)])
async def test_a_log_in_comes_from_our_origin_and_needs_no_token(
    auth: Auth, cookie: tuple[tuple[bytes, bytes], ...]
) -> None:
    login = route(auth, csrf=Csrf.ORIGIN)
    await stage()(exchange("POST", *cookie), login)
    with pytest.raises(Problem) as caught:
        await stage()(exchange("POST", *cookie, (b"sec-fetch-site", b"cross-site")), login)
    assert caught.value.kind == "csrf"


async def test_the_token_is_told_to_a_session_only() -> None:
    current = route(tells_csrf=True)
    subject = exchange("GET", COOKIE)
    await stage()(subject, current)
    assert subject.extra == [TOKEN]
    other = exchange("GET", (b"x-api-key", b"k"))
    await stage()(other, current)
    assert other.extra == []
