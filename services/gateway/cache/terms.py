"""On which terms an answer may be stored: RFC 9111, section 3, made stricter wherever it leaves a choice.

A shared cache may store what is not forbidden. This one stores what is allowed: by the route, by an explicit `public`,
and only if nothing hints at a person: that one answer more comes from the origin costs less than one that leaks.
"""

from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from services.gateway.cache.directives import Directives, Headers, cache_control, of_answer, targeted
from services.gateway.cache.groups import GROUPS, read_groups
from services.gateway.cache.policy import CachePolicy
from services.gateway.cache.vary import selecting

STATUSES = frozenset({200, 404})
LONGEST_NEGATIVE = 10.0
"""Seconds that a 404 is fresh at most, whatever the service says."""
LONGEST_KEPT = 24 * 3600.0
VALIDATED_FOR = 60.0
"""Seconds that an answer with a validator is kept beyond what it can be served for, to be asked about cheaply."""


@dataclass(frozen=True, slots=True)
class Terms:
    """Seconds from when the answer was made: fresh for `lifetime`, then `while_revalidate` and `if_error` more."""

    lifetime: float
    while_revalidate: float
    if_error: float
    keep: float
    vary: tuple[str, ...]
    groups: tuple[str, ...]


def terms(status: int, headers: Headers, policy: CachePolicy) -> Terms | str:
    """The terms for an answer, with the header fields as they came (names in lower case); else why there are none."""
    if status not in STATUSES:
        return "status"
    if reason := _forbidden(headers):
        return reason
    vary = selecting(headers, policy.vary)
    if vary is None:
        return "vary"
    said = of_answer(headers)
    lifetime = 0.0 if "no-cache" in said else min(_lifetime(said, headers), LONGEST_KEPT)
    if status == 404:
        lifetime = min(lifetime, LONGEST_NEGATIVE)
    # s-maxage forbids stale answers like proxy-revalidate does (RFC 9111, section 5.2.2.10)
    strict = status == 404 or any(
        name in said for name in ("no-cache", "must-revalidate", "proxy-revalidate", "s-maxage")
    )
    revalidating = 0.0 if strict else float(said.seconds("stale-while-revalidate") or 0)
    on_error = 0.0 if strict else float(said.seconds("stale-if-error") or 0)
    usable = lifetime + max(revalidating, on_error)
    validated = any(name in {b"etag", b"last-modified"} for name, _ in headers)
    if not usable and not validated:
        return "no-lifetime"
    keep = min(usable + (VALIDATED_FOR if validated else 0.0), LONGEST_KEPT)
    return Terms(lifetime, revalidating, on_error, keep, vary, read_groups(headers, GROUPS))


def _forbidden(headers: Headers) -> str:
    names = {name for name, _ in headers}
    # whichever of the two fields says it: the targeted one may widen what others may do, but not undo a prohibition
    fields = [said for said in (targeted(headers), cache_control(headers)) if said is not None]
    for word in ("no-store", "private"):
        if any(word in said for said in fields):
            return word
    if not any("public" in said for said in fields):
        return "not-public"
    for name, reason in ((b"set-cookie", "set-cookie"), (b"x-stormglass-degraded", "degraded")):
        if name in names:
            return reason
    return ""


def _lifetime(said: Directives, headers: Headers) -> float:
    """Seconds of freshness that the service states; none are guessed."""
    for name in ("s-maxage", "max-age"):
        if (seconds := said.seconds(name)) is not None:
            return float(seconds)
    dates = {name: value for name, value in headers if name in {b"expires", b"date"}}
    if targeted(headers) is not None or set(dates) != {b"expires", b"date"}:
        return 0.0
    try:
        expires, date = (parsedate_to_datetime(dates[name].decode("latin-1")) for name in (b"expires", b"date"))
        return max(0.0, (expires - date).total_seconds())
    except (ValueError, TypeError):
        # RFC 9111, section 5.3: an invalid date, like "0", means that it has expired
        return 0.0


def initial_age(headers: Headers, delay: float) -> float:
    """Age in seconds on arrival: what the caches before us say, and the request's `delay` (RFC 9111, 4.2.3)."""
    ages = [value.decode("latin-1") for name, value in headers if name == b"age"]
    told = int(ages[0]) if ages and ages[0].isascii() and ages[0].isdigit() and len(ages[0]) <= 10 else 0
    return told + delay
