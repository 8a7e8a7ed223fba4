from collections.abc import Callable
from pathlib import Path

import pytest

from chaos.engine import registry
from chaos.engine.attributes import parse_all
from chaos.engine.context import Context
from chaos.engine.model import Fault, Refused, Request
from chaos.faults import memory, poison_job, replicas
from stormglass.runtime import wanted

OF_PARTS = {
    "kill": "orders-1",
    "restart": "gateway-2",
    "stop": "postgres",
    "slow-start": "worker-1",
    "scale-down": "orders",
    "cpu": "edge",
    "memory": "machine",
    "disk-full": "mail",
    "read-only": "redis",
    "out-of-memory": "redis",
    "flush": "redis",
    "slow": "redis",
    "lock": "postgres/orders",
    "connections": "postgres",
    "read-only-transactions": "postgres/users",
    "refuse": "mail",
    "tarpit": "mail",
    "drop-after-data": "mail",
    "duplicate": "mail",
    "poison-job": "worker",
    "garbage": "cache/products",
    "signing-key": "users",
    "bad-deploy": "products-1",
}


@pytest.mark.parametrize(("name", "target"), OF_PARTS.items())
def test_each_kind_is_found_and_described_and_has_targets(context: Context, name: str, target: str) -> None:
    kind = registry.kind(name)
    assert kind.summary
    assert registry.target(kind, context, target) == target
    parse_all(name, kind.attributes, {})


@pytest.mark.parametrize("name", OF_PARTS)
def test_an_unknown_attribute_is_refused(name: str) -> None:
    with pytest.raises(Refused, match="no attribute 'colour'"):
        parse_all(name, registry.kind(name).attributes, {"colour": "blue"})


@pytest.mark.parametrize("name", ["memory"])
def test_only_the_machine_is_there_when_nothing_is_meant_to_run(context: Context, name: str) -> None:
    wanted.remove(context.instance)
    for each in OF_PARTS:
        assert registry.kind(each).targets(context) == (["machine"] if each == name else []), each


@pytest.mark.parametrize("name", ["kill", "restart", "stop", "slow-start"])
@pytest.mark.parametrize("target", sorted(replicas.PROTECTED))
def test_what_takes_faults_back_is_no_target_and_it_is_said_why(context: Context, name: str, target: str) -> None:
    with pytest.raises(Refused, match=replicas.PROTECTED[target].split(",")[0]):
        registry.target(registry.kind(name), context, target)


async def test_memory_is_refused_beyond_what_has_to_stay(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = registry.kind("memory")
    monkeypatch.setattr(memory, "available_and_total", lambda: (3 << 30, 4 << 30))
    assert await kind.prepare(context, Request("machine", "memory", {"size": 2048}))
    with pytest.raises(Refused, match=r"at most 2048 \(MiB\)"):
        await kind.prepare(context, Request("machine", "memory", {"size": 2049}))
    monkeypatch.setattr(memory, "available_and_total", lambda: (20 << 30, 64 << 30))
    with pytest.raises(Refused, match=r"of which 16384 have to stay.*at most 4096 \(MiB\)"):
        await kind.prepare(context, Request("machine", "memory", {"size": 4097}))


def test_a_containers_limit_counts(tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("1048576\n")
    (tmp_path / "memory.current").write_text("48576\n")
    assert memory.available_and_total(tmp_path) == (1_000_000, 1_048_576)
    (tmp_path / "memory.max").write_text("max\n")
    assert memory.available_and_total(tmp_path)[1] > 1_048_576


async def test_a_deploy_that_is_not_bad_is_refused(context: Context) -> None:
    with pytest.raises(Refused, match=r"errors=0\.01"):
        await registry.kind("bad-deploy").prepare(
            context, Request("products-1", "bad-deploy", {"errors": 0.01, "delay": 0})
        )


def test_a_poisoned_events_id_follows_from_the_faults(make_fault: Callable[..., Fault]) -> None:
    one, other = make_fault(), make_fault()
    assert poison_job.event_id(one) == poison_job.event_id(one) != poison_job.event_id(other)
