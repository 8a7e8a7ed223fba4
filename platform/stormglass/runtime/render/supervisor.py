"""supervisord: one program per replica that may ever run; `up` and `scale` decide which of them are started."""

import shlex

from stormglass.runtime import servers
from stormglass.runtime.environment import environment
from stormglass.runtime.errors import RuntimeFailure
from stormglass.runtime.instance import Instance
from stormglass.runtime.network import HOST
from stormglass.runtime.programs import command, directory
from stormglass.topology import Kind, Process

USER = "stormglass"

START_RETRIES = 20
"""Attempts with 1, 2, 3, … seconds between them (3.5 minutes in all) before the keeper is left to try again."""

LOG_BYTES = "10MB"
LOG_BACKUPS = 3


def config(instance: Instance) -> str:
    """`supervisord.conf`; it holds the manager's password, so nobody else may read it."""
    sections = [_manager(instance)]
    for process in instance.topology.processes:
        user = servers.database_user() if process.kind is Kind.POSTGRES else None
        sections += [_program(instance, process, number, user) for number in range(1, process.places + 1)]
    return "\n".join(sections)


def _manager(instance: Instance) -> str:
    return f"""\
; Rendered by `stormglass up`; changes are lost.
[supervisord]
logfile = {_plain(instance.log("manager"))}
logfile_maxbytes = {LOG_BYTES}
logfile_backups = {LOG_BACKUPS}
pidfile = {_plain(instance.run / "manager.pid")}
childlogdir = {_plain(instance.logs)}
identifier = {instance.name}
minfds = 1024

[inet_http_server]
port = {HOST}:{instance.manager_port}
username = {USER}
password = {_plain(instance.secret("manager", "password"))}

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
"""


def _program(instance: Instance, process: Process, number: int, user: str | None) -> str:
    name = process.replica_name(number)
    variables = ",".join(f'{key}="{_plain(text)}"' for key, text in environment(instance, process, number).items())
    lines = [
        f"[program:{name}]",
        f"command = {_plain(shlex.join(command(instance, process, number)), quotes=True)}",
        f"directory = {_plain(directory(instance, process))}",
        f"environment = {variables}",
        "autostart = false",
        "autorestart = true",
        "startsecs = 1",
        f"startretries = {START_RETRIES}",
        # Postgres calls SIGTERM "wait until every client has gone"
        f"stopsignal = {'INT' if process.kind is Kind.POSTGRES else 'TERM'}",
        f"stopwaitsecs = {process.stop_seconds:.0f}",
        "redirect_stderr = true",
        f"stdout_logfile = {_plain(instance.log(name))}",
        f"stdout_logfile_maxbytes = {LOG_BYTES}",
        f"stdout_logfile_backups = {LOG_BACKUPS}",
    ]
    if user:
        lines.append(f"user = {user}")
    return "\n".join(lines) + "\n"


def _plain(value: object, *, quotes: bool = False) -> str:
    """A value as supervisord reads it; `RuntimeFailure` for characters that its format cannot carry."""
    text = str(value)
    if any(letter in text for letter in ("\n", ";", "#", '"')) or ("'" in text and not quotes):
        raise RuntimeFailure(
            f"{text!r} contains a quote, ';' or '#', which the process manager's configuration cannot hold:"
            " move the checkout, or set STORMGLASS_HOME to another directory"
        )
    return text.replace("%", "%%")
