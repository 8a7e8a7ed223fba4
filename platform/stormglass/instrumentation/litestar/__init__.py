"""Traces and RED metrics of a Litestar application, by the stable HTTP semantic conventions of OpenTelemetry.

`LitestarInstrumentation` is the plugin; `HttpServerInstrumentation` does the work and wraps any ASGI application.
Nothing here may fail a request or read its body.
"""

from .instruments import Instruments
from .middleware import HttpServerInstrumentation
from .options import Options
from .plugin import LitestarInstrumentation

__all__ = ["HttpServerInstrumentation", "Instruments", "LitestarInstrumentation", "Options"]
