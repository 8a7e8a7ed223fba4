"""Benchmarks of the chaos tools themselves: what a fault proxy costs while it injects nothing.

Each module measures the real thing and ours in the same run, interleaved, and offers `run(json)`. No test belongs here.
"""
