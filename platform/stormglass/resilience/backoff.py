"""How long to wait before the next attempt: exponential, capped, with full jitter.

Full jitter (a uniform draw between zero and the exponential bound) spreads clients that failed together; see
"Exponential Backoff and Jitter", AWS Architecture Blog, 2015.
"""

import random


def backoff(attempt: int, *, base: float = 0.1, cap: float = 30.0) -> float:
    """Seconds to wait after failed attempt number `attempt` (from 1): uniform in [0, min(cap, base·2^(attempt-1))]."""
    # the exponent is bounded because 2^1024 is no float; the cap is reached long before
    bound = min(cap, base * 2.0 ** min(max(0, attempt - 1), 64))
    return random.uniform(0, bound)  # noqa: S311 - spreads load, protects nothing
