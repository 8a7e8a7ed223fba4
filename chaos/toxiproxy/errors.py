"""What can go wrong when a Toxiproxy server is asked for something."""


class ToxiproxyError(Exception):
    """The server refused. `status` is its HTTP status, `text` its own words."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"Toxiproxy answered {status}: {text}")
        self.status = status
        self.text = text


class UnreachableError(ToxiproxyError):
    """No answer at all, or none in time. `status` is 0."""

    def __init__(self, address: str, reason: str) -> None:
        Exception.__init__(
            self, f"no Toxiproxy answers at {address} ({reason}): is it running, and is this the port of its API?"
        )
        self.status = 0
        self.text = reason
