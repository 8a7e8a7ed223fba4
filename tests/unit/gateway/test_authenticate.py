import asyncio
import time
from collections.abc import Mapping
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import SecretStr

from services.gateway import keys as keys_module
from services.gateway.authenticate import Authenticator
from services.gateway.exchange import Exchange
from services.gateway.keys import Keys
from services.gateway.routes import Auth, Route
from services.gateway.verified import VerifiedTokens
from stormglass.security import tokens
from stormglass.security.tokens import SigningKey
from stormglass.service import Problem

ROUTE = Route(("GET",), "/orders", "orders", scopes=frozenset({"orders:read"}))


def signing_key() -> SigningKey:
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return SigningKey(SecretStr(pem.decode()))


class Users:
    """The users service's key endpoint."""

    def __init__(self) -> None:
        self.keys = [signing_key()]
        self.asked = 0
        self.up = True

    async def fetch(self) -> tuple[Mapping[str, Any], float]:
        self.asked += 1
        await asyncio.sleep(0)
        if not self.up:
            raise OSError("down")
        return {"keys": [key.jwk for key in self.keys]}, 60.0


def exchange(token: str) -> Exchange:
    return Exchange("GET", [(b"authorization", f"bEaReR  {token}".encode())], "192.0.2.1")


async def test_a_good_token_is_verified_once(monkeypatch: pytest.MonkeyPatch) -> None:
    users = Users()
    verified = VerifiedTokens(10)
    subject = Authenticator(Keys(users.fetch, longest=300), verified)
    token = users.keys[0].issue("me", ["orders:read", "more"], lifetime=60)
    for _ in range(3):
        exchange_ = exchange(token)
        await subject(exchange_, ROUTE)
        assert exchange_.identity is not None
        assert (exchange_.identity.subject, exchange_.identity.scopes) == ("me", frozenset({"orders:read", "more"}))
        # from here on, verifying would fail
        monkeypatch.setattr(tokens, "verify", None)


async def test_what_is_remembered_expires() -> None:
    users = Users()
    keys = Keys(users.fetch, longest=300)
    verified = VerifiedTokens(10)
    subject = Authenticator(keys, verified)
    token = users.keys[0].issue("me", ["orders:read"], lifetime=1)
    await subject(exchange(token), ROUTE)
    assert verified.get(token, keys) is not None
    await asyncio.sleep(max(0.0, verified._tokens[token][0].expires_at - time.time()) + 0.01)
    assert verified.get(token, keys) is None


async def test_what_is_remembered_is_bounded_and_dies_with_its_key() -> None:
    users = Users()
    keys = Keys(users.fetch, longest=300)
    verified = VerifiedTokens(2)
    subject = Authenticator(keys, verified)
    issued = [users.keys[0].issue(f"u{number}", ["orders:read"], lifetime=60) for number in range(3)]
    for token in issued:
        await subject(exchange(token), ROUTE)
    assert [verified.get(token, keys) is not None for token in issued] == [False, True, True]
    users.keys = [signing_key()]
    await keys._refresh()
    assert verified.get(issued[2], keys) is None


async def test_unknown_keys_are_asked_for_at_a_limited_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    users = Users()
    keys = Keys(users.fetch, longest=300)
    await asyncio.gather(*(keys.find("unknown") for _ in range(20)))
    assert users.asked == 1
    await keys.find("another")
    assert users.asked == 1
    monkeypatch.setattr(keys_module, "UNKNOWN_SECONDS", 0.0)
    users.keys.append(signing_key())
    assert await keys.find(users.keys[1].key_id) is not None
    users.up = False
    assert await keys.find("unknown") is None
    assert keys.known(users.keys[0].key_id) is not None
    assert keys.problem == ""


async def test_without_keys_it_is_not_the_caller_s_fault() -> None:
    users = Users()
    users.up = False
    keys = Keys(users.fetch, longest=300)
    assert "not fetched yet" in keys.problem
    with pytest.raises(Problem) as caught:
        await Authenticator(keys, VerifiedTokens(1))(exchange(users.keys[0].issue("me", [], lifetime=60)), ROUTE)
    assert (caught.value.status, caught.value.headers) == (503, {"Retry-After": "1"})
    assert "down" in keys.problem


@pytest.mark.parametrize(
    ("headers", "auth", "status", "challenge"),
    [
        ([], Auth.REQUIRED, 401, 'Bearer realm="stormglass"'),
        ([b"Bearer a", b"Bearer b"], Auth.OPTIONAL, 400, 'Bearer realm="stormglass", error="invalid_request"'),
        ([b"Digest x"], Auth.OPTIONAL, 401, 'Bearer realm="stormglass"'),
        ([b"Bearer a b"], Auth.REQUIRED, 401, 'Bearer realm="stormglass"'),
        (
            [b"Bearer abc"],
            Auth.OPTIONAL,
            401,
            'Bearer realm="stormglass", error="invalid_token", error_description="the token is not a JWT"',
        ),
    ],
)
async def test_challenges(headers: list[bytes], auth: Auth, status: int, challenge: str) -> None:
    route = Route(("GET",), "/orders", "orders", auth)
    subject = Authenticator(Keys(Users().fetch, longest=300), VerifiedTokens(1))
    with pytest.raises(Problem) as caught:
        await subject(Exchange("GET", [(b"authorization", value) for value in headers], ""), route)
    assert (caught.value.status, caught.value.headers["WWW-Authenticate"]) == (status, challenge)
