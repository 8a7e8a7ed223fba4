"""Instrumentation that another project can take: one folder for each library, complete in itself.

A folder imports its library, `opentelemetry-api` and `prometheus-client`; never the platform, never its neighbour.
`docs/instrumentation.md` says how to take one, and what it emits.
"""
