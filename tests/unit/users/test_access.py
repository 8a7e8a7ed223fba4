import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import SecretStr

from services.users.access import Issuer
from services.users.models import Account
from stormglass.security import tokens


@pytest.fixture
def issuer() -> Issuer:
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return Issuer(tokens.SigningKey(SecretStr(pem.decode())), lifetime=900)


@pytest.mark.parametrize("is_admin", [False, True])
def test_what_is_issued_can_be_verified_with_what_is_published(issuer: Issuer, *, is_admin: bool) -> None:
    account = Account(email="ada@example.org", name="Ada", password_hash="", is_admin=is_admin)
    issued = issuer.token_for(account)
    keys = tokens.public_keys({"keys": issuer.key_set.keys})
    verified = tokens.verify(issued.access_token, keys[tokens.key_id_of(issued.access_token)])
    assert verified.subject == str(account.id)
    assert verified.scopes == set(issued.scope.split())
    assert ("products:write" in verified.scopes) is is_admin
    assert ("admin" in verified.scopes) is is_admin
    assert issued.expires_in == 900


def test_only_the_public_half_is_published(issuer: Issuer) -> None:
    (key,) = issuer.key_set.keys
    assert set(key) == {"kty", "crv", "x", "kid", "alg", "use"}
