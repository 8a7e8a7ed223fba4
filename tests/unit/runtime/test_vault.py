"""Secrets: private, one per purpose, shared only where two sides must agree, and never changed."""

import stat

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from stormglass.runtime import keys, vault
from stormglass.runtime.instance import Instance
from stormglass.security import keyring
from stormglass.topology import TOPOLOGY


def test_files_and_directories_are_private(instance: Instance) -> None:
    for path in (instance.secrets, *instance.secrets.rglob("*")):
        wanted = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) == wanted, path


def test_each_database_has_a_password_of_its_own(instance: Instance) -> None:
    roles = [process.name for process in TOPOLOGY.processes if process.database]
    assert roles == ["users", "products", "orders", "worker"]
    assert len({instance.secret(role, "database_password") for role in roles}) == len(roles)


def test_the_identity_key_is_shared_and_the_signing_key_is_not(instance: Instance) -> None:
    who = ("gateway", "users", "products", "orders", "worker")
    assert len({instance.secret(service, "identity_key") for service in who}) == 1
    assert {path.parent.name for path in instance.secrets.rglob("identity_key")} == set(who)
    assert [path.parent.name for path in instance.secrets.rglob("signing_key")] == ["users"]
    key = load_pem_private_key(instance.secret("users", "signing_key").encode(), None)
    assert isinstance(key, Ed25519PrivateKey)


def test_the_first_key_stays_gone_after_a_rotation(instance: Instance) -> None:
    keys.rotate(instance, at_once=True)
    (path,) = keyring.files(keys.directory(instance))
    vault.ensure(instance)
    assert keyring.files(keys.directory(instance)) == [path]
    assert path.name != keyring.FIRST


def test_a_second_start_changes_nothing(instance: Instance) -> None:
    def contents() -> dict[str, str]:
        return {str(path): path.read_text() for path in instance.secrets.rglob("*") if path.is_file()}

    before = contents()
    vault.ensure(instance)
    assert contents() == before
