"""Valkey or Redis: a password, persistent, and never evicting the queue; natively on the loopback only."""

from stormglass.runtime.instance import Instance

IMAGE_DATA = "/data"
"""Where the container images keep what they keep."""

REQUIREPASS_FILE = "requirepass.conf"
"""In containers the configuration is in the repository, and the password in a file of the service's secrets."""

MEMORY_MB = {True: 256, False: 40}
"""Natively, and in a container of 56 MiB."""


def config(instance: Instance) -> str:
    """`valkey.conf`; natively it holds the password, so nobody else may read it."""
    return f"""\
# Rendered by stormglass; changes are lost.
bind {instance.network.listen_host}
protected-mode yes
port {instance.port("redis")}
{_password(instance)}
dir "{instance.data / "redis" if instance.managed else IMAGE_DATA}"
daemonize no
supervised no
# the title would overwrite the environment, by which leftovers are recognised
set-proc-title no

# Every write is in the kernel before it is acknowledged, so a job survives a kill of this server. A power cut may take
# the last second: `always` would put an fsync into every rate-limited request. The outbox row in Postgres is what
# survives that, and is enqueued again (same job id) when nobody marked it done.
appendonly yes
appendfsync everysec
aof-load-truncated yes
save ""

# Cache entries have a time to live; jobs have none and must not be evicted to make room.
maxmemory {MEMORY_MB[instance.managed]}mb
maxmemory-policy noeviction
tcp-keepalive 30
"""


def _password(instance: Instance) -> str:
    if instance.managed:
        return requirepass(instance)
    return f"include {instance.secrets / 'redis' / REQUIREPASS_FILE}"


def requirepass(instance: Instance) -> str:
    """The line with the password."""
    return f"requirepass {instance.secret('redis', 'password')}"
