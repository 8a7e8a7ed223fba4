"""The fixture `fault`: it bites while the block runs and is gone after it, and says so if not."""

import socket
import time
from typing import Any

import pytest

from chaos.engine.model import Fault, Refused
from chaos.keeper.client import KeeperClient
from chaos.testing import injector
from chaos.testing.injector import FaultInjector, StillThere
from stormglass.testing import Platform


def _ping(platform: Platform) -> float:
    """Seconds for one exchange with Redis through the gateways' proxy."""
    instance = platform.instance
    port = instance.topology.proxy_port(instance.base_port, instance.topology.edge("gateway→redis"))
    begun = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), 5) as connection:
        connection.sendall(b"PING\r\n")
        assert connection.recv(100).startswith(b"-NOAUTH")
    return time.monotonic() - begun


def _quickest_ping(platform: Platform) -> float:
    """A busy machine may hold up any single one."""
    return min(_ping(platform) for _ in range(3))


def test_a_fault_bites_inside_the_block_and_is_gone_after_it(platform: Platform, fault: FaultInjector) -> None:
    with fault("gateway->redis", "latency", latency=600) as active:
        assert "ms" in active.observation
        assert _ping(platform) > 0.5
        assert platform.json("fault", "list")
    assert _quickest_ping(platform) < 0.5
    with KeeperClient(platform.instance) as keeper:
        assert keeper.live() == []


def test_a_failing_block_leaves_no_fault_behind(platform: Platform, fault: FaultInjector) -> None:
    with pytest.raises(ZeroDivisionError), fault("gateway→redis", "down"):
        raise ZeroDivisionError
    assert _quickest_ping(platform) < 0.5


@pytest.mark.parametrize(
    ("target", "kind", "attributes", "hint"),
    [
        ("gatewey→redis", "latency", {}, "did you mean gateway→redis"),
        ("gateway→redis", "latancy", {}, "did you mean latency"),
        ("gateway→redis", "latency", {"delay": 3}, "latency"),
    ],
)
def test_what_cannot_be_had_is_refused_with_a_hint(
    fault: FaultInjector, target: str, kind: str, attributes: dict[str, Any], hint: str
) -> None:
    with pytest.raises(Refused, match=hint), fault(target, kind, **attributes):
        pytest.fail("the block must not run")


def test_a_fault_that_is_still_there_fails_the_test(
    platform: Platform, fault: FaultInjector, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Forgetful(KeeperClient):
        """Says that it cleared, and does not."""

        def clear(self, identity: str = "") -> list[Fault]:
            return []

    monkeypatch.setattr(injector, "KeeperClient", Forgetful)
    with pytest.raises(StillThere, match="latency"), fault("gateway→redis", "latency", latency=300):
        pass


def test_other_peoples_tests_find_the_fixtures(platform: Platform, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        def test_redis_slow(platform, fault):
            with fault("orders→redis", "latency", latency="200ms") as active:
                assert active.state == "active"
        """
    )
    # the instance is up: the outer session's; an inner one of its own would start and stop another
    pytester.makeconftest(
        f"""
        import pytest
        from stormglass.testing import Platform

        @pytest.fixture(scope="session")
        def platform():
            return Platform({platform.name!r})
        """
    )
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)
