"""What a route allows the cache to do. A service has to allow it too: see `terms.py`."""

from dataclasses import dataclass

PERSONAL = frozenset({"authorization", "cookie", "x-api-key"})
"""Request fields that tell who asks: an answer that varies with them is not for a shared cache."""


@dataclass(frozen=True, slots=True)
class CachePolicy:
    """Answers of the route may be stored, if the service says so.

    `vary`: the request fields (lower case) that may select among representations. The service gets to see these and no
    other field of the client's when an answer is fetched for the cache, so that nothing outside the key can shape what
    others will get; an answer that varies with another field is not stored. `query`: the parameters the resource
    knows; a request with any other one passes by the cache, so that made-up ones cannot fill it.
    """

    vary: tuple[str, ...] = ("accept", "accept-encoding", "accept-language")
    query: tuple[str, ...] = ()

    def __str__(self) -> str:
        """For people who look at the route table."""
        return f"shared, by {' '.join(self.query)}" if self.query else "shared"

    @property
    def faults(self) -> list[str]:
        """What is wrong with it, for the check of the route table."""
        faults = [f"{name} may not select a stored answer" for name in self.vary if name in PERSONAL]
        return faults + [f"the request field {name} is not in lower case" for name in self.vary if name != name.lower()]
