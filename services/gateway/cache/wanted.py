"""What a client asks of the cache (RFC 9111, section 5.2.1)."""

from dataclasses import dataclass
from typing import Self

from services.gateway.cache.directives import Headers, cache_control


@dataclass(frozen=True, slots=True)
class Wanted:
    """Of the request directives, those that restrict what may be answered; `max-stale` is not made use of.

    `max_age` and `min_fresh` are seconds.
    """

    no_store: bool = False
    no_cache: bool = False
    only_if_cached: bool = False
    max_age: int | None = None
    min_fresh: int = 0

    @classmethod
    def of(cls, headers: Headers) -> Self:
        """What the header fields (names in lower case) of a request say."""
        said = cache_control(headers)
        # RFC 9111, section 5.4: what HTTP/1.0 had instead
        pragma = not said.members and any(n == b"pragma" and b"no-cache" in v.lower() for n, v in headers)
        return cls(
            no_store="no-store" in said,
            no_cache="no-cache" in said or pragma,
            only_if_cached="only-if-cached" in said,
            max_age=said.seconds("max-age"),
            min_fresh=said.seconds("min-fresh") or 0,
        )

    def content_with(self, age: float, lifetime: float) -> bool:
        """Whether the client takes an answer of this age (seconds) that is fresh for `lifetime` in all."""
        return (
            not self.no_cache
            and (self.max_age is None or (self.max_age > 0 and age <= self.max_age))
            and lifetime - age >= self.min_fresh
        )

    @property
    def takes_stale(self) -> bool:
        """Whether an answer that is no longer fresh will do: nothing was said about how old it may be."""
        return not self.no_cache and self.max_age is None and self.min_fresh == 0

    @property
    def fresh_from_origin(self) -> bool:
        """Whether nothing but what the service says now will do."""
        return self.no_cache or self.max_age == 0
