"""The queries to which Grafana leads from a span, with the span's own values in them as Grafana puts them in."""

import re

import yaml

from observability.grafana.environment import PROVISIONING

_SOURCES = yaml.safe_load((PROVISIONING / "datasources" / "stormglass.yaml").read_text(encoding="utf-8"))

(TRACES_TO_METRICS,) = (
    source["jsonData"]["tracesToMetrics"] for source in _SOURCES["datasources"] if source["type"] == "tempo"
)


def at_a_span(service: str, name: str) -> dict[str, str]:
    """What is asked at a span of this service and name, by what the link says."""
    tags = {"service.name": service}
    mapped = ", ".join(f'{tag["value"]}="{tags[tag["key"]]}"' for tag in TRACES_TO_METRICS["tags"])
    found = {}
    for each in TRACES_TO_METRICS["queries"]:
        # `$$` is a dollar sign once the file has been read
        text = each["query"].replace("$$", "$").replace("$__tags", mapped).replace("${__span.name}", name)
        found[each["name"]] = re.sub(r'\$\{__span\.tags\["([^"]+)"\]\}', lambda tag: tags[tag[1]], text)
        assert "$" not in found[each["name"]], f"{each['name']}: Grafana knows more than this test"
    return found
