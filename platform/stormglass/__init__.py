"""The platform every Stormglass process stands on: service factory, telemetry, resilience, security, data, runtime.

No business rule lives here, and nothing here imports `services`, `worker`, `chaos` or `observability`: those stand on
this package, never the other way round.
"""

__version__ = "0.1.0"
