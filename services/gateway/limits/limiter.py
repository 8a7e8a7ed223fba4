"""How often a caller may come, asked in the round trip that a request makes anyway; without Redis, locally."""

import math
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence

from opentelemetry import trace

from services.gateway.exchange import Exchange, Headers
from services.gateway.limits.take import Take
from services.gateway.limits.windows import MAX_LOCAL, Decision, LocalCounter
from services.gateway.route import REFUSED, Policy
from stormglass.service import Problem
from stormglass.telemetry import names


class TooManyRefused(Problem):
    """An address that sent too many bad credentials: what it sends is not looked at."""


class Limiter:
    """Decides by the shared counts; by local ones, against this gateway's share of the quota, where there are none."""

    def __init__(self, policies: Mapping[str, Policy], *, replicas: int) -> None:
        self._policies = policies
        self._replicas = replicas
        self._local = LocalCounter()
        self._spent: OrderedDict[str, None] = OrderedDict()

    def take(self, exchange: Exchange, *policies: str) -> list[Take]:
        """What is to be asked for a request under the policies of these names."""
        now = time.time()
        return [self._take(exchange, self._policies[name], now) for name in policies]

    def decide(self, exchange: Exchange, taken: Sequence[Take]) -> list[Decision]:
        """What the counts mean; the answer will say what is left."""
        decisions = [self.decision(take) for take in taken]
        exchange.extra += headers(decisions)
        return decisions

    def enforce(self, decisions: Sequence[Decision]) -> None:
        """Stop a request that is over one of its limits.

        Raises:
            Problem: 429 with Retry-After.
        """
        for each in decisions:
            if not each.admitted:
                raise _too_many(each.policy, each.quota, each.reset)

    def decision(self, take: Take) -> Decision:
        """What a count means."""
        count, quota = take.count, take.policy.quota
        if count is None:
            _tell()
            count = self._local.add(take.window.key, take.policy.window)
            quota = self._share(quota)
        decision = Decision(take.policy, quota, count, _whole(take.window.left))
        if take.policy.name == REFUSED and not decision.admitted:
            self._spent[take.window.key] = None
            if len(self._spent) > MAX_LOCAL:
                self._spent.popitem(last=False)
        return decision

    def give_back_locally(self, take: Take) -> None:
        """Uncount what was counted here."""
        self._local.add(take.window.key, take.policy.window, -1)

    def check_refusals(self, exchange: Exchange) -> None:
        """Stop an address that sent too many bad credentials before the next is verified, as far as this gateway saw.

        A credential that was verified before is not to be held up by this: its owner may share an address with whoever
        guesses.

        Raises:
            TooManyRefused: 429 with Retry-After.
        """
        policy = self._policies[REFUSED]
        window = self._take(exchange, policy, time.time()).window
        if window.key in self._spent:
            raise _too_many(policy, policy.quota, _whole(window.left), TooManyRefused)

    def _take(self, exchange: Exchange, policy: Policy, now: float) -> Take:
        return Take(policy, exchange.address if policy.by_address else exchange.caller, now)

    def _share(self, quota: int) -> int:
        return max(1, quota // self._replicas)


def headers(decisions: Sequence[Decision]) -> Headers:
    """The fields of draft-ietf-httpapi-ratelimit-headers-10, as structured fields."""
    policies = ", ".join(f'"{each.policy.name}";q={each.quota};w={each.policy.window}' for each in decisions)
    left = ", ".join(f'"{each.policy.name}";r={each.remaining};t={each.reset}' for each in decisions)
    return [(b"ratelimit-policy", policies.encode()), (b"ratelimit", left.encode())]


def _whole(seconds: float) -> int:
    return max(1, math.ceil(seconds))


def _too_many(policy: Policy, quota: int, reset: int, kind: type[Problem] = Problem) -> Problem:
    names.RATE_LIMITED.counter().labels(policy.name).inc()
    detail = f"more than {quota} requests in {policy.window} s"
    return kind(429, "rate-limited", detail, headers={"Retry-After": str(reset)})


def _tell() -> None:
    names.FALLBACKS.counter().labels("redis", "local_limiter").inc()
    trace.get_current_span().add_event("rate limited locally")
