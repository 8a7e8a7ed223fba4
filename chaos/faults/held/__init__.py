"""Small programs that are a fault for as long as they live: each burns, fills, locks or occupies something.

They end with the process that started them and at the end of their fault's time, whichever comes first, so that nothing
has to be cleaned up after a crash. Started, found and ended by `chaos.faults.holder`; nothing else belongs here.
"""
