import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.users.access import Issuer
from services.users.models import Account, Kind, Login
from services.users.signing import SigningKeys
from stormglass.security import keyring, tokens

ACCOUNT = Account(email="ada@example.org", name="Ada", password_hash="")


@pytest.fixture
def issuer(tmp_path: Path) -> Issuer:
    (tmp_path / keyring.FIRST).write_text(keyring.new_pem())
    return Issuer(SigningKeys(tmp_path), lifetime=900)


def login(seconds: int = 86_400) -> Login:
    now = datetime.now(UTC)
    end = now + timedelta(seconds=seconds)
    return Login(user_id=ACCOUNT.id, kind=Kind.TOKEN, created_at=now, last_used_at=now, expires_at=end, ends_at=end)


def verified(issuer: Issuer, token: str) -> tokens.AccessToken:
    keys = tokens.public_keys({"keys": issuer.key_set.keys})
    return tokens.verify(token, keys[tokens.key_id_of(token)])


@pytest.mark.parametrize("is_admin", [False, True])
def test_what_is_issued_can_be_verified_with_what_is_published(issuer: Issuer, *, is_admin: bool) -> None:
    account = Account(email="ada@example.org", name="Ada", password_hash="", is_admin=is_admin)
    opened = login()
    issued = issuer.token_for(account, opened, "the refresh token")
    token = verified(issuer, issued.access_token)
    assert token.subject == str(account.id)
    assert uuid.UUID(token.login_id) == opened.id
    assert token.scopes == set(issued.scope.split())
    assert "account" in token.scopes
    assert ("products:write" in token.scopes) is is_admin
    assert ("admin" in token.scopes) is is_admin
    assert (issued.expires_in, issued.refresh_expires_in) == (900, 86_400)
    assert issued.refresh_token == "the refresh token"


def test_a_token_does_not_outlive_its_log_in(issuer: Issuer) -> None:
    issued = issuer.token_for(ACCOUNT, login(100), "")
    token = verified(issuer, issued.access_token)
    assert (issued.expires_in, issued.refresh_expires_in) == (100, 100)
    assert token.expires_at - token.claims["iat"] == 100


def test_only_the_public_half_is_published(issuer: Issuer) -> None:
    (key,) = issuer.key_set.keys
    assert set(key) == {"kty", "crv", "x", "kid", "alg", "use"}
