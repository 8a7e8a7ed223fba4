"""What answers questions about the running platform: the trace store, dashboards, SLOs, alert rules, metrics.

It may import `stormglass`, never a service, the worker or chaos: it sees them only through their telemetry.
"""
