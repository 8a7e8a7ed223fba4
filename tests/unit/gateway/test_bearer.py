import asyncio
import time
import uuid
from collections.abc import Mapping
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import SecretStr

from services.gateway import keys as keys_module
from services.gateway.credentials.bearer import BearerTokens
from services.gateway.credentials.presented import Kind, Presented, Refused
from services.gateway.credentials.verified import VerifiedCredentials
from services.gateway.exchange import Exchange
from services.gateway.keys import Keys
from services.gateway.limits.limiter import Limiter
from services.gateway.routes import policies
from services.gateway.settings import GatewaySettings
from stormglass.security import tokens
from stormglass.security.identity import Identity
from stormglass.security.tokens import SigningKey
from stormglass.service import Problem

REALM = 'Bearer realm="stormglass"'


def signing_key() -> SigningKey:
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return SigningKey(SecretStr(pem.decode()))


class Users:
    """The users service's key endpoint, and a gateway's side of it."""

    def __init__(self, size: int = 10) -> None:
        self.keys = [signing_key()]
        self.asked = 0
        self.up = True
        self.known = Keys(self.fetch, longest=300)
        self.verified = VerifiedCredentials(size)
        self._subject = BearerTokens(
            self.known, self.verified, Limiter(policies(GatewaySettings(refused_per_minute=1)), replicas=1)
        )

    async def fetch(self) -> tuple[Mapping[str, Any], float]:
        self.asked += 1
        await asyncio.sleep(0)
        if not self.up:
            raise OSError("down")
        return {"keys": [key.jwk for key in self.keys]}, 60.0

    async def verify(self, token: str) -> Identity:
        return await self._subject(Exchange("GET", [], "192.0.2.1"), Presented(Kind.BEARER, f"bEaReR  {token}"))

    def remembers(self, token: str) -> bool:
        return self.verified.get(Presented(Kind.BEARER, token)) is not None


async def test_a_good_token_is_verified_once(monkeypatch: pytest.MonkeyPatch) -> None:
    users = Users()
    login = uuid.uuid4()
    token = users.keys[0].issue("me", ["orders:read", "more"], lifetime=60, login_id=login)
    for _ in range(3):
        assert await users.verify(token) == Identity(
            "me", frozenset({"orders:read", "more"}), credential=f"login:{login}"
        )
        # from here on, verifying would fail
        monkeypatch.setattr(tokens, "verify", None)


async def test_what_is_remembered_expires() -> None:
    users = Users()
    token = users.keys[0].issue("me", ["orders:read"], lifetime=1)
    await users.verify(token)
    assert users.remembers(token)
    expires = next(iter(users.verified._known.values())).expires_at
    await asyncio.sleep(max(0.0, expires - time.time()) + 0.01)
    assert not users.remembers(token)


async def test_what_is_remembered_is_bounded_and_dies_with_its_key() -> None:
    users = Users(2)
    issued = [users.keys[0].issue(f"u{number}", ["orders:read"], lifetime=60) for number in range(3)]
    for token in issued:
        await users.verify(token)
    assert [users.remembers(token) for token in issued] == [False, True, True]
    users.keys = [signing_key()]
    await users.known._refresh()
    with pytest.raises(Refused):
        await users.verify(issued[2])
    assert not users.remembers(issued[2])


async def test_no_token_is_kept_in_memory() -> None:
    users = Users()
    token = users.keys[0].issue("me", [], lifetime=60)
    await users.verify(token)
    assert token not in repr(users.verified._known)


async def test_unknown_keys_are_asked_for_at_a_limited_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    users = Users()
    keys = users.known
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
    assert "not fetched yet" in users.known.problem
    with pytest.raises(Problem) as caught:
        await users.verify(users.keys[0].issue("me", [], lifetime=60))
    assert not isinstance(caught.value, Refused)
    assert (caught.value.status, caught.value.headers) == (503, {"Retry-After": "1"})
    assert "down" in users.known.problem


@pytest.mark.parametrize(
    ("value", "challenge"),
    [
        ("Digest x", REALM),
        ("Bearer a b", REALM),
        ("Bearer", REALM),
        ("Bearer abc", f'{REALM}, error="invalid_token", error_description="the token is not a JWT"'),
    ],
)
async def test_challenges(value: str, challenge: str) -> None:
    with pytest.raises(Refused) as caught:
        await Users()._subject(Exchange("GET", [], ""), Presented(Kind.BEARER, value))
    assert (caught.value.status, caught.value.headers["WWW-Authenticate"]) == (401, challenge)


async def test_names_that_no_user_has() -> None:
    users = Users()
    for token in (users.keys[0].issue("service:gateway", [], lifetime=60),):
        with pytest.raises(Refused):
            await users.verify(token)
