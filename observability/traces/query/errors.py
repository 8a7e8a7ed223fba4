"""Why a query is not answered."""


class UnsupportedQueryError(ValueError):
    """A query that is wrong or not supported; the text says which part. `position` counts its characters from 1."""

    def __init__(self, text: str, position: int | None = None) -> None:
        super().__init__(f"at character {position}: {text}" if position else text)
        self.position = position


class IncompleteQueryError(UnsupportedQueryError):
    """A query that is right as far as it goes: somebody is still typing it."""
