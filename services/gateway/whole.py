"""A service's answer that is read before anything of it goes out: small ones that are stored, mapped or composed."""

from dataclasses import dataclass

from services.gateway.exchange import Headers
from services.gateway.failures import balancers_own
from services.gateway.transform import to_client
from services.gateway.upstream import Answer
from stormglass.service import Problem


@dataclass(frozen=True, slots=True)
class Whole:
    """An answer; `headers` are those a client may get, with lower-case names, in the order they came."""

    status: int
    headers: Headers
    body: bytes

    def value(self, name: bytes) -> bytes:
        """The first value of a header field, named in lower case; empty if there is none."""
        return next((value for key, value in self.headers if key == name), b"")


async def read_whole(answer: Answer, limit: int) -> Whole:
    """Read an answer of at most `limit` bytes.

    Raises:
        Problem: it was the balancer that answered; 502: the answer is longer.
        UpstreamFailed: the answer broke off.
    """
    head = Whole(answer.status, to_client(answer.headers), b"")
    if problem := balancers_own(head.status, head.value(b"content-type")):
        raise problem
    parts: list[bytes] = []
    size = 0
    async for chunk in answer.chunks():
        size += len(chunk)
        if size > limit:
            answer.abort()
            raise Problem(502, "upstream-too-large", f"the service's answer is longer than {limit} bytes")
        parts.append(chunk)
    return Whole(head.status, head.headers, b"".join(parts))
