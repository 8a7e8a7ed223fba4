"""Traces, metrics and logs of every process, configured once by `configure.configure()`.

`names/` holds every metric of the platform; the other modules each have one subject. Nothing here knows what a
service does, and nothing here may ever block or fail a request: what cannot be exported is dropped and counted.
Nothing is imported from here: who only counts something need not load the tracing libraries.
"""
