"""PostgreSQL's cluster, roles and databases: made on the first start, brought into line on every one."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import asyncpg

from stormglass.runtime import servers
from stormglass.runtime.errors import RuntimeFailure
from stormglass.runtime.instance import Instance
from stormglass.runtime.render.files import write_postgres
from stormglass.runtime.render.postgres import databases_of
from stormglass.topology import Kind

SUPERUSER = "postgres"


def initialise(instance: Instance) -> None:
    """Make the cluster unless it exists. It appears in one step, so that an interrupted first start leaves nothing."""
    target = instance.data / "postgres"
    servers.install_postgres(instance.root)
    user = servers.database_user()
    if user is not None:
        _check_passable(instance.root, user)
    if not (target / "PG_VERSION").is_file():
        partial = Path(tempfile.mkdtemp(prefix="postgres-partial-", dir=instance.data))
        try:
            _initdb(instance, partial, user)
            shutil.rmtree(target, ignore_errors=True)
            partial.rename(target)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    write_postgres(instance)


def _initdb(instance: Instance, directory: Path, user: str | None) -> None:
    password = directory.with_name(f"{directory.name}.password")
    password.touch(mode=0o600)
    try:
        password.write_text(instance.secret("postgres", "superuser_password"), encoding="utf-8")
        if user is not None:
            shutil.chown(directory, user)
            shutil.chown(password, user)
        done = subprocess.run(  # noqa: S603 - a program out of the wheel, arguments of ours
            [
                str(servers.postgres(instance.root) / "initdb"),
                f"--pgdata={directory}",
                f"--username={SUPERUSER}",
                f"--pwfile={password}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                # Postgres' own C.UTF-8: minimal systems have no locale of the C library but C
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                "--locale=C",
            ],
            user=user,
            group=_group(user),
            extra_groups=None if user is None else [],
            cwd=instance.data,
            env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    finally:
        password.unlink()
    if done.returncode:
        raise RuntimeFailure(f"initdb failed: {done.stderr.strip()[-800:]}")


def _group(user: str | None) -> int | None:
    if user is None:
        return None
    import pwd

    return pwd.getpwnam(user).pw_gid


def _check_passable(root: Path, user: str) -> None:
    """Postgres' user must be able to walk down to its data; say which directory forbids it."""
    for directory in (root, *root.parents):
        if not directory.stat().st_mode & 0o001:
            raise RuntimeFailure(
                f"PostgreSQL runs as user {user}, who cannot pass through {directory} (mode"
                f" {directory.stat().st_mode & 0o777:04o}): set STORMGLASS_HOME to a directory that everybody may"
                " pass, such as /var/lib/stormglass"
            )


async def connect(instance: Instance, role: str = SUPERUSER, database: str = SUPERUSER) -> Any:
    """A connection past every fault proxy, as the superuser or as a service's role."""
    secret = "superuser_password" if role == SUPERUSER else "database_password"
    service = SUPERUSER if role == SUPERUSER else role
    host, port = instance.endpoint("postgres")
    return await asyncpg.connect(
        host=host,
        port=port,
        user=role,
        password=instance.secret(service, secret),
        database=database,
        ssl=False,
        timeout=5,
        command_timeout=30,
    )


async def provision(instance: Instance) -> None:
    """One role and one database per service; nobody enters another's database. Safe to repeat."""
    connection = await connect(instance)
    try:
        # a statement that fails is logged with its text otherwise, and these hold passwords
        await connection.execute("SET log_min_error_statement = panic")
        roles = [process.name for process in instance.topology.processes if process.database]
        existing = {row["rolname"] for row in await connection.fetch("SELECT rolname FROM pg_roles")}
        for role in roles:
            verb = "ALTER" if role in existing else "CREATE"
            await _run(
                connection, f"{verb} ROLE %I LOGIN PASSWORD %L", role, instance.secret(role, "database_password")
            )
        for process in instance.topology.processes:
            if process.kind is Kind.POSTGRES_EXPORTER:
                verb = "ALTER" if process.name in existing else "CREATE"
                secret = instance.secret(process.name, "database_password")
                await _run(connection, f"{verb} ROLE %I LOGIN PASSWORD %L", process.name, secret)
                # statistics of the whole server, and nobody's rows
                await _run(connection, "GRANT pg_monitor TO %I", process.name)
        databases = {row["datname"] for row in await connection.fetch("SELECT datname FROM pg_database")}
        for role in roles:
            if role not in databases:
                await _run(connection, "CREATE DATABASE %I OWNER %I", role, role)
            await _run(connection, "REVOKE ALL ON DATABASE %I FROM PUBLIC", role)
        for role in roles:
            for database in databases_of(instance.topology, role):
                await _run(connection, "GRANT CONNECT ON DATABASE %I TO %I", database, role)
    finally:
        await connection.close()


async def _run(connection: Any, template: str, *values: str) -> None:
    """Run a statement that takes no parameters of its own; Postgres itself quotes the values."""
    places = ", ".join(f"${number}::text" for number in range(2, len(values) + 2))
    await connection.execute(await connection.fetchval(f"SELECT format($1, {places})", template, *values))
