"""The native runtime: where each real server comes from, its rendered configuration, start, supervision and stop.

It knows processes only through the topology; no service is imported here, and nothing here runs inside a service. What
an instance owns on disk lies below its own directory and nowhere else.
"""
