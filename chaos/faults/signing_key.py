"""The key that access tokens are signed with is replaced, as after a leak: every token that is out there is void."""

import asyncio
import math
import os
import shutil
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx

from chaos.engine.context import Context
from chaos.engine.model import Fault, FaultKind, NotBiting, Record, Request
from chaos.faults import replicas
from stormglass.runtime import keys, keys_watch
from stormglass.runtime.files import private_directory, write_private
from stormglass.security import keyring
from stormglass.security.tokens import SigningKey

TARGET = "users"
PROTECTED_PATH = "/users/me"
REFRESH_SECONDS = 15.0
"""A gateway asks for unknown keys at most every 5 s; the users service looks at its files every second."""


class ReplacedKey(FaultKind):
    """The old keys are kept beside the new one in the instance's secrets, never in the journal."""

    local = True
    name = "signing-key"
    summary = "signs with a key that nobody knew before; tokens from before are void"

    def targets(self, context: Context) -> list[str]:
        """The users service, if it is meant to run."""
        return [TARGET] if replicas.is_meant_to_run(context, TARGET) else []

    async def prepare(self, context: Context, request: Request) -> Record:
        """The names of the files: those of the keys that are there, and that of the one to come."""
        ring = keys.ring(context.instance)
        names = [key.path.name for key in ring.keys]
        begin = math.floor(time.time())
        while (new := keyring.name_of(begin)) in names:
            begin += 1
        return {"files": names, "new_file": new, "key_id": ring.signing(time.time()).key.key_id}

    async def apply(self, context: Context, fault: Fault) -> Record:
        """Put the old keys aside, make a new one, wait until the service has it."""
        directory, kept = _directory(context), private_directory(_kept(context, fault))
        for name in fault.record["files"]:
            os.link(directory / name, kept / name)
        write_private(directory / fault.record["new_file"], keyring.new_pem())
        for name in fault.record["files"]:
            (directory / name).unlink()
        await _adopted(context)
        return {"new_key_id": _signing(context).key_id}

    async def undo(self, context: Context, fault: Fault) -> None:
        """Put the old keys back; done when the gateways accept them again."""
        directory, kept = _directory(context), _kept(context, fault)
        if kept.is_dir():
            new = directory / fault.record["new_file"]
            if new.exists():
                for old in kept.iterdir():
                    # where both names are of one file still, this does nothing, and the second one goes with `kept`
                    old.replace(directory / old.name)
                new.unlink()
            # else nothing was replaced yet, or a rotation has withdrawn the new key, and with it all that came before
            shutil.rmtree(kept)
        if replicas.is_meant_to_run(context, TARGET):
            await _adopted(context)
            key = _signing(context)
            refused = await _until(lambda: _who_refuses(context, key), wanted=0)
            if refused:
                raise RuntimeError(f"{', '.join(refused)} do not accept the old key yet")

    async def bites(self, context: Context, fault: Fault) -> str:
        """What the gateways say to a token signed with the old key, once they have met one of the new."""
        old = _old(_kept(context, fault), fault.record["key_id"])
        new = _signing(context)
        gateways = _gateways(context)

        async def who_refuses() -> list[str]:
            await _who_refuses(context, new)
            return await _who_refuses(context, old)

        refused = await _until(who_refuses, wanted=len(gateways))
        if len(refused) < len(gateways):
            raise NotBiting(f"{len(refused)} of {len(gateways)} gateways refuse a token of key {old.key_id}")
        return f"{len(refused)} gateways refuse tokens of key {old.key_id[:8]}…; {new.key_id[:8]}… is published"


def _directory(context: Context) -> Path:
    return keys.directory(context.instance)


def _kept(context: Context, fault: Fault) -> Path:
    return _directory(context) / f"before-{fault.id}"


def _signing(context: Context) -> SigningKey:
    return keys.ring(context.instance).signing(time.time()).key


def _old(kept: Path, key_id: str) -> SigningKey:
    return next(key.key for key in keyring.read(kept).keys if key.key.key_id == key_id)


def _gateways(context: Context) -> list[str]:
    return [name for name in replicas.applications(context) if replicas.place(context, name)[0].name == "gateway"]


async def _adopted(context: Context) -> None:
    """Wait until every replica of the users service publishes the keys that are on disk, and no others."""
    late = await _until(lambda: keys_watch.behind(context.instance), wanted=0)
    if late:
        raise RuntimeError("; ".join(late))


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
