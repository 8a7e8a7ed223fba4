"""The fault proxy: one proxy per edge, called as the edge is."""

import json

from stormglass.runtime.instance import Instance


def proxies(instance: Instance) -> list[dict[str, str]]:
    """What the server is to have, as its API takes it; nothing for a direct instance."""
    if instance.direct:
        return []
    return [
        {
            "name": edge.name,
            "listen": f"{instance.network.listen_host}:{instance.edge_endpoint(edge)[1]}",
            "upstream": "{}:{}".format(*instance.network.upstream(edge)),
        }
        for edge in instance.edges()
    ]


def config(instance: Instance) -> str:
    """The file that the server reads at each of its starts."""
    return json.dumps(proxies(instance), indent=2, ensure_ascii=False) + "\n"
