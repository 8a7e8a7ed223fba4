import uuid

import pytest

from stormglass.security import csrf, revocation
from stormglass.security.opaque import ApiKey, digest, looks_like_secret, new_secret


def test_a_secret_looks_like_one_and_is_never_the_same() -> None:
    made = {new_secret() for _ in range(1000)}
    assert len(made) == 1000
    assert all(looks_like_secret(each) for each in made)


@pytest.mark.parametrize("text", ["", "A" * 42, "A" * 44, "A" * 42 + "+", "A" * 43 + "\n", "Ä" * 43])
def test_what_does_not_look_like_a_secret(text: str) -> None:
    assert not looks_like_secret(text)


def test_a_key_is_read_as_it_was_made() -> None:
    key = ApiKey.new()
    assert str(key).startswith("sgk_")
    assert len(str(key)) == 60
    assert ApiKey.parse(str(key)) == key
    assert digest(key.secret) != digest(ApiKey.new().secret)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sgk_",
        f"sgk_{'a' * 12}_{'A' * 42}",
        f"sgk_{'a' * 11}_{'A' * 43}",
        f"sgk_{'A' * 12}_{'A' * 43}",
        f"SGK_{'a' * 12}_{'A' * 43}",
        f"sgk_{'a' * 12}_{'A' * 43}\n",
        f" sgk_{'a' * 12}_{'A' * 43}",
    ],
)
def test_what_is_no_key(text: str) -> None:
    assert ApiKey.parse(text) is None


def test_a_csrf_token_fits_its_own_session_only() -> None:
    mine, other = new_secret(), new_secret()
    token = csrf.token(mine)
    assert looks_like_secret(token)
    assert csrf.fits(token, mine)
    assert not csrf.fits(token, other)
    assert not csrf.fits(token[:-1], mine)
    assert not csrf.fits("", mine)
    assert not csrf.fits("ä\udc80", mine), "whatever a header may hold"


def test_a_credential_is_named_by_what_stands_behind_it() -> None:
    which = uuid.uuid4()
    assert revocation.login_id(revocation.login(which)) == which
    assert revocation.login_id(revocation.api_key(which)) is None
    assert revocation.login_id("") is None
    assert revocation.key_of(revocation.login(which)) == f"revoked:login:{which}"
