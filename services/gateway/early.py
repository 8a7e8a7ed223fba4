"""Requests that Litestar refuses before they reach the pipeline (a Host header with characters that no host has)."""

from litestar.exceptions import HTTPException
from litestar.types import Scope

from services.gateway.account import account
from services.gateway.exchange import Exchange


async def account_early(error: Exception, scope: Scope) -> None:
    """Account for a request whose answer Litestar makes out of `error`."""
    exchange = Exchange.begin(scope)
    exchange.status = error.status_code if isinstance(error, HTTPException) else 500
    account(exchange)
