"""The process that keeps every fault's promise to end: an HTTP API, a time-to-live on each fault, undo until it works.

It stands on the journal alone; it starts and acts while everything else of the platform is down.
"""
