"""The users service follows its key files without a restart; the command line says the same as the service."""

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from stormglass.runtime import keys
from stormglass.security import keyring, tokens
from stormglass.security.keyring import LEAD_SECONDS, SKEW_SECONDS
from stormglass.security.tokens import TOKEN_SECONDS
from stormglass.testing import Platform, eventually
from tests.ring import put_back

NOTICED_SECONDS = 15.0
"""The service looks every second; the machine may have more to do than this."""


@pytest.fixture(scope="module", autouse=True)
def ring(platform: Platform) -> Iterator[None]:
    with put_back(platform):
        yield


@pytest.fixture(autouse=True)
def one_key(platform: Platform) -> str:
    """Each test begins with a single key; its id."""
    return _settled(platform)


def _settled(platform: Platform) -> str:
    key_id = str(platform.json("keys", "rotate", "--now")["key_id"])
    eventually(lambda: _published(platform) == {key_id: "signing"}, seconds=NOTICED_SECONDS, what="the only key")
    return key_id


def _published(platform: Platform) -> dict[str, str]:
    """State by key id, of the keys that users-1 publishes."""
    listed = platform.json("keys", "list")["keys"]
    return {key["key_id"]: key["state"] for key in listed if "users-1" in key["published_by"]}


def _signer(platform: Platform) -> str:
    """Id of the key that signs a token now."""
    body = {"email": "admin@stormglass.local", "password": platform.secret("users", "admin_password")}
    answer = httpx.post(f"http://{platform.address('users')}/tokens", json=body, timeout=30)
    assert answer.status_code == 200, answer.text
    return tokens.key_id_of(answer.json()["access_token"])


def test_a_new_key_is_published_at_once_and_signs_later(platform: Platform, one_key: str) -> None:
    begun = time.time()
    rotated: dict[str, Any] = platform.json("keys", "rotate")
    new = rotated["key_id"]
    expected = {one_key: "signing", new: "next"}
    eventually(lambda: _published(platform) == expected, seconds=NOTICED_SECONDS, what="both keys are published")
    assert time.time() < begun + LEAD_SECONDS, "too late to see anything"
    assert _signer(platform) == one_key
    answer = httpx.get(f"http://{platform.address('users')}/.well-known/jwks.json")
    assert answer.headers["Cache-Control"] == f"public, max-age={keyring.MAX_AGE_SECONDS}"
    assert set(tokens.public_keys(answer.json())) == {one_key, new}
    assert all(set(key) == {"kty", "crv", "x", "kid", "alg", "use"} for key in answer.json()["keys"]), (
        "public halves only"
    )
    # its time comes: the same file under the name of a moment that is over
    path = keys.directory(platform.instance) / keys.ring(platform.instance).keys[-1].path.name
    path.rename(path.with_name(keyring.name_of(int(time.time()) - 1)))
    eventually(lambda: _signer(platform) == new, seconds=NOTICED_SECONDS, what="the new key signs")
    assert _published(platform) == {one_key: "retiring", new: "signing"}


def test_an_old_key_is_withdrawn_when_its_last_token_has_expired(platform: Platform, one_key: str) -> None:
    new = platform.json("keys", "rotate")["key_id"]
    left = 15
    began = int(time.time()) - TOKEN_SECONDS - SKEW_SECONDS + left
    for key, moment in zip(keys.ring(platform.instance).keys, (began - 600, began), strict=True):
        key.path.rename(key.path.with_name(keyring.name_of(moment)))
    states = {one_key: "retiring", new: "signing"}
    eventually(lambda: _published(platform) == states, seconds=left, what="both keys are published")
    eventually(
        lambda: _published(platform) == {new: "signing"}, seconds=left + NOTICED_SECONDS, what="the old one is gone"
    )
    (gone, _) = platform.json("keys", "list")["keys"]
    assert (gone["key_id"], gone["state"], gone["published_by"]) == (one_key, "gone", [])
    assert _signer(platform) == new


def test_in_an_emergency_the_new_key_is_the_only_one(platform: Platform, one_key: str) -> None:
    planned = platform.json("keys", "rotate")["key_id"]
    new = platform.json("keys", "rotate", "--now")["key_id"]
    eventually(lambda: _published(platform) == {new: "signing"}, seconds=NOTICED_SECONDS, what="the only key")
    assert len({one_key, planned, new}) == 3
    assert _signer(platform) == new


def test_a_spoiled_file_neither_ends_log_ins_nor_stays_unmentioned(platform: Platform, one_key: str) -> None:
    spoiled = keys.directory(platform.instance) / keyring.name_of(int(time.time()) - 1)
    spoiled.write_text("garbage")
    try:
        log = platform.instance.log("users-1")
        said = f"{spoiled.name}: not an Ed25519 key"
        eventually(lambda: said in log.read_text(errors="replace"), seconds=NOTICED_SECONDS, what="the complaint")
        assert _signer(platform) == one_key
        assert "not an Ed25519 key" in platform.run("doctor", check=False)
    finally:
        spoiled.unlink()
