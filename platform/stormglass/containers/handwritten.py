"""The compose files are written by hand, but for one thing in them: the ports of the fault proxies.

One more process, replica or edge moves those of all edges behind it (`Topology._ports`). They are counted anew in the
text itself, so that comments and layout stay as they were written.
"""

import re
from pathlib import Path

from stormglass.containers.contained import contained
from stormglass.runtime.environment import address_variable

FILES = ("docker-compose.yml", "observability/compose.yaml")
"""Those with addresses of edges in them, from the root of a checkout."""

_CLIENT = re.compile(r" +STORMGLASS_SERVICE: (?P<told>[\w-]+)$|  (?P<key>[a-z][a-z-]*)(?:-\d+)?:")
"""A line from which on edges are those of a process: its name among its settings, or the key of its container."""

_ADDRESS = re.compile(r"(?P<before>(?:(?P<variable>STORMGLASS_ADDRESS_\w+): )?\S*)\bfaultproxy:\d+")


def renumbered(text: str) -> str:
    """The text with the port of every edge that is known by its client and variable, or is its client's only one."""
    lines, client = text.splitlines(keepends=True), ""
    for number, line in enumerate(lines):
        if found := _CLIENT.match(line):
            client = found["told"] or found["key"]
        if found := _ADDRESS.search(line):
            address = _address(client, found["variable"]) or found[0].removeprefix(found["before"])
            lines[number] = line[: found.start()] + found["before"] + address + line[found.end() :]
    return "".join(lines)


def _address(client: str, variable: str | None) -> str:
    instance = contained()
    edges = instance.topology.edges_of(client)
    fitting = [edge for edge in edges if variable is None or address_variable(edge.label) == variable]
    return instance.edge_address(fitting[0]) if len(fitting) == 1 else ""


def write(root: Path) -> list[Path]:
    """Renumber the files of a checkout; which have changed."""
    changed = []
    for name in FILES:
        path = root / name
        text = path.read_text(encoding="utf-8")
        if (new := renumbered(text)) != text:
            path.write_text(new, encoding="utf-8")
            changed.append(path)
    return changed
