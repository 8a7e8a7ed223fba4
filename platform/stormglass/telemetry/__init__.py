"""Traces, metrics and logs of every process, configured once by `configure()`.

`names.py` holds every metric of the platform; the other modules each have one subject. Nothing here knows what a
service does, and nothing here may ever block or fail a request: what cannot be exported is dropped and counted.
"""

from stormglass.telemetry.configure import configure, shutdown

__all__ = ["configure", "shutdown"]
