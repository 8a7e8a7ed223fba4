"""The key that access tokens are signed with is replaced, as after a leak: every token that is out there is void."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import SecretStr

from chaos.engine.context import Context
from chaos.engine.model import Fault, FaultKind, NotBiting, Record, Request
from chaos.faults import replicas
from stormglass.runtime.files import write_private
from stormglass.security.tokens import SigningKey

TARGET = "users"
PROTECTED_PATH = "/users/me"
REFRESH_SECONDS = 15.0
"""A gateway asks for unknown keys at most every 5 s."""

READY_SECONDS = 25.0


class ReplacedKey(FaultKind):
    """The old key is kept beside the new one in the instance's secrets, never in the journal."""

    name = "signing-key"
    summary = "signs with a key that nobody knew before; tokens from before are void"

    def targets(self, context: Context) -> list[str]:
        """The users service, if it is meant to run."""
        return [TARGET] if replicas.is_meant_to_run(context, TARGET) else []

    async def prepare(self, context: Context, request: Request) -> Record:
        """The id of the key that is valid now."""
        return {"key_id": _key(_path(context)).key_id}

    async def apply(self, context: Context, fault: Fault) -> Record:
        """Put the old key aside, make a new one, restart the service."""
        os.link(_path(context), _kept(context, fault))
        key = Ed25519PrivateKey.generate()
        text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        write_private(_path(context), text)
        await _adopt(context)
        return {"new_key_id": _key(_path(context)).key_id}

    async def undo(self, context: Context, fault: Fault) -> None:
        """Put the old key back; done when the gateways accept it again."""
        kept = _kept(context, fault)
        if kept.exists():
            kept.replace(_path(context))
            # still there where both names were of one file: then nothing had been replaced yet
            kept.unlink(missing_ok=True)
        if replicas.is_meant_to_run(context, TARGET):
            await _adopt(context)
            key = _key(_path(context))
            refused = await _until(lambda: _who_refuses(context, key), wanted=0)
            if refused:
                raise RuntimeError(f"{', '.join(refused)} do not accept the old key yet")

    async def bites(self, context: Context, fault: Fault) -> str:
        """What the gateways say to a token signed with the old key, once they have met one of the new."""
        old, new = _key(_kept(context, fault)), _key(_path(context))
        gateways = _gateways(context)

        async def who_refuses() -> list[str]:
            await _who_refuses(context, new)
            return await _who_refuses(context, old)

        refused = await _until(who_refuses, wanted=len(gateways))
        if len(refused) < len(gateways):
            raise NotBiting(f"{len(refused)} of {len(gateways)} gateways refuse a token of key {old.key_id}")
        published = [await _published(context, name) for name in _users(context)]
        if old.key_id in published:
            raise NotBiting(f"key {old.key_id} is still published")
        return f"{len(refused)} gateways refuse tokens of key {old.key_id[:8]}…; {new.key_id[:8]}… is published"


def _path(context: Context) -> Path:
    return context.instance.secrets / TARGET / "signing_key"


def _kept(context: Context, fault: Fault) -> Path:
    return _path(context).with_name(f"signing_key.before-{fault.id}")


def _key(path: Path) -> SigningKey:
    return SigningKey(SecretStr(path.read_text(encoding="utf-8")))


def _users(context: Context) -> list[str]:
    return [name for name in replicas.applications(context) if replicas.place(context, name)[0].name == TARGET]


def _gateways(context: Context) -> list[str]:
    return [name for name in replicas.applications(context) if replicas.place(context, name)[0].name == "gateway"]


async def _published(context: Context, name: str) -> str:
    """Id of the key that a replica of the users service publishes."""
    async with context.http(TARGET, replicas.place(context, name)[1]) as http:
        return str((await http.get("/.well-known/jwks.json")).json()["keys"][0]["kid"])


async def _adopt(context: Context) -> None:
    """Restart every replica that does not use the key that is on disk."""
    wanted = _key(_path(context)).key_id
    for name in _users(context):
        await replicas.ready_again(context, name, READY_SECONDS)
        if await _published(context, name) != wanted:
            await replicas.start_again(context, name)
            await replicas.ready_again(context, name, READY_SECONDS)


async def _who_refuses(context: Context, key: SigningKey) -> list[str]:
    """The gateways that do not accept a token of this key."""
    headers = {"Authorization": f"Bearer {key.issue('fault-probe', ['profile:read'], lifetime=60)}"}
    refusing = []
    for name in _gateways(context):
        async with context.http("gateway", replicas.place(context, name)[1]) as http:
            try:
                if (await http.get(PROTECTED_PATH, headers=headers)).status_code == 401:
                    refusing.append(name)
            except httpx.HTTPError:
                continue
    return refusing


async def _until(ask: Callable[[], Awaitable[list[str]]], *, wanted: int) -> list[str]:
    """The answer of `ask` once it has this many entries, or the last one after `REFRESH_SECONDS`."""
    end = time.monotonic() + REFRESH_SECONDS
    while True:
        answer = await ask()
        if len(answer) == wanted or time.monotonic() > end:
            return answer
        await asyncio.sleep(0.5)


KINDS: tuple[FaultKind, ...] = (ReplacedKey(),)
