"""The platform in containers: what differs from the native one, the files its servers read, and the engine's commands.

Inside a container every program of ours finds an `Instance` as it does natively; only its network, its directories and
whoever starts processes are different ones.
"""
