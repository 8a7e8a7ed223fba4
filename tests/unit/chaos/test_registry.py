"""Kinds of fault: found by themselves, complete, and found by people who mistype."""

import pytest

from chaos.engine import registry
from chaos.engine.context import Context
from chaos.engine.engine import Engine
from chaos.engine.model import MAX_TTL_SECONDS, Refused
from stormglass.runtime.instance import Instance


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Engine:
    instance = Instance("demo", tmp_path_factory.mktemp("state"), 18000)
    monkeypatch.setattr("chaos.engine.context.load", lambda name: instance)
    return Engine(Context("demo"), None)  # type: ignore[arg-type]  # a request is checked before anything is written


def test_every_kind_says_what_it_is() -> None:
    assert {"latency", "down", "timeout", "reset_peer", "slicer", "limit_data", "bandwidth", "slow_close"} <= set(
        registry.kinds()
    )
    for name, kind in registry.kinds().items():
        assert kind.name == name
        assert kind.summary
        assert all(attribute.help for attribute in kind.attributes), name


@pytest.mark.parametrize("text", ["orders→postgres", "orders->postgres", "orders -> postgres"])
def test_an_edge_is_found_however_its_arrow_is_written(engine: Engine, text: str) -> None:
    request = engine.request(text, "latency", {"latency": "1s"}, ttl="2m")
    assert (request.target, request.attributes["latency"], request.ttl_seconds) == ("orders→postgres", 1000, 120.0)
    assert (request.stream, request.toxicity) == ("downstream", 1.0)


def test_who_mistypes_is_told_what_was_meant(engine: Engine) -> None:
    with pytest.raises(Refused, match="did you mean orders→postgres"):
        engine.request("order->postgres", "latency", {"latency": 1})
    with pytest.raises(Refused, match="did you mean latency"):
        engine.request("orders->postgres", "latenzy", {"latency": 1})
    with pytest.raises(Refused, match="must be one of upstream"):
        engine.request("orders->postgres", "latency", {"latency": 1}, stream="upsteam")


@pytest.mark.parametrize("ttl", ["0", "-1s", "2h", MAX_TTL_SECONDS + 1, "soon", "nan"])
def test_a_fault_always_ends(engine: Engine, ttl: object) -> None:
    with pytest.raises(Refused, match="ttl="):
        engine.request("orders->postgres", "latency", {"latency": 1}, ttl=ttl)


@pytest.mark.parametrize("toxicity", [-0.1, 1.1, "nan", "much"])
def test_toxicity_is_a_share(engine: Engine, toxicity: object) -> None:
    with pytest.raises(Refused, match="toxicity="):
        engine.request("orders->postgres", "latency", {"latency": 1}, toxicity=toxicity)


def test_streams_and_toxicity_belong_to_toxics(engine: Engine) -> None:
    with pytest.raises(Refused, match="no streams"):
        engine.request("orders->postgres", "down", {}, stream="upstream")
    with pytest.raises(Refused, match="no streams"):
        engine.request("orders->postgres", "down", {}, toxicity=0.5)


def test_a_replica_that_does_not_run_has_no_edge(engine: Engine) -> None:
    engine.request("edge->gateway-2", "down", {})
    with pytest.raises(Refused, match="did you mean edge→gateway-"):
        engine.request("edge->gateway-3", "down", {})
