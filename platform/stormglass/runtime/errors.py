"""The runtime's errors: each says what happened, to what, and what to do next."""


class RuntimeFailure(RuntimeError):
    """Something about an instance that a person has to act on; `log` is the file that tells more, if there is one."""

    def __init__(self, message: str, *, log: str = "") -> None:
        super().__init__(message)
        self.log = log
