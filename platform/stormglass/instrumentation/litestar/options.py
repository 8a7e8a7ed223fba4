"""What can be chosen; every choice has a default."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypedDict

from litestar.types import HTTPScope
from opentelemetry.trace import Tracer
from opentelemetry.util.types import AttributeValue

from .instruments import Instruments


class Options(TypedDict, total=False):
    """Keyword arguments of `LitestarInstrumentation` and `HttpServerInstrumentation`.

    instruments: metrics to use; by default they are made, under the names of the conventions.
    tracer: by default one of the global provider.
    exclude: paths of which nothing is recorded, with all that lies below them: `/health` is also `/health/live`.
    attributes: called once a request was answered, for attributes of its span; what it raises is logged.
    """

    instruments: Instruments
    tracer: Tracer
    exclude: Sequence[str]
    attributes: Callable[[HTTPScope], Mapping[str, AttributeValue]]
