import time
import uuid
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aiohttp
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import SecretStr

from stormglass.runtime.ports import free_port
from stormglass.security.opaque import ApiKey, new_secret
from stormglass.security.tokens import SigningKey
from tests.integration.gateway.native import Gateway, valkey
from tests.integration.gateway.standin import StandIn, serve

USER_SCOPES = ("account", "orders:read", "orders:write", "profile:read")
Issue = Callable[..., dict[str, str]]
Credential = Callable[..., dict[str, str]]


def new_key() -> SigningKey:
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return SigningKey(SecretStr(pem.decode()))


@pytest.fixture(scope="session")
async def redis_port(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[int]:
    port = free_port()
    async with valkey(port, tmp_path_factory.mktemp("valkey")):
        yield port


@pytest.fixture(scope="session")
async def standin_port() -> int:
    return free_port()


@pytest.fixture(scope="session")
async def standin(standin_port: int) -> AsyncIterator[StandIn]:
    standin = StandIn()
    standin.keys = [new_key()]
    async with serve(standin, standin_port):
        yield standin


@pytest.fixture(scope="session")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("gateways")


@pytest.fixture(scope="session")
async def gateway(directory: Path, standin: StandIn, standin_port: int, redis_port: int) -> AsyncIterator[Gateway]:
    """A gateway that nobody's limit bothers."""
    gateway = Gateway(
        directory, internal=standin_port, redis=redis_port, traces=standin_port, rate=1_000_000, redis_seconds=10.0
    )
    async with gateway.run():
        await gateway.ready()
        yield gateway


@pytest.fixture(scope="session")
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    timeout = aiohttp.ClientTimeout(total=60)
    async with aiohttp.ClientSession(auto_decompress=False, timeout=timeout) as session:
        yield session


@pytest.fixture
def bearer(standin: StandIn) -> Issue:
    def issue(
        subject: str = "",
        scopes: tuple[str, ...] = USER_SCOPES,
        lifetime: int = 600,
        login_id: uuid.UUID | None = None,
    ) -> dict[str, str]:
        who = subject or f"user-{time.monotonic_ns()}"
        token = standin.keys[0].issue(who, scopes, lifetime=lifetime, login_id=login_id)
        return {"Authorization": f"Bearer {token}"}

    return issue


@pytest.fixture
def credential(standin: StandIn) -> Credential:
    """Makes a session or an API key that the users service knows; what a client sends to show it."""

    def make(kind: str, subject: str = "", scopes: tuple[str, ...] = USER_SCOPES) -> dict[str, str]:
        secret = new_secret() if kind == "session" else str(ApiKey.new())
        standin.credentials[secret] = {
            "kind": kind,
            "subject": subject or f"user-{time.monotonic_ns()}",
            "scopes": list(scopes),
            "credential": f"{'login' if kind == 'session' else 'key'}:{uuid.uuid4()}",
            "expires_at": time.time() + 3600,
        }
        return {"Cookie": f"__Host-session={secret}"} if kind == "session" else {"X-API-Key": secret}

    return make
