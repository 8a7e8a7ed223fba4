import base64
import json
import time

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from stormglass.security import identity
from stormglass.security.identity import Identity, InvalidIdentity, sign, verify

KEY = SecretStr("k" * 64)
CLAIMS = {"sub": "u1", "scope": "a", "iss": "gateway", "aud": "stormglass-internal", "exp": 4102444800}


def forged(**changed: object) -> str:
    claims = {name: value for name, value in {**CLAIMS, **changed}.items() if value is not None}
    return jwt.encode(claims, KEY.get_secret_value(), algorithm="HS256")


def segment(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@given(
    subject=st.text(min_size=1, max_size=50),
    scopes=st.frozensets(st.text("abc:", min_size=1, max_size=9)),
    issuer=st.text(min_size=1, max_size=20),
    credential=st.sampled_from(["", "login:5d0e8a52-4f0c-4f2f-9a2e-111111111111"]),
)
def test_what_is_signed_is_what_is_verified(subject: str, scopes: frozenset[str], issuer: str, credential: str) -> None:
    given_identity = Identity(subject, scopes, issuer, credential)
    assert verify(sign(given_identity, KEY), KEY) == given_identity


def test_a_process_calling_for_itself_is_told_from_a_user() -> None:
    assert Identity("service:worker").is_service
    assert not Identity("7b0c").is_service


def test_the_helper_that_forges_would_pass_if_nothing_were_changed() -> None:
    assert verify(forged(), KEY) == Identity("u1", frozenset({"a"}), "gateway")


@pytest.mark.parametrize(
    "value",
    [
        "",
        "x",
        "a.b.c",
        forged(exp=int(time.time()) - 10),
        forged(exp=None),
        forged(aud="https://api.stormglass.local"),
        forged(aud=None),
        forged(sub=None),
        forged(sub=7),
        forged(iss=None),
        forged(nbf=4102444800),
        jwt.encode(CLAIMS, KEY.get_secret_value(), algorithm="HS512"),
        f"{segment({'alg': 'none'})}.{segment(CLAIMS)}.",
        f"{segment({'alg': 'none'})}.{segment(CLAIMS)}.{forged().rpartition('.')[2]}",
    ],
)
def test_what_is_not_ours_or_too_old_is_refused(value: str) -> None:
    with pytest.raises(InvalidIdentity):
        verify(value, KEY)


def test_what_somebody_else_signed_is_refused() -> None:
    # signed when it is looked at, or it would be refused for its age
    with pytest.raises(InvalidIdentity):
        verify(sign(Identity("u1"), SecretStr("other" * 8)), KEY)


def test_one_changed_character_is_enough() -> None:
    head, body, signature = sign(Identity("u1"), KEY).split(".")
    other = segment({**CLAIMS, "sub": "service:gateway"})
    for value in (f"{head}.{other}.{signature}", f"{head}.{body}.{signature[::-1]}", f"{head}.{body}."):
        with pytest.raises(InvalidIdentity):
            verify(value, KEY)


def test_deeply_nested_json_is_refused_like_any_other_rubbish() -> None:
    deep = base64.urlsafe_b64encode(b"[" * 100_000).decode()
    with pytest.raises(InvalidIdentity):
        verify(f"{deep}.{deep}.x", KEY)


@given(st.text() | st.from_regex(r"[\w-]+\.[\w-]+\.[\w-]*", fullmatch=True))
def test_rubbish_raises_nothing_else(value: str) -> None:
    with pytest.raises(InvalidIdentity):
        verify(value, KEY)


def test_it_lasts_a_minute() -> None:
    claims = jwt.decode(sign(Identity("u1"), KEY), options={"verify_signature": False})
    assert abs(claims["exp"] - time.time() - identity.LIFETIME_SECONDS) < 5
