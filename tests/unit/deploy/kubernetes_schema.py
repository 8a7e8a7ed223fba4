"""What Kubernetes' own API says of a document's shape: its JSON schemas, out of the wheel `kubernetes-validate`.

The strict ones: a field that does not exist is a fault, not something that a server drops in silence.
"""

import json
import re
from functools import cache
from importlib.resources import files
from typing import Any

import jsonschema_rs

OLDEST, NEWEST = "1.33.0", "1.37.0"
"""Versions that the manifests are for. In the oldest, init containers that go on running are a stable feature."""


@cache
def standalone(version: str, kind: str, api_version: str) -> dict[str, Any]:
    """The schema of one kind with everything that it refers to."""
    group, _, number = api_version.partition("/")
    name = "-".join(filter(None, (kind.lower(), group.partition(".")[0], number)))
    schema: dict[str, Any] = _read(version, f"{name}.json")
    schema.pop("$id", None)
    definitions = _definitions(version)
    needed: dict[str, Any] = {}
    left = _named(schema)
    while left:
        needed.update({name: definitions[name] for name in left})
        left = {each for name in left for each in _named(definitions[name])} - set(needed)
    return {**schema, "$defs": needed}


def _named(schema: Any) -> set[str]:
    """The definitions that a schema refers to."""
    return set(re.findall(r'"#/\$defs/([^"]+)"', json.dumps(schema)))


@cache
def _definitions(version: str) -> Any:
    return _read(version, "_definitions.json")["$defs"]


def _read(version: str, name: str) -> Any:
    folder = files("kubernetes_validate") / "kubernetes-json-schema" / f"v{version}-local-strict"
    return json.loads((folder / name).read_text(encoding="utf-8").replace('"/api/_definitions.json#', '"#'))


@cache
def _validator(version: str, kind: str, api_version: str) -> Any:
    return jsonschema_rs.validator_for(standalone(version, kind, api_version))


def faults(document: dict[str, Any], version: str) -> list[str]:
    """Everything about a document that a server of this version would refuse by its schema."""
    try:
        validator = _validator(version, document["kind"], document["apiVersion"])
    except FileNotFoundError:
        return [f"Kubernetes {version} has no {document['apiVersion']} {document['kind']}"]
    name = f"{document['kind']} {document['metadata']['name']}"
    return [
        f"{name}: {'/'.join(map(str, error.instance_path))}: {error.message}"
        for error in validator.iter_errors(document)
    ]
