"""Kinds and statuses of spans as words, in the order of OTLP's numbers."""

KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")
STATUSES = ("unset", "ok", "error")


def word(words: tuple[str, ...], number: int) -> str:
    """The word for a number; the first one for a number that has none."""
    return words[number] if 0 <= number < len(words) else words[0]
