"""The decorator for tasks."""

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, TypeVar, cast, overload

from arq.constants import default_queue_name
from opentelemetry.trace import Tracer

from .carrier import ARGUMENT
from .consumer import processing
from .instruments import Instruments

Task = TypeVar("Task", bound=Callable[..., Coroutine[Any, Any, Any]])


@overload
def traced(task: Task, /) -> Task: ...


@overload
def traced(
    *, name: str | None = None, instruments: Instruments | None = None, tracer: Tracer | None = None
) -> Callable[[Task], Task]: ...


def traced(
    task: Task | None = None,
    /,
    *,
    name: str | None = None,
    instruments: Instruments | None = None,
    tracer: Tracer | None = None,
) -> Task | Callable[[Task], Task]:
    """`@traced` or `@traced(name=…)` on a task of ARQ: each attempt gets a span and is measured.

    The task sees the arguments it always saw. A job that was enqueued without a trace (by an older version, by a cron
    job) begins one. Give the `name` that you give to `arq.worker.func`, if you give it one.
    """

    def decorate(function: Task) -> Task:
        named = name or function.__qualname__

        @wraps(function)
        async def attempt(ctx: dict[Any, Any], *args: Any, **kwargs: Any) -> Any:
            carrier = kwargs.pop(ARGUMENT, {})
            with processing(
                named,
                job_id=ctx["job_id"],
                attempt=ctx["job_try"],
                due=ctx["score"] / 1000,
                parent=carrier,
                producer=carrier,
                queue=getattr(ctx.get("redis"), "default_queue_name", default_queue_name),
                instruments=instruments,
                tracer=tracer,
            ):
                return await function(ctx, *args, **kwargs)

        return cast("Task", attempt)

    return decorate if task is None else decorate(task)
