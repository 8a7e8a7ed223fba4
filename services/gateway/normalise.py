"""Stage 1: refuse what two programs on the way could read differently. Nothing is repaired: what is odd is a 400.

The path that is matched, authorised and forwarded is the raw one, byte for byte, so there is no second reading of it.
Where the edge refuses the same thing it does so first; the gateway does not rely on that. Two remarks on the server in
front: uvicorn's parser reduces an absolute-form target (`GET http://host/path`) to its path, which RFC 9112 3.2.2
demands and which cannot be told apart here, and it refuses a message with both Content-Length and Transfer-Encoding.
"""

import re
from dataclasses import dataclass
from urllib.parse import unquote

from litestar.types import Scope

from stormglass import settings
from stormglass.service import Problem
from stormglass.telemetry import names

MAX_TARGET_BYTES = 8 * 1024
"""RFC 9110, section 4.1 recommends at least 8,000."""

MAX_HEADERS = 100
"""Browsers send about 20, the edge adds about 8; Apache's limit is 100."""

_PATH = re.compile(r"/(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*")
_QUERY = re.compile(rb"(?:[A-Za-z0-9._~!$&'()*+,;=:@/?\[\]{}|^`\\\"<>-]|%[0-9A-Fa-f]{2})*")
_ENCODED = re.compile(r"%(?:2f|5c|25|3b|3f|23|[01][0-9a-f]|7f)", re.IGNORECASE)
"""Slash, backslash, percent, semicolon, question mark, hash and control characters: the edge's list, and controls."""

_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_HOST = re.compile(rb"(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")


@dataclass(frozen=True, slots=True)
class Target:
    """Path and query of a request, percent-encoded as they came; the query is without its question mark."""

    path: str
    query: str


def normalise(scope: Scope) -> Target:
    """The target of an acceptable request.

    Raises:
        Problem: 400 for what is malformed or ambiguous, 414 and 431 for what is too long, 501 for an unknown coding.
    """
    target = _target(bytes(scope.get("raw_path") or b""), bytes(scope["query_string"]))
    _check_headers([(bytes(name), bytes(value)) for name, value in scope["headers"]], scope["http_version"])
    return target


def _refuse(reason: str, detail: str, status: int = 400, kind: str = "bad-request") -> Problem:
    names.GATEWAY_REFUSED.counter().labels(reason).inc()
    return Problem(status, kind, detail)


def _target(raw: bytes, query: bytes) -> Target:
    if len(raw) + len(query) > MAX_TARGET_BYTES:
        raise _refuse("target_too_long", f"the target is longer than {MAX_TARGET_BYTES} bytes", 414, "target-too-long")
    path = raw.decode("latin-1")
    if not _PATH.fullmatch(path) or not _QUERY.fullmatch(query):
        raise _refuse("target_syntax", "the target is not a path in origin form with valid percent-encoding")
    if "//" in path:
        raise _refuse("double_slash", "the path has an empty segment")
    if "%" in path and _ENCODED.search(path):
        raise _refuse(
            "encoded_delimiter", "the path has a delimiter, percent sign or control character in encoded form"
        )
    # "..;x" is a dot segment for servers that know path parameters
    if any(unquote(part).partition(";")[0] in {".", ".."} for part in path.split("/")):
        raise _refuse("dot_segment", "the path has a dot segment")
    return Target(path, query.decode("ascii"))


def _check_headers(headers: list[tuple[bytes, bytes]], version: str) -> None:
    limit = settings.http().max_header_bytes
    # four bytes a field for ": " and the line's end
    if len(headers) > MAX_HEADERS or sum(len(name) + len(value) + 4 for name, value in headers) > limit:
        raise _refuse(
            "headers_too_large", f"at most {MAX_HEADERS} header fields of {limit} bytes", 431, "headers-too-large"
        )
    special: dict[bytes, list[bytes]] = {}
    for name, value in headers:
        if name in _SPECIAL:
            special.setdefault(name, []).append(value)
        if _CONTROL.search(value):
            raise _refuse("header_value", "a header field has a control character")
        if not value.isascii():
            _check_utf8(value)
    hosts = special.get(b"host", [])
    if len(hosts) != 1 and (hosts or version != "1.0"):
        raise _refuse("host", "exactly one Host header is wanted")
    if hosts and not _HOST.fullmatch(hosts[0]):
        raise _refuse("host", "the Host header is malformed")
    if b"upgrade" in special:
        raise _refuse("upgrade", "no other protocol is spoken here", 400, "no-upgrade")
    _check_framing(special.get(b"content-length", []), special.get(b"transfer-encoding", []))


_SPECIAL = frozenset({b"host", b"upgrade", b"content-length", b"transfer-encoding"})


def _check_utf8(value: bytes) -> None:
    try:
        value.decode()
    except UnicodeDecodeError:
        raise _refuse("header_value", "a header field is not UTF-8") from None


def _check_framing(lengths: list[bytes], codings: list[bytes]) -> None:
    if len(lengths) > 1 or (lengths and codings):
        raise _refuse("framing", "the length of the body is stated twice")
    if lengths and not (lengths[0].isdigit() and len(lengths[0]) <= 15):
        raise _refuse("framing", "the Content-Length is not a number")
    if codings and [coding.strip().lower() for coding in codings] != [b"chunked"]:
        raise _refuse("framing", "the only transfer coding is chunked", 501, "unknown-coding")
