import time

import pytest
from litestar import Litestar, get
from litestar.params import FromPath
from litestar.testing import TestClient

from stormglass.service import create_service
from stormglass.service.sabotage import EvenShare, sabotage


@get("/thing/{number:int}")
async def thing(number: FromPath[int]) -> int:
    return number


@get("/other")
async def other() -> str:
    return "other"


def _service() -> Litestar:
    return create_service(name="unit", route_handlers=[thing, other])


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("STORMGLASS_SERVICE", "unit")
    return monkeypatch


@pytest.mark.parametrize(("ratio", "picked"), [(0.0, 0), (0.1, 10), (0.3, 30), (0.5, 50), (1.0, 100)])
def test_the_share_is_exact(ratio: float, picked: int) -> None:
    share = EvenShare(ratio)
    assert sum(share.pick() for _ in range(100)) == picked


def test_the_share_is_even() -> None:
    share = EvenShare(0.25)
    rounds = [[share.pick() for _ in range(4)] for _ in range(50)]
    assert {sum(each) for each in rounds} == {1}


def test_without_the_environments_word_there_is_nothing() -> None:
    assert sabotage() == []


def test_a_share_fails_as_a_mistake_of_the_services_own_would(surroundings: pytest.MonkeyPatch) -> None:
    surroundings.setenv("STORMGLASS_SABOTAGE_ERROR_RATIO", "0.5")
    with TestClient(_service(), raise_server_exceptions=False) as client:
        answers = [client.get(path) for _ in range(5) for path in ("/thing/1", "/other")]
    assert [answer.status_code for answer in answers].count(500) == 5, "one share for all routes"
    failed = next(answer for answer in answers if answer.status_code == 500)
    assert failed.headers["content-type"].startswith("application/problem+json")
    assert failed.json()["type"] == "urn:stormglass:problem:internal-error"
    assert "purpose" not in failed.text, "what is wrong is for the log, not for clients"


def test_a_delay_is_before_the_answer(surroundings: pytest.MonkeyPatch) -> None:
    surroundings.setenv("STORMGLASS_SABOTAGE_DELAY_MS", "200")
    with TestClient(_service()) as client:
        begun = time.monotonic()
        assert client.get("/thing/7").json() == 7
        assert time.monotonic() - begun >= 0.2
