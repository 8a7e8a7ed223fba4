"""`python -m stormglass.containers.secrets`: make every service's secrets, each in the volume of that service.

Runs before anything else at every `docker compose up`; what exists is never changed.
"""

from pathlib import Path

from stormglass.containers.contained import contained
from stormglass.runtime import vault
from stormglass.runtime.files import write_private
from stormglass.runtime.instance import Instance
from stormglass.runtime.render import exporters, valkey

OF_OTHERS = ("postgres", "redis", "postgres-exporter", "redis-exporter")
"""Services whose image runs as a user of its own: nobody but their container sees the volume, so all in it may read."""


def write(instance: Instance) -> None:
    """Make what is missing."""
    vault.ensure(instance)
    write_private(instance.secrets / "redis" / valkey.REQUIREPASS_FILE, valkey.requirepass(instance) + "\n", 0o444)
    write_private(
        instance.secrets / "redis-exporter" / "redis-passwords.json", exporters.redis_passwords(instance), 0o444
    )
    for service in OF_OTHERS:
        _open(instance.secrets / service)


def _open(directory: Path) -> None:
    directory.chmod(0o755)
    for path in directory.iterdir():
        path.chmod(0o444)


if __name__ == "__main__":
    write(contained())
