"""PostgreSQL: who may enter which database, how it keeps what it was told, and schema that can be prepared twice."""

import asyncio
import os
import pwd
import subprocess
import sys
from typing import Any

import asyncpg
import pytest

from stormglass.runtime import servers as programs
from stormglass.runtime.environment import environment
from stormglass.runtime.migrate import scripts
from stormglass.runtime.provision import connect, provision
from stormglass.topology import TOPOLOGY

ROLES = [process.name for process in TOPOLOGY.processes if process.database]
DATABASES = [*ROLES, "postgres", "template1"]
ALLOWED = {(role, role) for role in ROLES} | {("worker", "orders")}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("database", DATABASES)
async def test_a_role_enters_its_own_database_and_no_other(servers: Any, role: str, database: str) -> None:
    if (role, database) in ALLOWED:
        connection = await connect(servers.instance, role, database)
        assert await connection.fetchval("SELECT current_user") == role
        await connection.close()
    else:
        with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError, match=r"no pg_hba\.conf entry"):
            await connect(servers.instance, role, database)


async def test_the_privileges_alone_would_keep_roles_out_too(servers: Any) -> None:
    """Two locks: what `pg_hba.conf` refuses, the privilege to connect refuses as well."""
    connection = await connect(servers.instance)
    for role in ROLES:
        for database in ROLES:
            may = await connection.fetchval("SELECT has_database_privilege($1, $2, 'CONNECT')", role, database)
            assert may is ((role, database) in ALLOWED), (role, database)
    await connection.close()


async def test_a_wrong_password_is_refused(servers: Any) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(
            host="127.0.0.1",
            port=servers.instance.port("postgres"),
            user="users",
            database="users",
            password="wrong",
            ssl=False,
        )


async def test_it_is_durable_and_runs_without_privileges(servers: Any) -> None:
    connection = await connect(servers.instance)
    for setting in ("fsync", "synchronous_commit", "full_page_writes", "data_checksums"):
        assert await connection.fetchval(f"SHOW {setting}") == "on"
    roles = await connection.fetch("SELECT rolname FROM pg_roles WHERE rolsuper OR rolcreaterole OR rolcreatedb")
    await connection.close()
    assert [role["rolname"] for role in roles] == ["postgres"]
    owner = next(p for p in servers.processes() if p.name() == "postgres").username()
    assert owner == (programs.database_user() or pwd.getpwuid(os.geteuid()).pw_name)


async def test_provisioning_twice_at_once_changes_nothing(servers: Any) -> None:
    before = await _databases(servers)
    for _ in range(2):
        await provision(servers.instance)
    assert await _databases(servers) == before


async def _databases(servers: Any) -> list[tuple[str, str]]:
    connection = await connect(servers.instance)
    rows = await connection.fetch("SELECT datname, datacl::text FROM pg_database ORDER BY 1")
    await connection.close()
    return [tuple(row) for row in rows]


@pytest.mark.parametrize("service", ROLES)
async def test_migrations_may_run_twice_and_concurrently(servers: Any, service: str) -> None:
    versions = scripts(TOPOLOGY[service].migrations)
    assert versions is not None, f"{service} has no migrations"
    connection = await connect(servers.instance, service, service)
    await connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    for _ in range(2):
        codes = await asyncio.gather(*(_migrate(servers, service) for _ in range(3)))
        assert codes == [0, 0, 0]
        revisions = await connection.fetch("SELECT version_num FROM alembic_version")
        assert len(revisions) == 1
        assert any(f'"{revisions[0]["version_num"]}"' in path.read_text() for path in versions.glob("*.py"))
    tables = await connection.fetchval("SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'")
    await connection.close()
    assert tables > 1


async def _migrate(servers: Any, service: str) -> int:
    instance = servers.instance
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "stormglass.runtime.migrate",
        env={**os.environ, **environment(instance, TOPOLOGY[service], 1)},
    )
    async with asyncio.timeout(60):
        return await process.wait()


def test_the_database_user_cannot_read_secrets(servers: Any) -> None:
    """As root, Postgres runs as somebody else, who passes through the instance's directory and sees nothing of it."""
    user = programs.database_user()
    secret = servers.instance.secrets / "users" / "signing_key"
    assert secret.stat().st_mode & 0o077 == 0
    for path in (secret, servers.instance.config / "valkey.conf", servers.instance.directory):
        reader = ["cat", str(path)] if path.is_file() else ["ls", str(path)]
        done = subprocess.run(
            reader, user=user, extra_groups=None if user is None else [], capture_output=True, check=False
        )
        assert (done.returncode != 0) is (user is not None)
