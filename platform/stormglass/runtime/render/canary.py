"""Canaries in Traefik's terms: unequal weights, and one more router per replica for requests that name it."""

from collections.abc import Iterable, Sequence
from typing import Any

from stormglass.canary import HEADER
from stormglass.runtime.instance import Instance

PRIORITY = 1000
"""Above that of any rule made of paths alone, which is the rule's length."""

NOBODY = "nobody"
"""Name of a service without any server: its answer is a 503."""


def weights(instance: Instance, replicas: Sequence[str]) -> list[int]:
    """The weight of each replica of one process: 1 each, or the canary's share and what is left for the others."""
    share = next((instance.canaries[name] for name in replicas if name in instance.canaries), None)
    if share is None or len(replicas) == 1:
        return [1] * len(replicas)
    others = len(replicas) - 1
    return [share * others if name in instance.canaries else 100 - share for name in replicas]


def routers(router: dict[str, Any], process: str, replicas: Iterable[str]) -> dict[str, dict[str, Any]]:
    """What stands before the router of a process: one for requests that name one of its replicas, for each of them.

    They lead to this replica or to nobody: who asks for one that is down, or was never there, wants to know that.
    """

    def named(matcher: str, service: str, priority: int) -> dict[str, Any]:
        return {**router, "rule": f"{matcher} && ({router['rule']})", "priority": priority, "service": service}

    return {
        **{f"{name}-by-name": named(f"Header(`{HEADER}`, `{name}`)", name, PRIORITY) for name in replicas},
        f"{process}-by-name": named(f"HeaderRegexp(`{HEADER}`, `^{process}-`)", NOBODY, PRIORITY - 1),
    }
