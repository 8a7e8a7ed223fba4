"""Which metrics there are, for people and programs: `stormglass metrics` and docs/metrics.md.

What a metric is, is declared in `stormglass.telemetry.names`; here it is only shown. Nothing here asks a process.
"""
