"""Sessions and API keys: how often the users service is asked, and what is believed while it cannot be."""

import asyncio
import dataclasses
import time

import pytest

from services.gateway.credentials.asked import FRESH_SECONDS, STALE_SECONDS, AskedCredentials
from services.gateway.credentials.presented import Kind, Presented, Refused
from services.gateway.credentials.verified import Verified, VerifiedCredentials
from services.gateway.exchange import Exchange
from services.gateway.limits.limiter import Limiter
from services.gateway.route import REFUSED
from services.gateway.routes import policies
from services.gateway.settings import GatewaySettings
from stormglass.security.identity import Identity
from stormglass.security.opaque import ApiKey, new_secret
from stormglass.service import Problem
from stormglass.service.client import CallFailed

ME = Identity("me", frozenset({"orders:read"}), credential="login:1")


class Users:
    """The users service's answers, and a gateway's side of it."""

    def __init__(self) -> None:
        self.answer: Verified | None = Verified(ME, time.time() + 3600)
        self.up = True
        self.asked = 0
        self.verified = VerifiedCredentials(10)
        self.limiter = Limiter(policies(GatewaySettings(refused_per_minute=1)), replicas=1)
        self._subject = AskedCredentials(self._ask, self.verified, self.limiter)

    async def _ask(self, sent: Presented) -> Verified | None:
        self.asked += 1
        await asyncio.sleep(0.01)
        if not self.up:
            raise CallFailed("users", "down")
        return dataclasses.replace(self.answer, checked_at=time.monotonic()) if self.answer else None

    async def verify(self, sent: Presented) -> Identity:
        return await self._subject(Exchange("GET", [], "192.0.2.1"), sent)

    def age(self, sent: Presented, seconds: float) -> None:
        known = self.verified.get(sent)
        assert known is not None
        self.verified.put(sent, dataclasses.replace(known, checked_at=time.monotonic() - seconds))


def session() -> Presented:
    return Presented(Kind.SESSION, new_secret())


def api_key() -> Presented:
    return Presented(Kind.API_KEY, str(ApiKey.new()))


@pytest.mark.parametrize("make", [session, api_key])
async def test_it_is_asked_once_and_again_after_a_minute(make: object) -> None:
    users, sent = Users(), session() if make is session else api_key()
    assert [await users.verify(sent) for _ in range(3)] == [ME] * 3
    assert users.asked == 1
    users.age(sent, FRESH_SECONDS - 1)
    await users.verify(sent)
    assert users.asked == 1
    users.age(sent, FRESH_SECONDS)
    await users.verify(sent)
    assert users.asked == 2


async def test_many_requests_share_one_question() -> None:
    users, sent = Users(), session()
    assert await asyncio.gather(*(users.verify(sent) for _ in range(20))) == [ME] * 20
    assert users.asked == 1
    first = asyncio.create_task(users.verify(session()))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    assert users.asked == 2


async def test_what_has_ended_is_forgotten_when_it_is_asked_about() -> None:
    users, sent = Users(), session()
    await users.verify(sent)
    users.answer = None
    users.age(sent, FRESH_SECONDS)
    for _ in range(2):
        with pytest.raises(Refused) as caught:
            await users.verify(sent)
        assert (caught.value.status, caught.value.kind) == (401, "invalid-session")
    assert users.verified.get(sent) is None


@pytest.mark.parametrize(
    "sent",
    [
        Presented(Kind.API_KEY, "sgk_short"),
        Presented(Kind.API_KEY, new_secret()),
        Presented(Kind.SESSION, "x"),
        Presented(Kind.SESSION, new_secret() + "="),
        Presented(Kind.SESSION, str(ApiKey.new())),
    ],
)
async def test_nobody_is_asked_about_what_cannot_have_been_issued(sent: Presented) -> None:
    users = Users()
    with pytest.raises(Refused):
        await users.verify(sent)
    assert users.asked == 0


async def test_while_it_is_away_what_it_knew_goes_on_for_a_while() -> None:
    users, sent = Users(), api_key()
    await users.verify(sent)
    users.up = False
    users.age(sent, STALE_SECONDS - 1)
    assert await users.verify(sent) == ME
    with pytest.raises(Problem) as caught:
        await users.verify(api_key())
    assert (caught.value.status, caught.value.kind) == (503, "credentials-unavailable")
    assert not isinstance(caught.value, Refused)
    assert users.asked == 2  # once in vain: the outage is remembered
    users.age(sent, STALE_SECONDS)
    with pytest.raises(Problem):
        await users.verify(sent)
    users.up = True
    await asyncio.sleep(1.05)
    assert await users.verify(sent) == ME


async def test_nothing_is_believed_past_its_expiry() -> None:
    users, sent = Users(), session()
    users.answer = Verified(ME, time.time() + 0.05)
    await users.verify(sent)
    users.up = False
    await asyncio.sleep(0.06)
    with pytest.raises(Problem) as caught:
        await users.verify(sent)
    assert caught.value.status == 503


async def test_an_address_that_guesses_is_stopped_before_anybody_is_asked() -> None:
    users, mine = Users(), session()
    await users.verify(mine)
    exchange = Exchange("GET", [], "192.0.2.1")
    for count in (1, 2):
        (take,) = users.limiter.take(exchange, REFUSED)
        take.answered([None, count])
        users.limiter.decision(take)
    with pytest.raises(Problem) as caught:
        await users.verify(session())
    assert (caught.value.status, users.asked) == (429, 1)
    assert await users.verify(mine) == ME  # whoever was known before goes on
    assert await users._subject(Exchange("GET", [], "192.0.2.2"), session()) == ME
