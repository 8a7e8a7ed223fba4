"""Sessions and API keys: who gets in, what services see, forged requests, and the outage of whoever knows them."""

import aiohttp
import pytest

from stormglass.security import csrf
from stormglass.security.identity import HEADER, verify
from stormglass.security.opaque import ApiKey, new_secret
from tests.integration.gateway.conftest import Credential, Issue
from tests.integration.gateway.native import IDENTITY_KEY, Gateway, eventually
from tests.integration.gateway.standin import StandIn


def _secret(headers: dict[str, str]) -> str:
    return headers.get("X-API-Key") or headers["Cookie"].partition("=")[2]


@pytest.mark.parametrize("kind", ["session", "api-key"])
async def test_a_credential_becomes_an_identity_and_goes_no_further(
    gateway: Gateway, http: aiohttp.ClientSession, standin: StandIn, credential: Credential, kind: str
) -> None:
    headers = credential(kind, "user-77", ("orders:read",))
    before = len(standin.credentials_asked)
    for _ in range(3):
        async with http.get(f"{gateway.base}/orders", headers={**headers, "X-CSRF-Token": "x"}) as answer:
            assert answer.status == 200
            sent = {name.lower(): value for name, value in (await answer.json())["headers"]}
    assert standin.credentials_asked[before:] == [_secret(headers)]
    identity = verify(sent[HEADER.lower()], IDENTITY_KEY)
    assert (identity.subject, identity.scopes) == ("user-77", frozenset({"orders:read"}))
    assert identity.credential == standin.credentials[_secret(headers)]["credential"]
    assert not {"cookie", "x-api-key", "x-csrf-token", "authorization"} & sent.keys()
    assert _secret(headers) not in str(sent)

    async def written() -> bool:
        lines = [line for line in gateway.lines() if line["caller"] == "user-77" and line["credential"] == kind]
        return len(lines) >= 3

    await eventually(written)
    assert _secret(headers) not in gateway.log.read_text()


@pytest.mark.parametrize(
    "headers",
    [
        {"Cookie": f"__Host-session={new_secret()}"},
        {"Cookie": "__Host-session=short"},
        {"X-API-Key": str(ApiKey.new())},
        {"X-API-Key": "sgk_short"},
    ],
)
async def test_made_up_ones(gateway: Gateway, http: aiohttp.ClientSession, headers: dict[str, str]) -> None:
    async with http.get(f"{gateway.base}/orders", headers=headers) as answer:
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
        assert '"refused"' in answer.headers["RateLimit-Policy"]
    # where none is needed, a session that has ended is none
    async with http.get(f"{gateway.base}/products", headers=headers) as answer:
        assert answer.status == (200 if "Cookie" in headers else 401)


async def test_two_at_once(
    gateway: Gateway, http: aiohttp.ClientSession, bearer: Issue, credential: Credential
) -> None:
    for headers in (
        {**bearer(), **credential("session")},
        {**bearer(), **credential("api-key")},
        {**credential("session"), **credential("api-key")},
    ):
        async with http.get(f"{gateway.base}/orders", headers=headers) as answer:
            assert answer.status == 400


async def test_forged_requests(
    gateway: Gateway, http: aiohttp.ClientSession, standin: StandIn, credential: Credential
) -> None:
    session = credential("session")
    token = csrf.token(_secret(session))
    async with http.get(f"{gateway.base}/sessions/current", headers=session) as answer:
        assert (answer.status, answer.headers["X-CSRF-Token"]) == (200, token)
    async with http.get(f"{gateway.base}/orders", headers=session) as answer:
        assert "X-CSRF-Token" not in answer.headers
    standin.seen.clear()
    for forged in (
        {},
        {"X-CSRF-Token": csrf.token(new_secret())},
        {"X-CSRF-Token": token, "Origin": "https://evil.example"},
        {"X-CSRF-Token": token, "Sec-Fetch-Site": "cross-site"},
    ):
        async with http.post(f"{gateway.base}/orders", json={}, headers={**session, **forged}) as answer:
            assert answer.status == 403
            assert (await answer.json())["type"] == "urn:stormglass:problem:csrf"
    assert standin.seen == []
    own = {**session, "X-CSRF-Token": token, "Origin": gateway.base, "Sec-Fetch-Site": "same-origin"}
    async with http.post(f"{gateway.base}/orders", json={}, headers=own) as answer:
        assert answer.status == 200
    # a log-in: there is no token yet, but it must not be made by somebody else's page
    async with http.post(f"{gateway.base}/sessions", json={}, headers={"Origin": gateway.base}) as answer:
        assert answer.status == 200
    async with http.post(f"{gateway.base}/sessions", json={}, headers={"Origin": "https://evil.example"}) as answer:
        assert answer.status == 403


async def test_the_outage_of_the_users_service(
    gateway: Gateway, http: aiohttp.ClientSession, standin: StandIn, credential: Credential
) -> None:
    known, unknown = credential("api-key"), credential("api-key")
    async with http.get(f"{gateway.base}/orders", headers=known) as answer:
        assert answer.status == 200
    standin.credentials_up = False
    try:
        async with http.get(f"{gateway.base}/orders", headers=unknown) as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
            assert (await answer.json())["type"] == "urn:stormglass:problem:credentials-unavailable"
        async with http.get(f"{gateway.base}/orders", headers=known) as answer:
            assert answer.status == 200
    finally:
        standin.credentials_up = True

    async def back() -> bool:
        async with http.get(f"{gateway.base}/orders", headers=unknown) as answer:
            return answer.status == 200

    await eventually(back)
