"""Secrets of an instance, made once: one file each (0600), in a directory per service (0700)."""

import secrets

from stormglass.runtime.files import private_directory, write_private
from stormglass.runtime.instance import Instance
from stormglass.security import keyring
from stormglass.topology import Kind, Process, Topology


def identified(topology: Topology) -> list[str]:
    """Who signs or checks the identity that travels between services (HS256: one shared key)."""
    return [process.name for process in topology.processes if process.paths or _uses(process, "internal")]


def _uses(process: Process, label: str) -> bool:
    return any(use.label == label for use in process.uses)


def ensure(instance: Instance) -> None:
    """Make every secret that does not exist yet; those that do are never changed."""
    for process in instance.topology.processes:
        if process.database or process.kind is Kind.POSTGRES_EXPORTER:
            _once(instance, process.name, "database_password", _random())
    _once(instance, "postgres", "superuser_password", _random())
    _once(instance, "redis", "password", _random())
    if instance.managed:
        _once(instance, "manager", "password", _random())
    _once(instance, "users", "admin_password", _random())
    _first_signing_key(instance)
    _once(instance, "gateway", "identity_key", _random())
    for process in instance.topology.processes:
        if _uses(process, "redis"):
            _once(instance, process.name, "redis_password", instance.secret("redis", "password"))
    for service in identified(instance.topology):
        _once(instance, service, "identity_key", instance.secret("gateway", "identity_key"))


def _once(instance: Instance, service: str, name: str, value: str) -> None:
    path = private_directory(instance.secrets / service) / name
    if not path.exists():
        write_private(path, value + "\n")


def _random() -> str:
    """256 bits in letters that need no quoting anywhere."""
    return secrets.token_urlsafe(32)


def _first_signing_key(instance: Instance) -> None:
    """After a rotation the first key is gone for good: it must not come back beside its successors."""
    directory = private_directory(instance.secrets / "users")
    if not keyring.files(directory):
        write_private(directory / keyring.FIRST, keyring.new_pem())
