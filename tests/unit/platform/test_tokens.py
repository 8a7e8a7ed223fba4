import base64
import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from stormglass.security.tokens import (
    AUDIENCE,
    ISSUER,
    MAX_BYTES,
    InvalidToken,
    SigningKey,
    key_id_of,
    public_keys,
    thumbprint,
    verify,
)


def pem_of(key: Any) -> SecretStr:
    return SecretStr(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


RAW = Ed25519PrivateKey.generate()
KEY = SigningKey(pem_of(RAW))
PUBLIC = public_keys({"keys": [KEY.jwk]})[KEY.key_id]


def now() -> int:
    """Asked when a test runs: the suite takes longer than a token lives."""
    return int(time.time())


def good_claims() -> dict[str, Any]:
    return {"iss": ISSUER, "aud": AUDIENCE, "sub": "u1", "iat": now(), "exp": now() + 600, "jti": "t1"}


def forged(headers: dict[str, Any] | None = None, key: Any = RAW, **changed: Any) -> str:
    """A token as `SigningKey.issue` makes it, but for what is changed; None removes."""
    claims = {name: value for name, value in {**good_claims(), **changed}.items() if value is not None}
    head = {"kid": KEY.key_id, "typ": "at+jwt", **(headers or {})}
    return jwt.encode(claims, key, algorithm="EdDSA", headers={k: v for k, v in head.items() if v is not None})


def raw(header: dict[str, Any], claims: dict[str, Any], signature: bytes = b"") -> str:
    parts = [json.dumps(header).encode(), json.dumps(claims).encode(), signature]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def reason(token: str) -> str:
    with pytest.raises(InvalidToken) as caught:
        verify(token, PUBLIC)
    return caught.value.reason


def test_a_token_says_what_was_issued() -> None:
    token = verify(KEY.issue("u1", ["orders:write", "orders:read"], lifetime=60), PUBLIC)
    assert token.subject == "u1"
    assert token.scopes == {"orders:read", "orders:write"}
    assert abs(token.expires_at - time.time() - 60) < 5
    assert token.claims["client_id"] == "stormglass"
    again = verify(KEY.issue("u1", [], lifetime=60), PUBLIC)
    assert again.token_id != token.token_id


def test_the_helper_that_forges_would_pass_if_nothing_were_changed() -> None:
    assert verify(forged(), PUBLIC).subject == "u1"
    assert verify(forged({"typ": "application/AT+JWT"}), PUBLIC).subject == "u1"


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: forged(key=Ed25519PrivateKey.generate()), "bad_signature"),
        (lambda: forged({"typ": "JWT"}), "wrong_type"),
        (lambda: forged({"typ": "id+jwt"}), "wrong_type"),
        (lambda: forged({"kid": None}), "no_key_id"),
        (lambda: forged({"kid": ""}), "no_key_id"),
        (lambda: forged({"crit": ["b64"], "b64": False}), "malformed"),  # which makes the claims a part of their own
        (lambda: forged({"crit": ["exp"]}), "refused_header"),
        (lambda: forged({"jku": "https://evil.example/jwks.json"}), "refused_header"),
        (lambda: forged({"x5u": "https://evil.example/cert"}), "refused_header"),
        (lambda: forged({"x5c": ["MII"]}), "refused_header"),
        (lambda: forged({"cty": "JWT"}), "refused_header"),
        (lambda: forged(iss="https://evil.example"), "wrong_party"),
        (lambda: forged(iss=None), "bad_claims"),
        (lambda: forged(aud="https://other.example"), "wrong_party"),
        (lambda: forged(aud=None), "bad_claims"),
        (lambda: forged(exp=now() - 60), "expired"),
        (lambda: forged(exp=None), "bad_claims"),
        (lambda: forged(exp="soon"), "bad_claims"),
        (lambda: forged(iat=now() + 3600), "bad_claims"),
        (lambda: forged(exp=now() + 901), "bad_claims"),
        (lambda: forged(exp=10**30), "bad_claims"),
        (lambda: forged(sub=""), "bad_claims"),
        (lambda: forged(scope=["admin"]), "bad_claims"),
        (lambda: forged(iat=None), "bad_claims"),
        (lambda: forged(nbf=now() + 3600), "bad_claims"),
        (lambda: forged(sub=None), "bad_claims"),
        (lambda: forged(sub=7), "bad_claims"),
        (lambda: forged(jti=None), "bad_claims"),
        (lambda: forged(scope="s" * MAX_BYTES), "too_long"),
        (lambda: "", "malformed"),
        (lambda: "not a token", "malformed"),
        (lambda: "a.b.c", "malformed"),
        (lambda: forged().replace(".", ""), "malformed"),
    ],
)
def test_what_is_wrong_is_told_by_a_word(make: Callable[[], str], expected: str) -> None:
    assert reason(make()) == expected


@pytest.mark.parametrize("alg", ["none", "None", "NONE"])
def test_a_token_without_a_signature_is_refused(alg: str) -> None:
    header = {"alg": alg, "typ": "at+jwt", "kid": KEY.key_id}
    assert reason(raw(header, good_claims())) == "wrong_algorithm"
    assert reason(raw(header, good_claims(), b"x" * 64)) == "wrong_algorithm"


