"""Faults and experiments: what breaks the platform on purpose, and takes it back for certain.

Everything here acts on a running instance from outside, through its edges and processes; no service knows of it.
"""
