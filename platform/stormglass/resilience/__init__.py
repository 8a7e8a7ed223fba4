"""What keeps one failing part from taking the others with it: deadlines and backoff so far.

Each module is one mechanism without knowledge of what it protects; names of dependencies come from the caller.
"""
