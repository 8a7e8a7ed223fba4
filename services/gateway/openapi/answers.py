"""The gateway's own answers, and the header fields that answers carry."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from services.gateway.route import Auth, Csrf, Route
from stormglass.service.problems import CONTENT_TYPE

HEADERS: Mapping[str, str] = {
    "X-Request-Id": "The request, as the access log knows it",
    "X-Trace-Id": "The trace to look at",
    "RateLimit": "How many more requests are admitted, and for how long that holds, by policy",
    "RateLimit-Policy": "The rate limits that the request counts against",
    "Retry-After": "Seconds after which it may be tried again",
    "WWW-Authenticate": "The challenge (RFC 6750)",
    "Allow": "The methods that there are",
    "Age": "Seconds since the service said so",
    "Cache-Control": "For how long and for whom the answer may be kept",
    "Cache-Status": "What the gateway's cache did (RFC 9211)",
    "ETag": "The version of the representation",
    "X-CSRF-Token": "What unsafe requests with this session have to carry",
    "X-Stormglass-Degraded": "What is not as it should be, because something failed: "
    "`stale-cache`, `revocation-delayed`, `partial; parts=…`",
}

_FROM_THE_EDGE = frozenset({400, 431, 500, 502, 503, 504})
"""What the load balancer and the HTTP parser answer too, before or instead of the gateway, as plain text."""

_MEANINGS = {
    400: "The request is malformed or ambiguous (no body, where the load balancer refuses the path)",
    401: "There is no credential, or it is not good",
    403: "The credential does not suffice, or another site may have made the request",
    404: "There is nothing at this address",
    405: "The resource knows other methods",
    408: "The body did not come in time",
    409: "It is at odds with what there is",
    413: "The body is longer than this takes",
    414: "The target is too long",
    415: "The body is not JSON",
    422: "The idempotency key was used for something else",
    429: "A rate limit is exceeded",
    431: "The header fields are too long together",
    500: "An unexpected error",
    501: "The body is in another transfer coding than `chunked`",
    502: "A service's answer is broken",
    503: "A service, or what it needs, cannot be reached",
    504: "A service did not answer in time",
}
_MORE = {
    401: ("WWW-Authenticate",),
    403: ("WWW-Authenticate",),
    405: ("Allow",),
    429: ("Retry-After",),
    503: ("Retry-After",),
}
_ALWAYS = (400, 405, 413, 414, 429, 431, 500, 501, 502, 503, 504)


def own_statuses(route: Route) -> set[int]:
    """What the gateway itself may answer on a route, other than success."""
    statuses = {*_ALWAYS}
    if route.auth is not Auth.NONE:
        statuses |= {401, 403}
    if route.csrf is Csrf.ORIGIN:
        statuses.add(403)
    if "{" in route.path:
        statuses.add(404)
    if route.body:
        statuses.add(408)
    return statuses


def refusal(status: int, said: str) -> dict[str, Any]:
    """The answer of this status, 400 or above; `said` is what a service says about it, if anything."""
    shared = {"$ref": f"#/components/responses/{status}"}
    # a description beside a reference takes the place of the one that it leads to (OpenAPI 3.1, section 4.8.23)
    return {**shared, "description": said} if said and said != HTTPStatus(status).phrase else shared


def response_components(schema: Mapping[str, Any]) -> dict[str, Any]:
    """`components.responses` of the document; `schema` is that of a problem."""
    return {str(status): _problem(status, meaning, schema) for status, meaning in _MEANINGS.items()}


def _problem(status: int, meaning: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    content: dict[str, Any] = {CONTENT_TYPE: {"schema": schema}}
    if status in _FROM_THE_EDGE:
        content["text/plain"] = {"schema": {"type": "string"}}
    return {"description": meaning, "headers": fields(*_MORE.get(status, ())), "content": content}


def fields(*more: str) -> dict[str, Any]:
    """The header fields of an answer: those of every one, and these."""
    always = ("X-Request-Id", "X-Trace-Id", "RateLimit", "RateLimit-Policy", "X-Stormglass-Degraded")
    return {name: {"$ref": f"#/components/headers/{name}"} for name in (*always, *more)}


def success_fields(route: Route) -> dict[str, Any]:
    """The header fields of a success on this route."""
    more = ["Age", "Cache-Control", "Cache-Status", "ETag"] if route.cache else []
    if route.local:
        more = ["Cache-Control", "ETag"]
    return fields(*more, *(["X-CSRF-Token"] if route.tells_csrf else []))


def header_components() -> dict[str, Any]:
    """`components.headers` of the document."""
    return {name: {"description": text, "schema": {"type": "string"}} for name, text in HEADERS.items()}
