"""Passwords: argon2id, off the event loop, a few at a time.

Parameters: the least that OWASP's Password Storage Cheat Sheet accepts (19 MiB, 2 passes, 1 lane), about 25 ms of one
core. RFC 9106's second recommendation (64 MiB, 3 passes, 4 lanes) costs five times that, and on two busy cores a log-in
then outlasts the balancer's time-out. At most two hashes run at once, on threads of their own, so that log-ins cannot
take all memory or all cores.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
# a pool and no semaphore: a caller that is cancelled frees a semaphore's slot while its hash still runs
_threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="argon2")


async def hash_password(password: str) -> str:
    """The encoded argon2id hash of `password`, with its salt and parameters."""
    return await asyncio.get_running_loop().run_in_executor(_threads, _hasher.hash, password)


async def password_fits(encoded: str | None, password: str) -> bool:
    """Whether `password` is the one behind `encoded`.

    None (no such account) takes as long as a wrong password, so that the time does not tell which accounts exist.
    """
    return await asyncio.get_running_loop().run_in_executor(_threads, _fits, encoded, password)


def _fits(encoded: str | None, password: str) -> bool:
    if encoded is None:
        # making a hash is the same work as checking one
        _hasher.hash(password)
        return False
    try:
        return _hasher.verify(encoded, password)
    except (VerificationError, InvalidHashError):
        return False
