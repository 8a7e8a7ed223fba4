"""The native runtime: where each real server comes from, its rendered configuration, start, supervision and stop.

It knows processes only through the topology; no service is imported here. Nothing of it runs inside a service but its
first step: `entry` starts every process of ours, also in containers, where the engine does what is the manager's here.
What an instance owns on disk lies below its own directory and nowhere else.
"""
