"""A rotation of the signing keys while people work and log in: nobody notices; in an emergency, thieves do."""

import base64
import itertools
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Self

import httpx
import pytest

from services.shopper import Shopper
from stormglass.runtime import keys
from stormglass.security import keyring, tokens
from stormglass.testing import Platform, eventually
from tests.ring import put_back

GATEWAYS = (1, 2)
WORKERS = 6
"""Each asks once in 0.7 s: less than the 100 requests a minute that a caller may make."""

LATE = {0, 502, 503, 504}
"""No answer, or none in time: every log-in costs the one users service a hash, and nobody repeats a POST."""

MOST_LATE = 5
"""Of about a thousand. A gateway that does not know a key refuses every token of it, with 401."""

LEEWAY_SECONDS = 5
"""How long after its end a gateway still accepts a token: clocks differ."""


class Traffic:
    """Customers who go on with the token they have, and some who log in again and again; every answer is kept."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._stop = threading.Event()
        self.people = [_customer(platform) for _ in range(WORKERS)]
        self._forgetful = [_customer(platform) for _ in range(WORKERS)]
        self.answers: Counter[tuple[str, int]] = Counter()
        self.signers: list[tuple[float, str]] = []
        """When somebody logged in, and the id of the key that signed the token."""
        self._threads = [
            *(threading.Thread(target=self._work, args=(token,), daemon=True) for _, token in self.people),
            threading.Thread(target=self._log_in_again, daemon=True),
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=60)

    def _work(self, token: str) -> None:
        with httpx.Client(base_url=self._platform.base_url, timeout=15) as http:
            while not self._stop.wait(0.7):
                self._count("old token", lambda: _me(http, token))

    def _log_in_again(self) -> None:
        with httpx.Client(base_url=self._platform.base_url, timeout=15) as http:
            for shopper, _ in itertools.cycle(self._forgetful):
                if self._stop.wait(1.0):
                    return
                self._count("log-in", lambda shopper=shopper: self._new_token(http, shopper))  # type: ignore[misc]  # a lambda bound to its round

    def _new_token(self, http: httpx.Client, shopper: Shopper) -> int:
        moment = time.time()
        answer = http.post("/tokens", json={"email": shopper.email, "password": shopper.password})
        if answer.status_code == 200:
            token = answer.json()["access_token"]
            self.signers.append((moment, tokens.key_id_of(token)))
            # at once, and at both gateways: the edge sends requests to them in turn
            for _ in range(4):
                self._count("new token", lambda: _me(http, token))
        return answer.status_code

    def _count(self, what: str, ask: Callable[[], int]) -> None:
        try:
            status = ask()
        except httpx.HTTPError:
            status = 0
        self.answers[what, status] += 1


def _customer(platform: Platform) -> tuple[Shopper, str]:
    """Somebody with an account, and a token."""
    shopper = Shopper(platform.base_url)
    shopper.register()
    return shopper, _log_in(shopper)


def _me(http: httpx.Client, token: str) -> int:
    return http.get("/users/me", headers={"Authorization": f"Bearer {token}"}).status_code


def _log_in(shopper: Shopper) -> str:
    answer = shopper.request("POST", "/tokens", json={"email": shopper.email, "password": shopper.password})
    return str(answer["access_token"])


def _at_gateway(platform: Platform, number: int, token: str) -> int:
    with httpx.Client(base_url=f"http://{platform.address('gateway', number)}", timeout=15) as http:
        return _me(http, token)


def _states(platform: Platform) -> dict[str, str]:
    return {key["key_id"]: key["state"] for key in platform.json("keys", "list")["keys"]}


def _claims(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))))


@pytest.fixture(scope="module", autouse=True)
def ring(platform: Platform) -> Iterator[None]:
    with put_back(platform):
        yield


@pytest.fixture(autouse=True)
def one_key(platform: Platform) -> None:
    """Whatever an earlier test did to the keys is over, and every gateway knows."""
    if list(_states(platform).values()) != ["signing"]:
        platform.run("keys", "rotate", "--now", "--wait")


@pytest.mark.timeout(300)
def test_an_emergency_voids_every_token_on_every_gateway(platform: Platform) -> None:
    shopper = Shopper(platform.base_url)
    shopper.register()
    stolen = _log_in(shopper)
    assert [_at_gateway(platform, gateway, stolen) for gateway in GATEWAYS] == [200, 200]
    (old,) = _states(platform)
    begun = time.monotonic()
    new = platform.json("keys", "rotate", "--now", "--wait")["key_id"]
    assert time.monotonic() - begun < keyring.MAX_AGE_SECONDS + 15
    assert [_at_gateway(platform, gateway, stolen) for gateway in GATEWAYS] == [401, 401]
    assert _states(platform) == {new: "signing"}
    assert new != old
    token = _log_in(shopper)
    assert [_at_gateway(platform, gateway, token) for gateway in GATEWAYS] == [200, 200]


@pytest.mark.timeout(400)
def test_a_rotation_costs_nobody_a_request(platform: Platform) -> None:
    with Traffic(platform) as traffic:
        eventually(
            lambda: traffic.answers["old token", 200] >= WORKERS and len(traffic.signers) > 0,
            seconds=60,
            what="people work, and somebody logs in under the old key",
        )
        (old,) = {signer for _, signer in traffic.signers}
        begun = time.time()
        rotated = platform.json("keys", "rotate", "--wait")
        seconds = time.time() - begun
        new = rotated["key_id"]
        eventually(lambda: traffic.signers[-1][1] == new, seconds=30, what="somebody logs in under the new key")
        time.sleep(keyring.MAX_AGE_SECONDS)  # until every gateway has asked for the keys once more
    assert {status for _, status in traffic.answers} - LATE == {200}, traffic.answers
    late = sum(count for (_, status), count in traffic.answers.items() if status in LATE)
    assert late <= MOST_LATE, traffic.answers
    assert traffic.answers["old token", 200] > 6 * seconds
    assert traffic.answers["new token", 200] > 1.5 * seconds
    assert keyring.LEAD_SECONDS <= seconds < keyring.LEAD_SECONDS + 15
    signs_from = keys.ring(platform.instance).keys[-1].signs_from
    for moment, signer in traffic.signers:
        # 15 s: a log-in waits for its turn on a busy machine
        if not signs_from - 15 < moment < signs_from:
            assert signer == (old if moment < signs_from else new)
    assert _states(platform) == {old: "retiring", new: "signing"}
    shopper, old_token = traffic.people[0]
    new_token = _log_in(shopper)
    assert [tokens.key_id_of(each) for each in (old_token, new_token)] == [old, new]
    for gateway in GATEWAYS:
        assert [_at_gateway(platform, gateway, token) for token in (old_token, new_token)] == [200, 200]
    _tokens_of_the_old_key_live_until_they_expire(platform, old, old_token)


def _tokens_of_the_old_key_live_until_they_expire(platform: Platform, old: str, token: str) -> None:
    (key,) = (key.key for key in keys.ring(platform.instance).keys if key.key.key_id == old)
    claims = _claims(token)
    life = 10
    short = key.issue(claims["sub"], claims["scope"].split(), lifetime=life)
    begun = time.time()
    while time.time() < begun + life - 2:
        assert [_at_gateway(platform, gateway, short) for gateway in GATEWAYS] == [200, 200]
        time.sleep(1)
    for gateway in GATEWAYS:
        eventually(
            lambda gateway=gateway: _at_gateway(platform, gateway, short) == 401,  # type: ignore[misc]  # a lambda bound to its round
            seconds=2 + LEEWAY_SECONDS + 10,
            # this customer has been asking for a minute, and may ask 100 times in one
            every=1.0,
            what=f"gateway {gateway} refuses what has expired",
        )
        assert _at_gateway(platform, gateway, token) == 200, "it is the token that is over, not the key"
