"""What a route is: the settings of every stage for the requests that it matches."""

import re
from dataclasses import dataclass, field
from enum import StrEnum

from services.gateway.cache.policy import CachePolicy
from services.gateway.compose.plan import Composition
from services.gateway.headers import NO_RULES, HeaderRules

METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
"""What a route may name. HEAD and OPTIONS follow from the others; nothing is tunnelled (CONNECT) or echoed (TRACE)."""

PARAMETER = re.compile(r"\{([a-z][a-z0-9_]*)\}")

HEAD_SECONDS = 1.3
"""Longest wait for the head of an answer: more than the 1.0 s after which the internal balancer gives up on a replica,
less than the 1.5 s after which the edge gives up on us; each can thus still report what happened behind it."""


REFUSED = "refused"
"""The rate limit that credentials which are not good count against; no route need name it."""


class RouteError(ValueError):
    """The table contradicts itself or the topology; the text names the route."""


class Auth(StrEnum):
    """Whether a route looks at the credential that a request shows."""

    REQUIRED = "required"
    OPTIONAL = "optional"  # who shows none is served without an identity; a stale session is none, else it must be good
    NONE = "none"  # whatever is shown is not looked at


class Csrf(StrEnum):
    """What keeps a page of somebody else from using a browser's session."""

    TOKEN = "token"  # noqa: S105 - a word, no secret. An unsafe request with a session comes from our origin and carries the session's token
    ORIGIN = "origin"  # there may be no session yet, hence no token: with or without one, only from our origin


@dataclass(frozen=True, slots=True)
class Policy:
    """A rate limit: `quota` requests in every `window` seconds; `name` is told in the answer.

    It is per caller, or per address whoever calls. With `failures_only`, requests that are not answered with a 4xx are
    given back: until it is known what becomes of them, they count.
    """

    name: str
    quota: int
    window: int = 60
    by_address: bool = False
    failures_only: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    """One entry of the table.

    `path` and `rewrite` are templates: a segment is a literal or `{name}`; `rewrite` is empty where the
    service knows the same path. `upstream` is the topology's label of the service. Times are in seconds: `head` until
    the answer begins once the request was received whole (it is what the service is told as its deadline), `total` for
    the exchange with the body. `body` is the largest request body in bytes; 0: the route takes none. `tells_csrf`: the
    answer to a session carries its token. `limits` names the rate limits that a request counts against. `cache` lets
    answers be stored, `shape` names the form that the service's answer is given, `compose` says what the answer is put
    together from. `sends` and `answers` are header fields that the service, and the client, get or do not get.
    `local`: no service is asked, the gateway has the resource itself.
    """

    methods: tuple[str, ...]
    path: str
    upstream: str
    auth: Auth = Auth.REQUIRED
    scopes: frozenset[str] = field(default_factory=frozenset)
    csrf: Csrf = Csrf.TOKEN
    tells_csrf: bool = False
    limits: tuple[str, ...] = ("default",)
    rewrite: str = ""
    head: float = HEAD_SECONDS
    total: float = 10.0
    body: int = 0
    cache: CachePolicy | None = None
    shape: str = ""
    compose: Composition | None = None
    sends: HeaderRules = NO_RULES
    answers: HeaderRules = NO_RULES
    local: bool = False

    @property
    def target(self) -> str:
        """The service's own template."""
        return self.rewrite or self.path
