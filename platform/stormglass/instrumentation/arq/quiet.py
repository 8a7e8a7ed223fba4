"""Polling without traces: a worker looks into its queue all the time, and each look would be a trace of its own.

It concerns whoever instruments Redis; without that there is nothing to silence.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from arq.worker import Worker, run_worker
from opentelemetry import context as otel_context
from opentelemetry.context import Context

_PLAIN = "suppress_instrumentation"
# Instrumentations look for both. `opentelemetry.instrumentation.utils` has a function for it, but is one more package.
_KEYS = (_PLAIN, getattr(otel_context, "_SUPPRESS_INSTRUMENTATION_KEY", _PLAIN))


def _silent() -> Context:
    context = otel_context.get_current()
    for key in _KEYS:
        context = otel_context.set_value(key, True, context)
    return context


@contextmanager
def quiet() -> Iterator[None]:
    """Suppress instrumentation inside the block and in what it starts, such as `await worker.async_run()`.

    Jobs are not concerned: `processing` and `traced` give each a context of its own.
    """
    token = otel_context.attach(_silent())
    try:
        yield
    finally:
        otel_context.detach(token)


async def quiet_startup(ctx: dict[Any, Any]) -> None:
    """The same as a hook, for the command `arq`: `on_startup = quiet_startup`, or awaited by your own hook.

    It concerns all that the worker does after it: ARQ awaits the hook in the task that polls.
    """
    otel_context.attach(_silent())


def run_worker_quietly(settings: Any, **kwargs: Any) -> Worker:
    """`arq.worker.run_worker`, quietly. `settings` is the class or the mapping that ARQ takes."""
    with quiet():
        return run_worker(settings, **kwargs)
