"""What a route's answer is composed of."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError

from stormglass.topology import TOPOLOGY


@dataclass(frozen=True, slots=True)
class Part:
    """One member of the answer: what `GET path` at a service says.

    `path` is a template with the parameters of the route. With `each`, a JMESPath expression over the parts that were
    declared before, there is one call for every distinct value that it finds, with the value as `{each}`, and the
    member is a list; what no longer exists (404) is left out of it. A part that is `required` has to be there: where
    it is not, its answer is the answer.
    """

    name: str
    upstream: str
    path: str
    each: str = ""
    required: bool = False

    @property
    def source(self) -> str:
        """The part that `each` looks into."""
        return self.each.partition(".")[0].partition("[")[0]

    def values(self, source: Any) -> list[str]:
        """The distinct values that `each` finds when its source is this, in their order."""
        found: Iterable[Any] = jmespath.search(self.each, {self.source: source}) or ()
        return list(dict.fromkeys(map(str, found)))


@dataclass(frozen=True, slots=True)
class Composition:
    """The parts of an answer, asked for at the same time where none needs another.

    `seconds`: how long those that are not required are waited for, from the beginning of the composition; the answer
    has to begin before the edge gives it up. `at_once`: calls at a time for a part with `each`, out of at most `most`.
    """

    parts: tuple[Part, ...]
    seconds: float = 1.0
    at_once: int = 8
    most: int = 50

    def __str__(self) -> str:
        """For people who look at the route table."""
        return " + ".join(part.name if part.required else f"({part.name})" for part in self.parts)

    @property
    def faults(self) -> list[str]:
        """What is wrong with it, for the check of the route table."""
        faults = [] if any(part.required for part in self.parts) else ["a composition without a required part"]
        seen: dict[str, Part] = {}
        for part in self.parts:
            if part.name in seen or part.name == "unavailable":
                faults.append(f"two members of the answer are called {part.name}")
            prefixes = TOPOLOGY[part.upstream].paths if part.upstream in TOPOLOGY else ()
            if not any(part.path == prefix or part.path.startswith(f"{prefix}/") for prefix in prefixes):
                faults.append(f"the internal balancer does not send {part.path} to {part.upstream}")
            if ("{each}" in part.path) is not bool(part.each):
                faults.append(f"part {part.name}: 'each' and '{{each}}' in the path go together")
            if part.each and (part.source not in seen or not seen[part.source].required):
                faults.append(f"part {part.name} looks into {part.source!r}, which is no required part before it")
            faults += _expression(part)
            seen[part.name] = part
        if not (self.seconds > 0 and self.at_once > 0 and self.most > 0):
            faults.append("a limit of the composition is not positive")
        return faults


def _expression(part: Part) -> list[str]:
    try:
        if part.each:
            jmespath.compile(part.each)
    except JMESPathError as error:
        return [f"part {part.name}: {error}"]
    return []
