"""Access tokens that were not issued, or not as they stand: forged, spoiled, borrowed, replayed (RFC 8725)."""

import time

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from stormglass.testing import Platform
from tests.security.bait import Bait
from tests.security.forge import Forge
from tests.security.people import Client, Person, problem
from tests.security.spoiled import SPOILED, Spoil, now

pytestmark = pytest.mark.owasp("API2")


@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED)
def test_a_spoiled_token_is_refused_wherever_a_token_is_looked_at(spoil: Spoil, forge: Forge, edge: Client) -> None:
    with edge.bearing(spoil(forge)) as attacker:
        # twice, so that both gateways and whatever they remember have had their say; products need no token at all
        for method, path in (("GET", "/users/me"), ("GET", "/products")) * 2:
            answer = attacker.call(method, path)
            assert answer.status_code == 401, f"{method} {path}: {answer.status_code} {answer.text}"
            assert problem(answer) in {"invalid-token", "unauthenticated"}
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_what_the_forge_makes_is_accepted_as_long_as_it_is_not_spoiled(forge: Forge, edge: Client) -> None:
    good = (
        forge.token(),
        forge.token(nbf=now(-1)),
        forge.token({"typ": "application/at+jwt"}),
        forge.token(aud=["https://elsewhere.example", "https://api.stormglass.local"]),
    )
    for token in good:
        with edge.bearing(token) as owner:
            answer = owner.call("GET", "/users/me")
            assert (answer.status_code, answer.json()["id"]) == (200, forge.subject)


@pytest.mark.owasp("API7")
@pytest.mark.parametrize("name", ["jku", "x5u", "kid", "iss"])
@pytest.mark.parametrize("whose", ["the platform's", "a stranger's"])
def test_an_address_in_a_token_is_never_visited(name: str, whose: str, forge: Forge, edge: Client, bait: Bait) -> None:
    signer = forge if whose == "the platform's" else Forge(Ed25519PrivateKey.generate(), forge.key_id, forge.subject)
    url = f"{bait.url}/.well-known/jwks.json"
    token = signer.token(iss=url) if name == "iss" else signer.token({name: url})
    with edge.bearing(token) as attacker:
        for _ in range(4):
            assert attacker.call("GET", "/users/me").status_code == 401
    time.sleep(0.2)
    assert bait.visits == []


def test_the_bait_would_have_noticed(bait: Bait) -> None:
    # it hangs up without an answer
    with pytest.raises(httpx.RemoteProtocolError), Client(bait.url) as visitor:
        visitor.call("GET", "/")
    assert len(bait.visits) == 1
    bait.visits.clear()


def test_an_identity_of_the_inside_is_no_token_and_a_token_no_identity(
    platform: Platform, edge: Client, customer: Person
) -> None:
    inside = platform.identity(customer.id, ("profile:read", "admin"))
    with edge.bearing(inside) as attacker:
        assert attacker.call("GET", "/users/me").status_code == 401
    # past the gateway, where a token is sent under the identity's name
    with Client(f"http://{platform.address('users')}") as nearer:
        for name, value in (("X-Stormglass-Identity", customer.token), ("Authorization", f"Bearer {customer.token}")):
            assert nearer.call("GET", "/users/me", headers={name: value}).status_code == 401
        assert nearer.call("GET", "/users/me", headers={"X-Stormglass-Identity": inside}).status_code == 200


@pytest.mark.parametrize("spelling", ["none", "HS256"])
def test_an_identity_of_the_inside_cannot_be_forged_either(spelling: str, platform: Platform, customer: Person) -> None:
    claims = {
        "sub": "service:gateway",
        "scope": "admin",
        "iss": "gateway",
        "aud": "stormglass-internal",
        "exp": now(60),
    }
    forged = jwt.encode(claims, "" if spelling == "none" else "x" * 32, algorithm=spelling)
    with Client(f"http://{platform.address('users')}") as nearer:
        answer = nearer.call("GET", f"/users/{customer.id}/contact", headers={"X-Stormglass-Identity": forged})
    assert (answer.status_code, problem(answer)) == (401, "invalid-identity")


def test_a_token_opens_its_own_account_only(customer: Person, stranger: Person) -> None:
    for person in (customer, stranger):
        assert person.call("GET", "/users/me").json()["id"] == person.id


@pytest.mark.parametrize(
    "header",
    ["Basic dTpw", "Bearer", "bearer  \t x", "Token {}", "{}", "Bearer {},Bearer {}", "Bearer {} x"],
)
def test_other_ways_to_write_the_header(header: str, customer: Person, edge: Client) -> None:
    value = header.replace("{}", customer.token)
    with edge.holding(authorization=value) as attacker:
        assert attacker.call("GET", "/users/me").status_code == 401


def test_two_headers_or_a_token_elsewhere_do_not_count(customer: Person, edge: Client) -> None:
    bearer = ("Authorization", f"Bearer {customer.token}")
    two = edge.call("GET", "/users/me", headers=[bearer, bearer])
    assert two.status_code == 400
    assert edge.call("GET", f"/users/me?access_token={customer.token}").status_code == 401
    assert edge.call("GET", "/users/me", headers={"X-Authorization": bearer[1]}).status_code == 401
    assert edge.call("GET", "/users/me", headers={"Cookie": f"access_token={customer.token}"}).status_code == 401


def test_only_public_halves_are_published(edge: Client) -> None:
    published = edge.call("GET", "/.well-known/jwks.json").json()["keys"]
    assert published
    for key in published:
        assert (key["kty"], key["alg"], key["use"]) == ("OKP", "EdDSA", "sig")
        assert not set(key) & {"d", "p", "q", "k"}, "the private half is published"
