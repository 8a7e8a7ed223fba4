"""The native stack: what it listens on, what it says about itself; killed servers come back with their data."""

import asyncio
import contextlib
import json
import signal
from typing import Any

import psutil
import pytest
import redis.asyncio

from stormglass.runtime.probe import http_get
from stormglass.runtime.provision import connect
from stormglass.testing import eventually


def _redis(servers: Any) -> redis.asyncio.Redis:
    password = servers.instance.secret("redis", "password")
    return redis.asyncio.Redis(host="127.0.0.1", port=servers.instance.port("redis"), password=password)


def test_nothing_is_reachable_from_outside(servers: Any) -> None:
    addresses: list[Any] = []
    for process in servers.processes():
        # Postgres' children come and go
        with contextlib.suppress(psutil.NoSuchProcess):
            connections = process.net_connections(kind="tcp")
            addresses += [each.laddr for each in connections if each.status == psutil.CONN_LISTEN]
    ports = {address.port for address in addresses}
    assert {address.ip for address in addresses} == {"127.0.0.1"}
    for label in ("edge", "internal", "edge:admin", "postgres", "redis", "keeper:admin"):
        assert servers.instance.port(label) in ports


def test_no_secret_stands_in_a_command_line(servers: Any) -> None:
    secrets = [path.read_text().strip() for path in servers.instance.secrets.rglob("*") if path.is_file()]
    for process in servers.processes():
        line = ""
        with contextlib.suppress(psutil.NoSuchProcess):
            line = " ".join(process.cmdline())
        assert not [secret for secret in secrets if secret in line], line


def test_status_tells_state_version_memory_and_restarts(servers: Any) -> None:
    status = servers.status()
    assert status["state"] == "up"
    rows = {row["replica"]: row for row in status["rows"]}
    assert set(rows) == {"edge", "keeper", "faultproxy", "postgres", "redis", "manager"}
    assert rows["postgres"]["version"].startswith("PostgreSQL 18.")
    assert rows["redis"]["version"].startswith("Valkey 9.")
    assert rows["edge"]["version"].startswith("Traefik 3.7.")
    assert all(row["ready"] and row["memory_bytes"] > 0 for row in rows.values())
    assert status["memory_bytes"] == sum(row["memory_bytes"] for row in rows.values())


async def test_the_balancer_hides_its_own_pages_from_the_edge(servers: Any) -> None:
    instance = servers.instance
    for path in ("/api/version", "/dashboard/", "/metrics", "/ping"):
        assert (await http_get(instance.endpoint("edge:admin"), path))[0] == 200
        for label in ("edge", "internal"):
            status, body = await http_get(instance.endpoint(label), path)
            assert status in {404, 503}, (label, path)
            assert b"Version" not in body


async def test_the_keeper_publishes_what_the_manager_knows(servers: Any) -> None:
    keeper = servers.instance.endpoint("keeper:admin")
    assert (await http_get(keeper, "/livez"))[0] == 200

    def metrics() -> bytes:
        return asyncio.run(http_get(keeper, "/metrics"))[1]

    await asyncio.to_thread(eventually, lambda: b'stormglass_process_up{process="postgres"} 1.0' in metrics())


@pytest.mark.parametrize("name", ["postgres", "redis", "edge", "keeper", "faultproxy"])
async def test_a_killed_server_comes_back_with_its_data(servers: Any, name: str) -> None:
    connection = await connect(servers.instance, "users", "users")
    await connection.execute("CREATE TABLE IF NOT EXISTS survives (name text PRIMARY KEY)")
    await connection.execute("INSERT INTO survives VALUES ($1)", name)
    await connection.close()
    async with _redis(servers) as client:
        await client.set(f"survives:{name}", "yes")
    before = servers.row(name)

    servers.run("kill", name, "--signal", "KILL")

    def back() -> bool:
        row = servers.row(name)
        return bool(row["ready"] and row["pid"] != before["pid"])

    await asyncio.to_thread(eventually, back, seconds=60)
    # a postmaster that is started while a child of the killed one holds its memory ends once more
    assert servers.row(name)["restarts"] >= before["restarts"] + 1
    connection = await connect(servers.instance, "users", "users")
    assert await connection.fetchval("SELECT count(*) FROM survives WHERE name = $1", name) == 1
    await connection.close()
    async with _redis(servers) as client:
        assert await client.get(f"survives:{name}") == b"yes"


async def test_a_frozen_server_is_not_ready_until_it_goes_on(servers: Any) -> None:
    servers.run("kill", "redis", "--signal", "STOP")
    try:
        row = servers.row("redis")
        assert not row["ready"]
        assert "no answer" in row["reason"] or "Timeout" in row["reason"]
    finally:
        servers.run("kill", "redis", "--signal", "CONT")
    await asyncio.to_thread(eventually, lambda: servers.row("redis")["ready"])


def test_restart_gives_a_new_process(servers: Any) -> None:
    before = servers.row("redis")["pid"]
    servers.run("restart", "redis")
    assert servers.row("redis")["pid"] != before


def test_a_misspelt_name_is_an_error_that_helps(servers: Any) -> None:
    for command in (("restart", "postgrse"), ("kill", "postgrse"), ("logs", "postgrse")):
        _, err = servers.run(*command, code=1)
        assert "did you mean postgres?" in err
    _, err = servers.run("kill", "redis", "--signal", "NONSENSE", code=1)
    assert "no signal" in err


def test_logs_of_all_servers_are_read_as_json(servers: Any) -> None:
    out, _ = servers.run("logs", "--json", "-n", "100000")
    lines = [json.loads(line) for line in out.splitlines()]
    assert any("starting PostgreSQL 18" in line.get("event", "") for line in lines)
    assert any("Ready to accept connections" in line.get("event", "") for line in lines)


def test_logs_follow(servers: Any) -> None:
    follower = servers.start("logs", "redis", "-f", "-n", "1")
    try:
        servers.run("restart", "redis")
        assert follower.stdout is not None
        seen = ""
        while "Ready to accept connections" not in seen:  # the suite's time limit ends a follower that says nothing
            seen = follower.stdout.readline()
    finally:
        follower.send_signal(signal.SIGINT)
        follower.communicate(timeout=20)
    assert follower.returncode == 130


def test_doctor_finds_nothing_wrong(servers: Any) -> None:
    out, _ = servers.run("doctor", "--json")
    findings = {finding["subject"]: finding for finding in json.loads(out)}
    assert {"Python", "PostgreSQL", "Valkey", "Traefik", "disk", "memory", "instance"} <= set(findings)
    assert all(finding["ok"] or finding["optional"] for finding in findings.values())
