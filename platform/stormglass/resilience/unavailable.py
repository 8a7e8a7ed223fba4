"""A dependency that cannot be used right now: the one error for it, whichever library noticed."""


class DependencyUnavailable(Exception):
    """`dependency` did not answer, refused, or ended the connection; what was asked of it may or may not have happened.

    Where there is no fallback it becomes a 503 with `Retry-After`. The text is for logs, not for clients.
    """

    def __init__(self, dependency: str, reason: str) -> None:
        super().__init__(f"{dependency} cannot be used: {reason}")
        self.dependency = dependency