@pytest.mark.parametrize("alg", ["HS256", "HS512"])
@pytest.mark.parametrize("encoding", ["pem", "raw", "x"])
def test_the_public_key_is_no_hmac_secret(alg: str, encoding: str) -> None:
    secret = {
        "pem": PUBLIC.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "raw": PUBLIC.public_bytes(Encoding.Raw, PublicFormat.Raw),
        "x": KEY.jwk["x"].encode(),
    }[encoding]
    unsigned = raw({"alg": alg, "typ": "at+jwt", "kid": KEY.key_id}, good_claims()).rstrip(".")
    digest = hmac.new(secret, unsigned.encode(), getattr(hashlib, "sha" + alg[2:])).digest()
    signature = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    assert reason(f"{unsigned}.{signature}") == "wrong_algorithm"


def test_a_key_in_the_header_is_refused() -> None:
    other = SigningKey(pem_of(Ed25519PrivateKey.generate()))
    token = jwt.encode(good_claims(), other._key, "EdDSA", {"kid": KEY.key_id, "typ": "at+jwt", "jwk": other.jwk})
    assert reason(token) == "refused_header"


def signed(header: str, claims: str) -> str:
    """A token of exactly these texts, signed with the good key."""
    parts = ".".join(base64.urlsafe_b64encode(part.encode()).rstrip(b"=").decode() for part in (header, claims))
    return f"{parts}.{base64.urlsafe_b64encode(RAW.sign(parts.encode())).rstrip(b'=').decode()}"


def test_members_that_occur_twice_are_refused_though_the_signature_is_good() -> None:
    header = json.dumps({"alg": "EdDSA", "typ": "at+jwt", "kid": KEY.key_id})
    claims = json.dumps(good_claims())
    assert verify(signed(header, claims), PUBLIC).subject == "u1"
    assert reason(signed(header[:-1] + ', "kid": "other"}', claims)) == "malformed"
    assert reason(signed(header[:-1] + ', "b64": true}', claims)) == "refused_header"
    assert reason(signed(header, claims[:-1] + ', "sub": "admin"}')) == "bad_claims"
    assert reason(signed(header, claims[:-1] + ', "x": {"a": 1, "a": 2}}')) == "bad_claims"
    assert reason(signed(header, claims[:-1] + ', "x": NaN}')) == "bad_claims"
    assert reason(signed(header, claims.replace(str(now() + 600), "1e400"))) == "bad_claims"


def test_the_log_in_that_a_token_came_from() -> None:
    login = uuid.uuid4()
    assert verify(KEY.issue("u1", [], lifetime=60, login_id=login), PUBLIC).login_id == str(login)
    assert verify(KEY.issue("u1", [], lifetime=60), PUBLIC).login_id == ""


def test_claims_given_twice_or_changed_do_not_fit_the_signature() -> None:
    head, body, signature = forged().split(".")
    text = base64.urlsafe_b64decode(body + "==").decode()
    doubled = text[:-1] + ',"sub":"admin"}'
    swapped = base64.urlsafe_b64encode(doubled.encode()).rstrip(b"=").decode()
    assert reason(f"{head}.{swapped}.{signature}") == "bad_signature"
    assert reason(f"{head}.{body}.") == "bad_signature"


def test_deeply_nested_json_is_refused_like_any_other_rubbish() -> None:
    deep = base64.urlsafe_b64encode(b"[" * 2900).decode()
    with pytest.raises(InvalidToken) as caught:
        key_id_of(f"{deep}.e30.x")
    assert caught.value.reason == "malformed"


@given(st.text() | st.from_regex(r"[\w-]+\.[\w-]+\.[\w-]*", fullmatch=True))
def test_rubbish_raises_nothing_else(token: str) -> None:
    with pytest.raises(InvalidToken):
        verify(token, PUBLIC)


def test_the_length_is_checked_before_anything_else() -> None:
    huge = "a" * 50_000_000
    begun = time.perf_counter()
    with pytest.raises(InvalidToken, match="longer than 4096"):
        key_id_of(huge)
    assert time.perf_counter() - begun < 0.01


def test_the_key_id_is_the_thumbprint_of_rfc_8037() -> None:
    # RFC 8037, appendix A.3
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "use": "sig"}
    assert thumbprint(jwk) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    assert key_id_of(forged()) == KEY.key_id == thumbprint(KEY.jwk)


def test_nothing_private_is_published() -> None:
    assert set(KEY.jwk) == {"kty", "crv", "x", "kid", "alg", "use"}
    assert isinstance(PUBLIC, Ed25519PublicKey)


def test_keys_that_cannot_be_used_are_passed_over() -> None:
    bad: list[Any] = [
        None,
        "key",
        {},
        {**KEY.jwk, "kid": ""},
        {**KEY.jwk, "kid": "a", "alg": "RS256"},
        {**KEY.jwk, "kid": "b", "use": "enc"},
        {**KEY.jwk, "kid": "c", "kty": "oct"},
        {**KEY.jwk, "kid": "d", "x": "too short"},
        {**KEY.jwk, "kid": "e", "x": None},
        {**KEY.jwk, "kid": "f", "crv": "P-256"},
        {name: value for name, value in KEY.jwk.items() if name != "x"},
    ]
    assert set(public_keys({"keys": [*bad, KEY.jwk]})) == {KEY.key_id}
    nothing: list[dict[str, Any]] = [{}, {"keys": None}, {"keys": {}}]
    assert [public_keys(jwks) for jwks in nothing] == [{}, {}, {}]


def test_only_ed25519_signs() -> None:
    with pytest.raises(TypeError, match="not an Ed25519 key"):
        SigningKey(pem_of(generate_private_key(SECP256R1())))
