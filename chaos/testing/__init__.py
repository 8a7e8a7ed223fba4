"""Faults in tests: the pytest fixture `fault`, for our own tests and for every project that installs `stormglass`.

It stands on the keeper like the command line does; how a fault works is the business of `chaos.engine`.
"""
