"""Schemas of several documents in one: what is referred to is taken over, under a name of its own."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import msgspec

_PREFIX = "#/components/schemas/"


class Schemas:
    """Collects the schemas that operations refer to; `collected` is the published document's."""

    def __init__(self, documents: Mapping[str, Mapping[str, Any]]) -> None:
        self._sources = {
            service: document.get("components", {}).get("schemas", {}) for service, document in documents.items()
        }
        self._holders = Counter(name for schemas in self._sources.values() for name in schemas)
        self.collected: dict[str, Any] = {}

    def adopt(self, service: str, node: Any) -> Any:
        """A piece of a service's document, with its references leading to the collected schemas."""
        if isinstance(node, list):
            return [self.adopt(service, each) for each in node]
        if not isinstance(node, dict):
            return node
        reference = node.get("$ref")
        if isinstance(reference, str) and reference.startswith(_PREFIX):
            return {**node, "$ref": _PREFIX + self._take(service, reference.removeprefix(_PREFIX))}
        return {key: self.adopt(service, value) for key, value in node.items()}

    def add(self, struct: type[msgspec.Struct]) -> dict[str, Any]:
        """The schema of one of the gateway's own types, as a reference."""
        (reference,), more = msgspec.json.schema_components((struct,), ref_template=_PREFIX + "{name}")
        self.collected.update(more)
        return reference

    def _take(self, service: str, name: str) -> str:
        # two services may call different things by one name
        public = name if self._holders[name] == 1 else f"{service.capitalize()}{name}"
        if public not in self.collected:
            self.collected[public] = None  # a schema may refer to itself
            self.collected[public] = self.adopt(service, self._sources[service][name])
        return public
