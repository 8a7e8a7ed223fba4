"""`down` while something is broken on purpose: it is taken back first, and the next `up` begins whole."""

from chaos.engine.model import State
from tests.integration.faults.conftest import Stage


def test_down_takes_back_what_is_broken_and_the_next_up_is_whole(stage: Stage) -> None:
    slow = stage.add("gateway→redis", "latency", "latency=900", "--ttl", "10m")
    frozen = stage.add("redis", "stop", "--ttl", "10m")
    stage.bench.run("down")
    assert {stage.journal(each["id"]).state for each in (slow, frozen)} == {State.ENDED}
    assert stage.bench.remains() == []
    stage.bench.up("faults,postgres,redis,mail")
    assert stage.faults() == []
    assert stage.proxy("gateway→redis").toxics == ()
