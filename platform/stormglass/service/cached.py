"""Answers out of the cache, as bytes: validated by `ETag`, with their age, and honest about where they came from."""

import hashlib
from collections.abc import Mapping
from typing import Any

from litestar import Request, Response

from stormglass.data.cache import Cached, Result

DEGRADED = "X-Stormglass-Degraded"
"""Response header: what this answer had to do without. `stale-cache`: the origin failed; `Age` tells how old it is."""

_STATUS: dict[Result, str] = {
    "hit": "hit",
    "miss": "fwd=miss; stored",
    "stale": "fwd=stale; detail=stale-if-error",
    "bypass": "fwd=bypass",
}
"""`Cache-Status` (RFC 9211), by what the cache did."""


def cached_response(
    request: Request[Any, Any, Any],
    cached: Cached,
    *,
    cache: str,
    cache_control: str,
    more: Mapping[str, str] | None = None,
) -> Response[bytes]:
    """The JSON in `cached` as an answer; 304 without a body if the client has exactly this already.

    `more` are header fields for an answer that is not stale.
    """
    headers = {
        "Age": str(int(cached.age)),
        "Cache-Status": f"{cache}; {_STATUS[cached.result]}",
        # what is stale already must not be kept for longer by anybody
        "Cache-Control": "no-cache" if cached.result == "stale" else cache_control,
    }
    if cached.result == "stale":
        headers[DEGRADED] = "stale-cache"
    else:
        headers |= more or {}
    return validated_response(request, cached.value, headers)


def validated_response(request: Request[Any, Any, Any], value: bytes, headers: Mapping[str, str]) -> Response[bytes]:
    """The JSON in `value` with an `ETag`; 304 without a body if the client has exactly this already."""
    etag = f'"{hashlib.sha256(value).hexdigest()[:32]}"'
    fields = {"ETag": etag, **headers}
    known = {tag.strip().removeprefix("W/") for tag in request.headers.get("If-None-Match", "").split(",")}
    if known & {etag, "*"}:
        return Response(b"", status_code=304, headers=fields)
    return Response(value, media_type="application/json", headers=fields)
