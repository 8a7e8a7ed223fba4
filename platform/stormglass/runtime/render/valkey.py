"""Valkey: loopback only, a password, persistent, and never evicting the queue."""

from stormglass.runtime.instance import Instance
from stormglass.runtime.network import HOST


def config(instance: Instance) -> str:
    """`valkey.conf`; it holds the password, so nobody else may read it."""
    return f"""\
# Rendered by `stormglass up`; changes are lost.
bind {HOST}
protected-mode yes
port {instance.port("redis")}
requirepass {instance.secret("redis", "password")}
dir "{instance.data / "redis"}"
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
maxmemory 256mb
maxmemory-policy noeviction
tcp-keepalive 30
"""
