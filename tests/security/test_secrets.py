"""Secrets: made at the first start, in private files; in no command line, environment or other file; no defaults."""

import socket
import stat
from pathlib import Path

import httpx
import psutil
import pytest

from stormglass.runtime import vault
from stormglass.runtime.instance import Instance
from stormglass.runtime.leftovers import find
from stormglass.testing import Platform
from tests.security.people import Client

pytestmark = pytest.mark.owasp("API8")

DEFAULTS = ("", "admin", "password", "secret", "changeme", "stormglass", "postgres", "redis", "root", "guest", "123456")


def _secrets(instance: Instance) -> dict[str, str]:
    """Every secret by where it lies; of keys, what makes them secret."""
    found: dict[str, str] = {}
    for path in sorted(instance.secrets.rglob("*")):
        if path.is_file():
            text = path.read_text(encoding="utf-8").strip()
            body = "".join(line for line in text.splitlines() if not line.startswith("-----"))
            found[str(path.relative_to(instance.secrets))] = body if "PRIVATE KEY" in text else text
    return {name: text for name, text in found.items() if len(text) >= 32}


def test_every_secret_is_a_file_that_only_its_owner_reads(platform: Platform) -> None:
    instance = platform.instance
    assert len(_secrets(instance)) > 15
    for path in (instance.secrets, *instance.secrets.rglob("*")):
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), f"{path}: {mode:o}"


def test_a_service_is_given_its_own_secrets_only(platform: Platform) -> None:
    found = _secrets(platform.instance)
    signing = {text for name, text in found.items() if "sign" in name}
    assert signing
    for name, text in found.items():
        assert text not in signing or name.startswith("users/"), f"{name} is a key that only users may sign with"
    passwords = [text for name, text in found.items() if name.endswith("database_password")]
    assert len(set(passwords)) == len(passwords)


def test_two_instances_have_no_secret_in_common(platform: Platform, tmp_path: Path) -> None:
    made = []
    for name in ("one", "two"):
        instance = Instance(name, tmp_path, 1024)
        instance.save()
        vault.ensure(instance)
        made.append(set(_secrets(instance).values()))
    made.append(set(_secrets(platform.instance).values()))
    assert all(len(each) > 8 for each in made)
    assert not made[0] & made[1]
    assert not made[0] & made[2]


def test_no_secret_is_in_the_list_of_processes(platform: Platform) -> None:
    known = _secrets(platform.instance)
    processes = find(platform.instance)
    assert len(processes) > 15, [process.name() for process in processes]
    leaks = []
    for process in processes:
        try:
            told = {"command line": " ".join(process.cmdline()), "environment": str(process.environ())}
        except (psutil.NoSuchProcess, psutil.ZombieProcess):  # it ended meanwhile: a postgres backend does
            continue
        leaks += [
            f"{where} of {process.pid}: {name}"
            for where, text in told.items()
            for name, secret in known.items()
            if secret in text
        ]
    assert leaks == []


def test_what_is_rendered_with_a_secret_in_it_is_private_too(platform: Platform) -> None:
    instance, known = platform.instance, _secrets(platform.instance)
    open_to_others = [
        str(path)
        for folder in (instance.config, instance.run, instance.logs)
        for path in folder.rglob("*")
        if path.is_file()
        and stat.S_IMODE(path.stat().st_mode) & 0o077
        and stat.S_IMODE(folder.stat().st_mode) & 0o077
        and any(secret in path.read_text(encoding="utf-8", errors="replace") for secret in known.values())
    ]
    assert open_to_others == []


def test_no_secret_is_in_the_repository(platform: Platform) -> None:
    root = Path(__file__).resolve().parents[2]
    known = _secrets(platform.instance)
    for folder in ("platform", "services", "worker", "chaos", "observability", "docs"):
        for path in (root / folder).rglob("*"):
            if path.is_file() and path.suffix in {".py", ".md", ".yml", ".yaml", ".json", ".toml", ".ini"}:
                text = path.read_text(encoding="utf-8", errors="replace")
                assert not [name for name, secret in known.items() if secret in text], path


@pytest.mark.parametrize("password", DEFAULTS)
def test_the_administrator_has_no_default_password(password: str, edge: Client) -> None:
    body = {"email": "admin@stormglass.local", "password": password}
    assert edge.call("POST", "/tokens", body).status_code in {400, 401}


def _redis(platform: Platform, *commands: bytes) -> bytes:
    host, _, port = platform.address("redis").rpartition(":")
    with socket.create_connection((host, int(port)), 10) as connection:
        connection.sendall(b"".join(command + b"\r\n" for command in commands))
        connection.settimeout(10)
        return connection.recv(4096)


def test_redis_wants_its_password(platform: Platform) -> None:
    assert _redis(platform, b"KEYS *").startswith(b"-NOAUTH")
    for password in DEFAULTS[1:]:
        assert _redis(platform, b"AUTH " + password.encode()).startswith(b"-WRONGPASS")


@pytest.mark.parametrize("role", ["postgres", "users", "orders", "products", "worker"])
async def test_postgres_wants_its_password(role: str, platform: Platform) -> None:
    import asyncpg

    host, _, port = platform.address("postgres").rpartition(":")
    for password in DEFAULTS:
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(host=host, port=int(port), user=role, password=password, database=role)


async def test_a_service_cannot_read_anothers_database(platform: Platform) -> None:
    import asyncpg

    host, _, port = platform.address("postgres").rpartition(":")
    password = platform.secret("products", "database_password")
    with pytest.raises(asyncpg.PostgresError):
        await asyncpg.connect(host=host, port=int(port), user="products", password=password, database="users")


def test_the_process_manager_wants_its_password(platform: Platform) -> None:
    port = platform.instance.manager_port
    for credentials in (None, ("stormglass", ""), ("admin", "admin"), ("user", "123")):
        answer = httpx.post(f"http://127.0.0.1:{port}/RPC2", auth=credentials, content=b"<methodCall/>", timeout=10)
        assert answer.status_code == 401


def test_everything_listens_on_the_loopback_interface_only(platform: Platform) -> None:
    listening = {place for process in find(platform.instance) for place in _listening(process)}
    assert len(listening) > 20
    assert {host for host, _ in listening} <= {"127.0.0.1", "::1"}


def _listening(process: psutil.Process) -> set[tuple[str, int]]:
    try:
        found = process.net_connections("inet")
    except psutil.NoSuchProcess:  # it ended meanwhile
        return set()
    return {(each.laddr.ip, each.laddr.port) for each in found if each.status == psutil.CONN_LISTEN}
