import json

import msgspec
import pytest

from services.users.schemas import Registration


def body(**changes: object) -> bytes:
    return json.dumps({"email": "ada@example.org", "password": "12345678", "name": "Ada", **changes}).encode()


@pytest.mark.parametrize(
    "email", ["a@b.co", "ada+weather@mail.example.org", "o'brien@example.ie", f"{'a' * 64}@example.org"]
)
def test_addresses_that_are_taken(email: str) -> None:
    assert msgspec.json.decode(body(email=email), type=Registration).email == email


@pytest.mark.parametrize(
    "email",
    [
        "ada",
        "ada@",
        "@example.org",
        "ada@example",
        "ada@-x.org",
        "a da@example.org",
        "ada@example.org\n",
        "äda@example.org",
        f"{'a' * 65}@example.org",
        f"a@{'b' * 63}.{'c' * 63}.{'d' * 63}.{'e' * 63}.org",
        "a@b.org\x00",
        "a@b.org, c@d.org",
    ],
)
def test_addresses_that_are_refused(email: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(body(email=email), type=Registration)


@pytest.mark.parametrize(("length", "fits"), [(7, False), (8, True), (128, True), (129, False)])
def test_the_length_of_a_password(length: int, *, fits: bool) -> None:
    try:
        msgspec.json.decode(body(password="p" * length), type=Registration)
    except msgspec.ValidationError:
        assert not fits
    else:
        assert fits


def test_unknown_fields_are_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="is_admin"):
        msgspec.json.decode(body(is_admin=True), type=Registration)


@pytest.mark.parametrize("name", ["", "Ada\n", "A\x00da", "a" * 101])
def test_names_that_are_refused(name: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(body(name=name), type=Registration)
