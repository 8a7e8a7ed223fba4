"""Log lines and fault events: one JSON object a line on stdout, with the trace that asked for the fault."""

import logging
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import structlog
from structlog.contextvars import bound_contextvars, merge_contextvars

_LEVELS: Final = {
    "panic": logging.CRITICAL,
    "fatal": logging.CRITICAL,
    "error": logging.ERROR,
    "warn": logging.WARNING,
    "warning": logging.WARNING,
    "info": logging.INFO,
    "debug": logging.DEBUG,
    "trace": logging.DEBUG,
}
_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?")

log: structlog.typing.FilteringBoundLogger = structlog.get_logger()


def configure(level: str) -> None:
    """Write events of `level` (Toxiproxy's names, info if empty) and above; an unknown level is logged and ignored."""
    number = _LEVELS.get(level.lower() or "info")
    structlog.configure(
        processors=[
            merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
            structlog.processors.EventRenamer("message"),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO if number is None else number),
        logger_factory=structlog.PrintLoggerFactory(sys.stdout),
        cache_logger_on_first_use=False,
    )
    if number is None:
        log.error("unknown LOG_LEVEL, using info", given=level, known=sorted(_LEVELS))


@contextmanager
def request_context(request_id: str, traceparent: str | None) -> Iterator[None]:
    """Every event inside carries the API request's id and, from a W3C `traceparent`, its trace and span."""
    found = _TRACEPARENT.fullmatch(traceparent or "")
    trace = {"trace_id": found[1], "span_id": found[2]} if found else {}
    with bound_contextvars(request_id=request_id, **trace):
        yield
