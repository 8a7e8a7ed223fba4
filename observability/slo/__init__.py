"""Service level objectives as data: one YAML file per user journey, in the OpenSLO v1 format, and what reads them.

A query holds `{{.window}}` where the length of a window belongs. What follows from an objective (recording rules,
burn-rate alerts) is made in `observability.rules`; no number of an objective stands anywhere else.
"""
