"""Prometheus rules: what follows from the objectives is made here, causes are written by hand in `causes.yaml`.

`generated/` holds the result for production windows and for the demo's; a test holds it to its sources.
"""
