"""Whether a replica is ready, why not, and which version answers: asked of itself, over its own protocol."""

import asyncio
import json
import platform
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from stormglass.runtime.instance import Instance
from stormglass.runtime.network import HostPort
from stormglass.topology import Kind, Process

SECONDS = 2.0
"""Longest wait for one answer."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """An answer: `reason` says why it is not ready, `version` is the server's own word for what it is."""

    ready: bool
    reason: str = ""
    version: str = ""


async def ask(instance: Instance, process: Process, number: int = 1) -> Readiness:
    """Ask one replica; anything but a good answer in time is "not ready" with the reason."""
    try:
        async with asyncio.timeout(SECONDS):
            return await _ask(instance, process, number)
    except TimeoutError:
        reason = f"no answer within {SECONDS:g} s"
    except ConnectionRefusedError:
        reason = "not listening"
    except (OSError, ValueError, EOFError) as error:
        reason = f"{type(error).__name__}: {error}"[:200]
    return Readiness(ready=False, reason=reason)


async def _ask(instance: Instance, process: Process, number: int) -> Readiness:
    if process.kind in _AT_AN_ADDRESS:
        return await _AT_AN_ADDRESS[process.kind](instance.endpoint(process.endpoints[0].label, number))
    match process.kind:
        case Kind.POSTGRES:
            answer = _postgres(instance)
        case Kind.REDIS:
            answer = _redis(instance)
        case Kind.TRAEFIK:
            answer = _traefik(instance.endpoint(f"{process.name}:admin"))
        case Kind.FAULTPROXY:
            answer = _faultproxy(instance)
        case _:
            answer = _ours(instance.endpoint(f"{process.name}:admin", number))
    return await answer


async def http_get(at: HostPort, path: str) -> tuple[int, bytes]:
    """Status and body at an endpoint. HTTP/1.0: the answer ends with the connection, nothing is chunked."""
    reader, writer = await asyncio.open_connection(*at)
    try:
        writer.write(f"GET {path} HTTP/1.0\r\nHost: {at[0]}:{at[1]}\r\nAccept: */*\r\n\r\n".encode())
        answer = await reader.read()
    finally:
        writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split(b" ", 2)[1]) if head.count(b" ") else 0, body


async def http_json(at: HostPort, path: str) -> Any:
    """The JSON document at an endpoint; `ValueError` if there is none."""
    status, body = await http_get(at, path)
    if status != 200:
        raise ValueError(f"{path} answers {status}")
    return json.loads(body)


async def _ours(at: HostPort) -> Readiness:
    status, body = await http_get(at, "/readyz")
    version = f"Python {platform.python_version()}"
    if status == 200:
        return Readiness(ready=True, version=version)
    try:
        problems = json.loads(body)["problems"]
        reason = "; ".join(f"{name}: {text}" for name, text in problems.items())
    except (ValueError, KeyError, AttributeError, TypeError):
        reason = ""
    return Readiness(ready=False, reason=reason or f"/readyz answers {status}", version=version)


async def _traefik(at: HostPort) -> Readiness:
    status, _ = await http_get(at, "/ping")
    if status != 200:
        return Readiness(ready=False, reason=f"/ping answers {status}")
    version = await http_json(at, "/api/version")
    return Readiness(ready=True, version=f"Traefik {version['Version']}")


async def _prometheus(at: HostPort) -> Readiness:
    status, body = await http_get(at, "/-/ready")
    if status != 200:
        return Readiness(ready=False, reason=body.decode(errors="replace").strip()[:100])
    info = await http_json(at, "/api/v1/status/buildinfo")
    return Readiness(ready=True, version=f"Prometheus {info['data']['version']}")


async def _alertmanager(at: HostPort) -> Readiness:
    status, body = await http_get(at, "/-/ready")
    if status != 200:
        return Readiness(ready=False, reason=body.decode(errors="replace").strip()[:100])
    info = await http_json(at, "/api/v2/status")
    return Readiness(ready=True, version=f"Alertmanager {info['versionInfo']['version']}")


async def _exporter(at: HostPort, up: str) -> Readiness:
    """Ready if it answers; that its server does not is what it is there to tell."""
    status, body = await http_get(at, "/metrics")
    if status != 200:
        return Readiness(ready=False, reason=f"/metrics answers {status}")
    if f"\n{up} ".encode() not in body:
        return Readiness(ready=False, reason=f"/metrics has no {up}")
    return Readiness(ready=True)


async def _faultproxy(instance: Instance) -> Readiness:
    """Ready with a proxy for every edge: a disabled one is a fault that somebody asked for."""
    at = instance.endpoint("toxiproxy")
    present = await http_json(at, "/proxies")
    missing = [edge.name for edge in instance.edges() if edge.name not in present]
    if missing:
        return Readiness(ready=False, reason=f"{len(missing)} edges have no proxy: {', '.join(missing[:3])}")
    version = (await http_json(at, "/version"))["version"]
    _, metrics = await http_get(at, "/metrics")
    # the one thing in which ours and the real one are meant to differ
    name = "own, as Toxiproxy" if b'path="chaos.faultproxy"' in metrics else "Toxiproxy"
    return Readiness(ready=True, version=f"{name} {version}")


async def _mailpit(at: HostPort) -> Readiness:
    status, _ = await http_get(at, "/readyz")
    if status != 200:
        return Readiness(ready=False, reason=f"/readyz answers {status}")
    return Readiness(ready=True, version=f"Mailpit {(await http_json(at, '/api/v1/info'))['Version']}")


async def _tempo(at: HostPort) -> Readiness:
    status, body = await http_get(at, "/ready")
    if status != 200:
        return Readiness(ready=False, reason=body.decode(errors="replace").strip()[:100] or f"/ready answers {status}")
    return Readiness(ready=True, version=f"Tempo {(await http_json(at, '/api/status/buildinfo'))['version']}")


async def _postgres(instance: Instance) -> Readiness:
    import asyncpg

    from stormglass.runtime.provision import connect

    try:
        connection = await connect(instance)
    except asyncpg.PostgresError as error:
        return Readiness(ready=False, reason=str(error))
    try:
        version = await connection.fetchval("SHOW server_version")
    finally:
        await connection.close()
    return Readiness(ready=True, version=f"PostgreSQL {version}")


async def _redis(instance: Instance) -> Readiness:
    import redis.asyncio
    from redis.exceptions import RedisError

    host, port = instance.endpoint("redis")
    client = redis.asyncio.Redis(
        host=host, port=port, password=instance.secret("redis", "password"), socket_timeout=SECONDS
    )
    try:
        # ConnectionError is "refused"; BusyLoading means that it still reads its append-only file
        info = await client.info("server")
    except RedisError as error:
        return Readiness(ready=False, reason=str(error)[:200])
    finally:
        await client.aclose()
    return Readiness(ready=True, version=f"Valkey {info.get('valkey_version', info['redis_version'])}")


_AT_AN_ADDRESS: Mapping[Kind, Callable[[HostPort], Awaitable[Readiness]]] = {
    Kind.PROMETHEUS: _prometheus,
    Kind.ALERTMANAGER: _alertmanager,
    Kind.POSTGRES_EXPORTER: partial(_exporter, up="pg_up"),
    Kind.REDIS_EXPORTER: partial(_exporter, up="redis_up"),
    Kind.MAILPIT: _mailpit,
    Kind.TEMPO: _tempo,
}
"""Those of which nothing has to be known but where they are."""
