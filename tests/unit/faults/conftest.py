import time
from collections.abc import Callable
from pathlib import Path

import pytest

from chaos.engine.context import Context
from chaos.engine.model import Fault, State
from stormglass.runtime import wanted
from stormglass.runtime.instance import Instance
from stormglass.topology import TOPOLOGY


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Context:
    """An instance that is recorded as up; nothing of it runs."""
    monkeypatch.setenv("STORMGLASS_HOME", str(tmp_path))
    instance = Instance("unit", tmp_path.resolve(), 27_900)
    instance.save()
    wanted.write(instance, {process.name for process in TOPOLOGY.processes})
    return Context("unit")


@pytest.fixture
def make_fault() -> Callable[..., Fault]:
    def make(kind: str = "cpu", target: str = "orders-1", lasts: float = 30.0, **record: object) -> Fault:
        now = time.time()
        return Fault(
            id=f"t{time.monotonic_ns():x}",
            target=target,
            type=kind,
            attributes={},
            stream="",
            toxicity=1.0,
            ttl_seconds=lasts,
            created_at=now,
            expires_at=now + lasts,
            state=State.ACTIVE,
            record=record,
        )

    return make
