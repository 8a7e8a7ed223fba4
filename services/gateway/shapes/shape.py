"""What a response shape is, and how it is applied to an answer."""

from dataclasses import dataclass, field
from typing import Any

import jmespath
import msgspec
from jmespath.exceptions import JMESPathError

from services.gateway.exchange import Headers
from services.gateway.shapes.money import OPTIONS
from services.gateway.whole import Whole
from stormglass.service import Problem

LONGEST_BYTES = 512 * 1024
"""Longest answer that is mapped: parsing holds the process up, about 10 ms for as much as this."""

_OF_THE_BYTES = frozenset({b"accept-ranges", b"content-digest", b"content-length", b"etag", b"repr-digest"})
"""Fields that are about the bytes that the service sent."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A JMESPath expression for the members, and the type that they are held to; `name` also tells `ETag`s apart."""

    name: str
    expression: str
    answer: type[msgspec.Struct]
    compiled: Any = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Compile the expression.

        Raises:
            JMESPathError: it is none.
        """
        object.__setattr__(self, "compiled", jmespath.compile(self.expression))

    def __call__(self, whole: Whole) -> Whole:
        """`whole` in this shape if it is a success; anything else, such as a problem, is the same in every shape.

        Raises:
            Problem: 502, the service's answer is nothing that can be mapped.
        """
        if whole.status != 200:
            return whole
        if len(whole.body) > LONGEST_BYTES:
            raise _unmappable(f"is longer than {LONGEST_BYTES} bytes")
        if whole.value(b"content-type").partition(b";")[0].strip() != b"application/json":
            raise _unmappable("is not JSON")
        try:
            mapped = self.compiled.search(msgspec.json.decode(whole.body), options=OPTIONS)
            body = msgspec.json.encode(msgspec.convert(mapped, self.answer))
        except (msgspec.MsgspecError, JMESPathError) as error:
            raise _unmappable("does not have the form that is expected") from error
        return Whole(200, self._headers(whole), body)

    def _headers(self, whole: Whole) -> Headers:
        headers = [(name, value) for name, value in whole.headers if name not in _OF_THE_BYTES]
        if tag := whole.value(b"etag"):
            # weak: equal tags promise the same content, no longer the same bytes (RFC 9110, section 8.8.1)
            opaque = tag.removeprefix(b"W/").strip(b'"')
            headers.append((b"etag", b'W/"%s;%s"' % (opaque, self.name.encode())))
        return headers


def _unmappable(what: str) -> Problem:
    return Problem(502, "unmappable-answer", f"the service's answer {what}")
