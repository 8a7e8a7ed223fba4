"""One call for one part of a composed answer."""

from typing import Any
from urllib.parse import quote

import msgspec

from services.gateway.compose.plan import Part
from services.gateway.exchange import Exchange
from services.gateway.forward import Forwarder
from services.gateway.route import Auth, Route
from services.gateway.upstream import Call
from services.gateway.whole import Whole
from stormglass.resilience import deadline
from stormglass.service import Problem, problems

CONTENT_TYPE = problems.CONTENT_TYPE.encode()
LONGEST_BYTES = 256 * 1024
"""Longest answer to a call."""

_OF_THE_WHOLE = frozenset(
    {
        "accept",
        "accept-encoding",
        "if-match",
        "if-modified-since",
        "if-none-match",
        "if-range",
        "if-unmodified-since",
        "range",
    }
)
"""Fields of the request that are about the composed answer, not about what it is made of."""


class PartFailed(Exception):
    """A part cannot be had; `whole` is what the service answered, if anything, else `problem` says what is wrong."""

    def __init__(self, reason: str, whole: Whole | None = None, problem: Problem | None = None) -> None:
        super().__init__(reason)
        self.whole = whole
        self.problem = problem or Problem(502, "incomplete-answer", f"what this is composed of cannot be had: {reason}")

    @property
    def absent(self) -> bool:
        """The service itself (the balancer writes no problems) says that there is no such thing."""
        whole = self.whole
        return whole is not None and whole.status == 404 and whole.value(b"content-type").startswith(CONTENT_TYPE)


async def ask(
    forward: Forwarder, exchange: Exchange, part: Part, call: Call, parameters: dict[str, str], seconds: float
) -> Any:
    """What `part` is, as plain values. `call` has the header fields of the client's request, as a service may see them.

    Raises:
        PartFailed: it cannot be had within `seconds`.
    """
    target = part.path.format_map(parameters)
    route = Route(("GET",), part.path, part.upstream, Auth.NONE, head=seconds, total=seconds)
    sent = [(name, value) for name, value in call.headers if name.lower() not in _OF_THE_WHOLE]
    fields = [*sent, ("Accept", "application/json"), ("Accept-Encoding", "identity")]
    try:
        whole = await forward.whole(exchange, route, Call("GET", target, fields), limit=LONGEST_BYTES)
    except Problem as problem:
        raise PartFailed(problem.kind, problem=problem) from problem
    except deadline.DeadlineExceeded as error:
        raise no_time() from error
    if whole.status != 200:
        raise PartFailed(str(whole.status), whole)
    try:
        return msgspec.json.decode(whole.body)
    except msgspec.DecodeError as error:
        raise PartFailed("not JSON") from error


def no_time() -> PartFailed:
    """There is no use in asking any more."""
    return PartFailed("no time left", problem=Problem(504, "deadline-exceeded", "the request's time is used up"))


def segment(value: str) -> str:
    """A value out of an answer as one segment of a path."""
    return quote(value, safe="")
