"""What must never be in telemetry: ids and addresses in labels, raw paths where a route's template belongs."""

import re
from collections.abc import Iterable, Iterator

from prometheus_client import Metric as Family

_ID = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"  # a UUID
    r"|[^\s@/]+@[^\s@/]+\.[a-z]+"  # a mail address
    r"|(?<![0-9a-z])(?=[0-9a-f]*[0-9])[0-9a-f]{12,}(?![0-9a-z])"  # hexadecimal: a trace, a hash, a token
    r"|(?<![\w.:-])\d+(?![\w.:-])",  # a number that stands alone
    re.IGNORECASE,
)
NUMBERS = frozenset(
    {"le", "quantile", "code", "http_response_status_code", "generation", "major", "minor", "patchlevel"}
)
"""Labels that are numbers by their nature, and few of them."""
_PARAMETER = re.compile(r"\{[^{}/]*\}")


def ids_in_labels(families: Iterable[Family]) -> list[str]:
    """Label values that look like an id; empty when there is none."""
    return sorted({found for family in families for found in _ids(family)})


def _ids(family: Family) -> Iterator[str]:
    for sample in family.samples:
        for name, text in sample.labels.items():
            if name not in NUMBERS and _ID.search(text):
                yield f'{family.name}{{{name}="{text}"}}'


def raw_paths(routes: Iterable[str], templates: Iterable[str]) -> list[str]:
    """Routes that are no template of the platform's; the empty one stands for requests that matched none.

    What a parameter is called does not matter: whoever calls a route has a name of its own for it.
    """
    known = {_PARAMETER.sub("{}", template) for template in templates}
    return sorted({route for route in routes if route and _PARAMETER.sub("{}", route) not in known})
