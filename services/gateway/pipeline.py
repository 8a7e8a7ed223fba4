"""The gateway, top to bottom: each line of `_stages` is one stage, each stage one module."""

from litestar.types import Receive, Scope, Send
from opentelemetry import trace
from opentelemetry.trace import StatusCode
from pydantic import SecretStr

from services.gateway.account import account
from services.gateway.answer import send_nothing, send_problem
from services.gateway.authenticate import Authenticator
from services.gateway.body import Aborted
from services.gateway.exchange import Exchange
from services.gateway.forward import Forwarder
from services.gateway.limit import Limiter
from services.gateway.matching import Matcher
from services.gateway.normalise import normalise
from services.gateway.transform import to_upstream
from stormglass.resilience.deadline import DeadlineExceeded
from stormglass.service import Problem
from stormglass.telemetry.logs import logger

_log = logger(__name__)


class Pipeline:
    """An ASGI application for HTTP requests; every stage may end a request by raising a `Problem`."""

    def __init__(
        self,
        *,
        matcher: Matcher,
        authenticate: Authenticator,
        limit: Limiter,
        forward: Forwarder,
        identity_key: SecretStr,
    ) -> None:
        self._matcher = matcher
        self._authenticate = authenticate
        self._limit = limit
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
            await self._refuse(exchange, scope, send, Problem(504, "deadline-exceeded", str(error)))
        except Exception as error:  # noqa: BLE001 - the last resort: whatever happens, the client hears of it in our shape
            aborted = await self._unexpected(exchange, scope, send, error)
        finally:
            account(exchange, aborted=aborted)

    async def _stages(self, exchange: Exchange, scope: Scope, receive: Receive, send: Send) -> None:
        target = normalise(scope)
        exchange.match = match = self._matcher.match(exchange.method, target.path)
        route = match.route
        scope["path_template"] = route.path
        try:
            await self._authenticate(exchange, route)
        except Problem:
            # who is refused is limited too (by address): otherwise trying tokens would cost nothing
            await self._limit(exchange, route.policy)
            raise
        await self._limit(exchange, route.policy)
        call = to_upstream(exchange, match, target, self._identity_key)
        await self._forward(exchange, route, call, receive, send)

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
