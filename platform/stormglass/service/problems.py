"""Errors as problem details (RFC 9457): one shape for every answer that is not a success, with the trace to look at."""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.types import ExceptionHandlersMap
from opentelemetry import trace
from opentelemetry.trace import StatusCode

from stormglass.resilience.deadline import DeadlineExceeded
from stormglass.resilience.unavailable import DependencyUnavailable
from stormglass.telemetry import names
from stormglass.telemetry.carrier import trace_id
from stormglass.telemetry.logs import logger

CONTENT_TYPE = "application/problem+json"
_KNOWN = frozenset(HTTPStatus)

_log = logger(__name__)
_ECHO = re.compile(r"(?<=^Invalid enum value ).*?(?= - at |$)|(?<=^Invalid value ).*?(?= - at |$)", re.DOTALL)
"""Where msgspec repeats the value that it found unacceptable."""


class Problem(Exception):
    """An answer that is not a success: raise it anywhere below a handler.

    `kind` becomes the `type` member as a URN (`urn:stormglass:problem:<kind>`): programs decide by it, people read
    `detail`.
    """

    def __init__(
        self,
        status: int,
        kind: str,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.detail = detail
        self.headers = dict(headers or {})
        self.extra = extra


def problem_body(
    status: int, kind: str, detail: str, instance: str, extra: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The members of a problem document; `extra` may not replace the standard ones."""
    return {
        **(extra or {}),
        "type": f"urn:stormglass:problem:{kind}" if kind else "about:blank",
        "title": HTTPStatus(status).phrase if status in _KNOWN else "Error",
        "status": status,
        "detail": detail,
        "instance": instance,
        "trace_id": trace_id(),
    }


def problem_response(request: Request[Any, Any, Any], problem: Problem) -> Response[dict[str, Any]]:
    """`problem` as an answer to `request`."""
    return Response(
        problem_body(problem.status, problem.kind, problem.detail, request.url.path, problem.extra),
        status_code=problem.status,
        media_type=CONTENT_TYPE,
        headers=problem.headers,
    )


def _on_problem(request: Request[Any, Any, Any], error: Problem) -> Response[Any]:
    return problem_response(request, error)


def _on_http_exception(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    if error.status_code == 500:
        # Litestar's own complaints about the application; their text is not for clients
        return _on_unexpected(request, error)
    extra: dict[str, Any] = {}
    kind, detail = "", error.detail
    if isinstance(error, ValidationException):
        kind, detail = "invalid-request", "the request does not have the form that this endpoint wants"
        # which field and why; never the value that was sent, it may be a password
        extra["errors"] = [
            {"field": str(item.get("key", "")), "message": _ECHO.sub("", str(item.get("message", ""))).strip()}
            for item in (error.extra if isinstance(error.extra, list) else [])
            if isinstance(item, dict)
        ] or [{"field": "", "message": error.detail.partition("?")[0]}]  # Litestar may quote the URL in it
    return problem_response(request, Problem(error.status_code, kind, detail, headers=error.headers or {}, **extra))


def _on_deadline(request: Request[Any, Any, Any], error: DeadlineExceeded) -> Response[Any]:
    names.DEADLINE_EXCEEDED.counter().labels("handler").inc()
    trace.get_current_span().add_event("deadline exceeded")
    return problem_response(request, Problem(504, "deadline-exceeded", str(error)))


def _on_unavailable(request: Request[Any, Any, Any], error: DependencyUnavailable) -> Response[Any]:
    trace.get_current_span().add_event("dependency unavailable", {"dependency": error.dependency})
    _log.warning("dependency unavailable", dependency=error.dependency, reason=str(error))
    detail = f"{error.dependency} cannot be used right now; try again shortly"
    return problem_response(request, Problem(503, "dependency-unavailable", detail, headers={"Retry-After": "1"}))


def _on_unexpected(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    span = trace.get_current_span()
    span.record_exception(error)
    span.set_status(StatusCode.ERROR, type(error).__name__)
    _log.error("unhandled error", exc_info=error, path=request.scope.get("path_template", ""))
    detail = "an unexpected error; the trace and the log of this service tell more"
    return problem_response(request, Problem(500, "internal-error", detail))


HANDLERS: ExceptionHandlersMap = {
    Problem: _on_problem,
    HTTPException: _on_http_exception,
    DeadlineExceeded: _on_deadline,
    DependencyUnavailable: _on_unavailable,
    Exception: _on_unexpected,
}
