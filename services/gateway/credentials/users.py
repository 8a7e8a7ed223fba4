"""Asking the users service whom a session or an API key stands for."""

from typing import Any

from services.gateway.credentials.asked import Ask
from services.gateway.credentials.presented import Presented
from services.gateway.credentials.verified import Verified
from stormglass.security.identity import Identity
from stormglass.service.client import CallFailed, ServiceClient

ASK_SECONDS = 1.0
"""Longest wait for an answer: the request itself comes after it."""

_NOBODY = "urn:stormglass:problem:no-such-credential"


def ask_with(client: ServiceClient) -> Ask:
    """Asking over HTTP, as the gateway itself."""

    async def ask(sent: Presented) -> Verified | None:
        answer = await client.call(
            "users",
            "POST",
            "/credentials/verify",
            json={"kind": str(sent.kind), "secret": sent.text},
            headers={"Content-Type": "application/json"},
            limit_seconds=ASK_SECONDS,
        )
        if answer.status == 200:
            return _read(answer.body)
        # a balancer's 404 does not mean that the credential is not good
        if answer.status == 404 and isinstance(answer.body, dict) and answer.body.get("type") == _NOBODY:
            return None
        raise CallFailed("users", f"POST /credentials/verify answered {answer.status}", answer.status)

    return ask


def _read(body: Any) -> Verified:
    try:
        identity = Identity(
            str(body["subject"]), frozenset(map(str, body["scopes"])), credential=str(body["credential"])
        )
        return Verified(identity, float(body["expires_at"]))
    except (LookupError, TypeError, ValueError) as error:
        raise CallFailed("users", f"POST /credentials/verify answered in another form: {error}") from error
