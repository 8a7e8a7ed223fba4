"""One operation of the published document: a service's own, a shape of it, a composition, or the gateway's."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from services.gateway.compose.plan import Composition, Part
from services.gateway.openapi.answers import own_statuses, refusal, success_fields
from services.gateway.openapi.schemas import Schemas
from services.gateway.openapi.security import requirements
from services.gateway.route import PARAMETER, Route
from services.gateway.shapes.table import SHAPES

Documents = Mapping[str, Mapping[str, Any]]
"""The services' documents, by the service's name."""


class Undocumented(LookupError):
    """A route leads to what its service does not document."""


def operation(route: Route, method: str, documents: Documents, schemas: Schemas) -> dict[str, Any]:
    """What the document says about one method of one route.

    Raises:
        Undocumented: the service does not know it.
    """
    found = _found(route, method, documents, schemas)
    responses: dict[str, Any] = found.get("responses", {})
    shown = {status: answer for status, answer in responses.items() if int(status) < 400}
    if route.cache or route.local:
        shown.setdefault("304", {"description": "The client has this representation already"})
    for answer in shown.values():
        answer["headers"] = {**answer.get("headers", {}), **success_fields(route)}
    refused = {int(status) for status in responses if int(status) >= 400} | own_statuses(route)
    shown |= {str(each): refusal(each, responses.get(str(each), {}).get("description", "")) for each in refused}
    return {
        **{name: found[name] for name in ("summary", "description", "parameters", "requestBody") if name in found},
        "operationId": _identifier(method, route.path),
        "tags": [route.upstream],
        "security": requirements(route, method),
        "responses": dict(sorted(shown.items())),
    }


def _found(route: Route, method: str, documents: Documents, schemas: Schemas) -> dict[str, Any]:
    if route.local:
        answer = {"description": "The document", "content": {"application/json": {"schema": {"type": "object"}}}}
        return {
            "summary": "This document",
            "description": "What there is, and how to ask for it.",
            "responses": {"200": answer},
        }
    if route.compose is not None:
        return _composed(route, route.compose, documents, schemas)
    found = _of_service(route.upstream, method, route.target, route.path, documents, schemas)
    if route.shape:
        found["responses"]["200"]["content"] = {"application/json": {"schema": schemas.add(SHAPES[route.shape].answer)}}
    return found


def _composed(route: Route, plan: Composition, documents: Documents, schemas: Schemas) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    parameters: list[Any] = []
    refusals: dict[str, Any] = {}
    for part in plan.parts:
        found = _of_service(part.upstream, "GET", part.path, part.path, documents, schemas)
        properties[part.name] = _member(part, found["responses"]["200"]["content"]["application/json"]["schema"])
        if part.required:
            parameters += [each for each in found.get("parameters", []) if each not in parameters]
            refusals |= {status: answer for status, answer in found["responses"].items() if int(status) >= 400}
    optional = [part.name for part in plan.parts if not part.required]
    properties["unavailable"] = {"type": "array", "items": {"type": "string", "enum": optional}}
    body = {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
    return {
        "summary": " and ".join(part.name.capitalize() for part in plan.parts),
        "description": f"In one answer: {plan}. A part in parentheses that cannot be had is null, and named in "
        "`unavailable` and in the field `X-Stormglass-Degraded`.",
        "parameters": [each for each in parameters if each["in"] == "path"],
        "responses": {
            "200": {"description": "What there is", "content": {"application/json": {"schema": body}}},
            **refusals,
        },
    }


def _member(part: Part, schema: dict[str, Any]) -> dict[str, Any]:
    whole = {"type": "array", "items": schema} if part.each else schema
    return whole if part.required else {"anyOf": [whole, {"type": "null"}]}


def _of_service(
    service: str, method: str, target: str, path: str, documents: Documents, schemas: Schemas
) -> dict[str, Any]:
    """The service's own words about `method target`, with the parameters called as in `path`."""
    wanted = PARAMETER.sub("{}", target)
    for template, operations in documents[service]["paths"].items():
        if PARAMETER.sub("{}", template) == wanted and method.lower() in operations:
            break
    else:
        raise Undocumented(f"{service} documents no {method} {target}")
    names = dict(zip(PARAMETER.findall(template), PARAMETER.findall(target), strict=True))
    raw = deepcopy(operations[method.lower()])
    for status, answer in raw["responses"].items():
        if int(status) >= 400:
            del answer["content"]  # a problem, in the one form that they all have
    found: dict[str, Any] = schemas.adopt(service, raw)
    for parameter in found.get("parameters", []):
        if parameter["in"] == "path":
            parameter["name"] = names[parameter["name"]]
    return found


def _identifier(method: str, path: str) -> str:
    """A name that generated clients can call the operation by."""
    words = PARAMETER.sub(r"by \1", path).replace("/", " ").replace("-", " ").replace("_", " ").replace(".", " ")
    return method.lower() + "".join(word.capitalize() for word in words.split())
