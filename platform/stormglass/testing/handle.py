"""A running instance, as a test sees it: addresses, secrets, identities, and the command line."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from typing import Any

from pydantic import SecretStr

from stormglass.runtime.instance import Instance, load
from stormglass.security.identity import Identity, sign


class CommandFailed(AssertionError):
    """A `stormglass` command exited with another code than 0; the text holds all it printed."""


class Platform:
    """The instance called `name`."""

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def instance(self) -> Instance:
        """What is recorded of the instance now (replicas change when it is scaled)."""
        return load(self.name)

    @property
    def base_url(self) -> str:
        """The edge: where a client's requests go."""
        return f"http://{self.address('edge')}"

    def address(self, label: str, replica: int = 1) -> str:
        """`host:port` of what listens on `label`, past every fault proxy."""
        return self.instance.address(label, replica)

    def secret(self, service: str, name: str) -> str:
        """A secret of a service."""
        return self.instance.secret(service, name)

    def identity(self, subject: str, scopes: Iterable[str] = (), issuer: str = "gateway", credential: str = "") -> str:
        """A value of the internal identity header, as the gateway would sign it."""
        key = SecretStr(self.secret("gateway", "identity_key"))
        return sign(Identity(subject, frozenset(scopes), issuer, credential), key)

    def run(self, *arguments: str, timeout: float = 180.0, check: bool = True) -> str:
        """Run `stormglass …` on this instance; its standard output.

        Raises:
            CommandFailed: it exited with another code than 0, and `check` is true.
        """
        done = subprocess.run(  # noqa: S603 - our own command line
            [sys.executable, "-m", "stormglass.cli.main", "--instance", self.name, *arguments],
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            env={**os.environ, "STORMGLASS_INSTANCE": self.name},
        )
        if check and done.returncode:
            what = f"stormglass {' '.join(arguments)} exited with {done.returncode}"
            raise CommandFailed(f"{what}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def json(self, *arguments: str, timeout: float = 180.0) -> Any:
        """Run `stormglass … --json`; what it printed, parsed."""
        return json.loads(self.run(*arguments, "--json", timeout=timeout))
