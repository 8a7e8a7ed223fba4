"""Alerts made to fire and to clear on a running instance, with a clock beside them.

Faults and load are commands, run as a person would run them: nothing of `chaos` is imported here.
"""
