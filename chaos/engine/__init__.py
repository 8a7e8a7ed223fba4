"""Faults as such: what one is, the journal that outlives every process, and how one is applied and taken back.

What a particular fault does is in `chaos.faults`; when it is taken back is decided in `chaos.keeper`. Nothing here
knows a single kind of fault by name.
"""
