"""Secrets of an instance, made once: one file each (0600), in a directory per service (0700)."""

import secrets

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from stormglass.runtime.files import private_directory, write_private
from stormglass.runtime.instance import Instance
from stormglass.topology import Kind

IDENTIFIED = ("gateway", "users", "products", "orders", "worker")
"""Who signs or checks the identity that travels between services (HS256: one shared key)."""

REDIS_CLIENTS = ("gateway", "users", "products", "orders", "worker", "redis-exporter")


def ensure(instance: Instance) -> None:
    """Make every secret that does not exist yet; those that do are never changed."""
    for process in instance.topology.processes:
        if process.database or process.kind is Kind.POSTGRES_EXPORTER:
            _once(instance, process.name, "database_password", _random())
    _once(instance, "postgres", "superuser_password", _random())
    _once(instance, "redis", "password", _random())
    _once(instance, "manager", "password", _random())
    _once(instance, "users", "admin_password", _random())
    _once(instance, "users", "signing_key", _ed25519())
    _once(instance, "gateway", "identity_key", _random())
    for service in REDIS_CLIENTS:
        _once(instance, service, "redis_password", instance.secret("redis", "password"))
    for service in IDENTIFIED:
        _once(instance, service, "identity_key", instance.secret("gateway", "identity_key"))


def _once(instance: Instance, service: str, name: str, value: str) -> None:
    path = private_directory(instance.secrets / service) / name
    if not path.exists():
        write_private(path, value + "\n")


def _random() -> str:
    """256 bits in letters that need no quoting anywhere."""
    return secrets.token_urlsafe(32)


def _ed25519() -> str:
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode().strip()
