"""`stormglass bench traces`: what the trace store sustains, in a process of its own, with spans like the platform's.

It measures over HTTP and from outside the process. No test belongs here, and nothing here is used by the store.
"""
