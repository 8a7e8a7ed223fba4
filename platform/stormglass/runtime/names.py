"""What a person may call a process on the command line."""

from difflib import get_close_matches

from stormglass.runtime.errors import RuntimeFailure
from stormglass.runtime.instance import Instance
from stormglass.topology import Process, Topology


def replicas(instance: Instance, name: str) -> list[tuple[Process, int]]:
    """`orders-2` is one replica, `orders` is all of them; `RuntimeFailure` suggests what was meant."""
    found = [
        (process, number)
        for process, number in instance.places()
        if name in {process.name, process.replica_name(number)}
    ]
    if not found:
        raise _unknown(name, {text for p, number in instance.places() for text in (p.name, p.replica_name(number))})
    return found


def process(topology: Topology, name: str) -> Process:
    """A process of the topology by name; `RuntimeFailure` suggests what was meant."""
    if name not in topology:
        raise _unknown(name, {process.name for process in topology.processes})
    return topology[name]


def _unknown(name: str, known: set[str]) -> RuntimeFailure:
    close = get_close_matches(name, sorted(known), n=1)
    hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(sorted(known))}"
    return RuntimeFailure(f"there is no process {name!r}: {hint}")
