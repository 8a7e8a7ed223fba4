from pathlib import Path

import pytest
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from stormglass import settings
from stormglass.settings import Address, SettingsError


class Example(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="STORMGLASS_EXAMPLE_", frozen=True, hide_input_in_errors=True)

    first: int
    second: str
    third: float = Field(default=1.0, gt=0)


def test_everything_that_is_missing_or_wrong_is_named_in_one_error(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("STORMGLASS_EXAMPLE_FIRST", "s3cret-value")
    environment.setenv("STORMGLASS_EXAMPLE_THIRD", "-1")
    with pytest.raises(SettingsError) as caught:
        settings.read(Example)
    text = str(caught.value)
    assert "STORMGLASS_EXAMPLE_FIRST: Input should be a valid integer" in text
    assert "STORMGLASS_EXAMPLE_SECOND: Field required" in text
    assert "STORMGLASS_EXAMPLE_THIRD: Input should be greater than 0" in text
    assert "s3cret-value" not in text
    assert "\n" not in text


def test_a_process_needs_a_name_and_has_defaults_for_the_rest(environment: pytest.MonkeyPatch) -> None:
    assert settings.process().name == "probe-1"
    assert settings.process() is settings.process(), "the environment is read once"
    environment.delenv("STORMGLASS_SERVICE")
    settings.forget()
    with pytest.raises(SettingsError, match="STORMGLASS_SERVICE: Field required"):
        settings.process()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("STORMGLASS_PORT", "70000"),
        ("STORMGLASS_REPLICA", "0"),
        ("STORMGLASS_LOG_LEVEL", "LOUD"),
        ("STORMGLASS_DRAIN_SECONDS", "-1"),
        ("STORMGLASS_GRACEFUL_SECONDS", "soon"),
    ],
)
def test_a_wrong_value_is_told_by_its_variable(environment: pytest.MonkeyPatch, variable: str, value: str) -> None:
    environment.setenv(variable, value)
    with pytest.raises(SettingsError, match=f"{variable}: "):
        settings.process()


def test_settings_cannot_be_changed(environment: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="frozen"):
        settings.process().port = 1


@pytest.mark.parametrize(
    ("text", "address", "url"),
    [
        ("127.0.0.1:80", Address("127.0.0.1", 80), "http://127.0.0.1:80"),
        ("postgres:5432", Address("postgres", 5432), "http://postgres:5432"),
        ("[::1]:65535", Address("::1", 65535), "http://[::1]:65535"),
    ],
)
def test_addresses(text: str, address: Address, url: str) -> None:
    assert Address.parse(text) == address
    assert address.url == url


@pytest.mark.parametrize(
    "text", ["", "80", ":80", "host", "host:", "host:0", "host:65536", "host:-1", "host:a", "::1:80", "[]:80", "h:٨٠"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="host:port is wanted"):
        Address.parse(text)


def test_an_address_is_looked_up_by_edge(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("STORMGLASS_ADDRESS_MAIL_API", "127.0.0.1:8025")
    assert settings.address("mail-api") == Address("127.0.0.1", 8025)
    assert settings.address_variable("orders:admin") == "STORMGLASS_ADDRESS_ORDERS_ADMIN"
    with pytest.raises(SettingsError, match="'mars': STORMGLASS_ADDRESS_MARS is not set"):
        settings.address("mars")
    environment.setenv("STORMGLASS_ADDRESS_MARS", "nowhere")
    with pytest.raises(SettingsError, match="STORMGLASS_ADDRESS_MARS: 'nowhere' is not an address"):
        settings.address("mars")


def test_secrets_are_files(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    environment.setenv("STORMGLASS_SECRETS_DIR", str(tmp_path))
    (tmp_path / "key").write_text(" hush \n")
    secret = settings.secret("key")
    assert secret.get_secret_value() == "hush"
    assert "hush" not in repr(secret)

    with pytest.raises(SettingsError, match=r"secret 'other': .*other: No such file"):
        settings.secret("other")
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(SettingsError, match=r"secret 'empty': .* is empty"):
        settings.secret("empty")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match=r"secret 'binary': .* is not a text file"):
        settings.secret("binary")
