"""The gateway, top to bottom: each line of `_stages` is one stage, each stage one module."""

from litestar.types import Receive, Scope, Send
from opentelemetry import trace
from opentelemetry.trace import StatusCode
from pydantic import SecretStr

from services.gateway.account import account
from services.gateway.admit import Admission
from services.gateway.answer import send_nothing, send_problem, send_whole
from services.gateway.authenticate import Authenticator
from services.gateway.body import Aborted, RequestBody
from services.gateway.cache.shared import SharedCache
from services.gateway.cache.store import Lookup
from services.gateway.compose.compose import Composer
from services.gateway.conditional import conditional
from services.gateway.credentials.presented import Refused
from services.gateway.exchange import Exchange
from services.gateway.forward import Forwarder
from services.gateway.matching import Match, Matcher
from services.gateway.normalise import normalise
from services.gateway.openapi.published import Published
from services.gateway.route import Route
from services.gateway.shapes.shape import LONGEST_BYTES
from services.gateway.shapes.table import SHAPES
from services.gateway.transform import to_upstream
from services.gateway.upstream import Call
from services.gateway.whole import Whole
from stormglass.resilience.deadline import DeadlineExceeded
from stormglass.service import Problem
from stormglass.telemetry import names
from stormglass.telemetry.logs import logger

_log = logger(__name__)


class Pipeline:
    """An ASGI application for HTTP requests; every stage may end a request by raising a `Problem`."""

    def __init__(
        self,
        *,
        matcher: Matcher,
        authenticate: Authenticator,
        admit: Admission,
        cache: SharedCache,
        compose: Composer,
        publish: Published,
        forward: Forwarder,
        identity_key: SecretStr,
    ) -> None:
        self._matcher = matcher
        self._authenticate = authenticate
        self._admit = admit
        self._cache = cache
        self._compose = compose
        self._publish = publish
        self._forward = forward
        self._identity_key = identity_key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request and account for it."""
        # the mount rewrites the path and leaves its own template; problems and metrics are about ours
        scope["path_template"] = ""
        exchange = Exchange.begin(scope)
        aborted = ""
        try:
            await self._stages(exchange, scope, receive, send)
        except Aborted as error:
            aborted = str(error)
            if not exchange.started:
                await send_nothing(exchange, send)
        except Problem as problem:
            await self._refuse(exchange, scope, send, problem)
        except DeadlineExceeded as error:
            names.DEADLINE_EXCEEDED.counter().labels("gateway").inc()
            await self._refuse(exchange, scope, send, Problem(504, "deadline-exceeded", str(error)))
        except Exception as error:  # noqa: BLE001 - the last resort: whatever happens, the client hears of it in our shape
            aborted = await self._unexpected(exchange, scope, send, error)
        finally:
            self._admit.settle(exchange)
            account(exchange, aborted=aborted)

    async def _stages(self, exchange: Exchange, scope: Scope, receive: Receive, send: Send) -> None:
        target = normalise(scope)
        if exchange.method == "OPTIONS":
            scope["path_template"], allowed = self._matcher.options(target.path)
            await send_whole(exchange, send, 204, [(b"allow", allowed.encode())], b"")
            return
        exchange.match = match = self._matcher.match(exchange.method, target.path)
        route = match.route
        scope["path_template"] = route.path
        await self._authenticated(exchange, route)
        lookup = self._cache.question(exchange, match, target)
        await self._admit(exchange, route, *([lookup] if lookup else []))
        body = RequestBody(exchange, receive, route.body)
        call = to_upstream(exchange, match, target, self._identity_key)
        whole = await self._whole(exchange, match, call, lookup)
        send = route.answers.to_client(send)
        if whole is None:
            await self._forward(exchange, route, call, body, send)
            return
        whole = conditional(exchange, whole)
        await send_whole(exchange, send, whole.status, whole.headers, whole.body)

    async def _whole(self, exchange: Exchange, match: Match, call: Call, lookup: Lookup | None) -> Whole | None:
        """The answer where something is done with it as a whole; None where it is passed on as it comes."""
        route = match.route
        if route.local:
            return await self._publish(exchange)
        if route.compose is not None:
            return await self._compose(exchange, match, call, route.compose)
        if lookup is not None:
            whole = await self._cache(exchange, route, call, lookup)
        elif route.shape:
            whole = await self._forward.whole(exchange, route, call, limit=LONGEST_BYTES)
        else:
            return None
        return SHAPES[route.shape](whole) if route.shape else whole

    async def _authenticated(self, exchange: Exchange, route: Route) -> None:
        """Authenticate; who is refused is limited too, or trying credentials would cost nothing."""
        try:
            await self._authenticate(exchange, route)
        except Refused:
            await self._admit.refused(exchange)
            raise
        except Problem:
            await self._admit(exchange, route)
            raise

    async def _refuse(self, exchange: Exchange, scope: Scope, send: Send, problem: Problem) -> None:
        path = bytes(scope.get("raw_path") or b"").decode("latin-1")[:200]
        await send_problem(exchange, send, problem, path)

    async def _unexpected(self, exchange: Exchange, scope: Scope, send: Send, error: Exception) -> str:
        """Answer 500, or break the answer off where it has begun; why, for the log."""
        span = trace.get_current_span()
        span.record_exception(error)
        span.set_status(StatusCode.ERROR, type(error).__name__)
        _log.error("unhandled error", exc_info=error)
        if exchange.started:
            return type(error).__name__
        detail = "an unexpected error; the trace and the log of the gateway tell more"
        await self._refuse(exchange, scope, send, Problem(500, "internal-error", detail))
        return ""
