"""The kinds of fault: one module per thing that is broken (edges, processes, Redis, …), each exporting `KINDS`.

They act on a running instance from outside and are found by `chaos.engine.registry`; none knows another, the journal
or the keeper.
"""
