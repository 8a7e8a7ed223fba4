"""What keeps one failing part from taking the others with it: deadlines, backoff, knowing what is away.

Each module is one mechanism without knowledge of what it protects; names of dependencies come from the caller.
"""
