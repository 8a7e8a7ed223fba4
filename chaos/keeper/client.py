"""Talking to the keeper from another process: the command line, a test."""

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import httpx

from chaos.engine.model import DEFAULT_TTL_SECONDS, Fault, Refused, State
from stormglass.runtime.errors import RuntimeFailure
from stormglass.runtime.instance import Instance

ADD_SECONDS = 180.0
"""Longer than everything the keeper does for one new fault may take together."""

CLEAR_SECONDS = 20.0
ALIVE_SECONDS = 2.0
RESTART_SECONDS = 6.0
"""A keeper that was killed is back by then, if anybody restarts it."""


class KeeperAway(RuntimeFailure):
    """The keeper does not answer."""


class KeeperClient:
    """Blocking; everything ends within the limits above.

    Raises KeeperAway, Refused (nothing was changed) and RuntimeFailure (it did not work and was taken back).
    """

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._address = instance.address("faults")
        self._http = httpx.Client(base_url=f"http://{self._address}", timeout=ALIVE_SECONDS, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def add(
        self,
        target: str,
        type: str,  # noqa: A002 - the word that people type
        attributes: Mapping[str, object] | None = None,
        *,
        stream: str = "",
        toxicity: float = 1.0,
        ttl: float | str = DEFAULT_TTL_SECONDS,
    ) -> Fault:
        """Put a fault; it is active and its effect was observed when this returns. `ttl` is in seconds, or `"2m"`."""
        self._wait_for_keeper()
        body = {
            "target": target,
            "type": type,
            "attributes": dict(attributes or {}),
            "stream": stream,
            "toxicity": toxicity,
            "ttl_seconds": ttl,
        }
        return read_fault(self._ask("POST", "/faults", ADD_SECONDS, json=body))

    def live(self) -> list[Fault]:
        """Every fault that has not ended, oldest first."""
        return [read_fault(each) for each in self._ask("GET", "/faults", ALIVE_SECONDS)["faults"]]

    def clear(self, identity: str = "") -> list[Fault]:
        """End one fault, or all; as they are then: `ended`, or `failed` with the reason and still being undone."""
        path = f"/faults/{identity}" if identity else "/faults"
        answer = self._ask("DELETE", path, CLEAR_SECONDS)
        return [read_fault(each) for each in (*answer["cleared"], *answer["failed"])]

    def _wait_for_keeper(self) -> None:
        until = time.monotonic() + RESTART_SECONDS
        while True:
            try:
                self.live()
            except KeeperAway:
                if time.monotonic() > until:
                    raise
                time.sleep(0.1)
            else:
                return

    def _ask(self, method: str, path: str, seconds: float, **more: Any) -> Any:
        try:
            answer = self._http.request(method, path, timeout=httpx.Timeout(seconds, connect=ALIVE_SECONDS), **more)
        except httpx.HTTPError as error:
            raise KeeperAway(
                f"the keeper of faults does not answer at {self._address} ({type(error).__name__}): without it nobody"
                f" would take a fault back; see `stormglass status`, or start the instance with `stormglass up"
                f" --instance {self._instance.name}`",
                log=str(self._instance.log("faults")),
            ) from error
        if answer.is_success:
            return answer.json()
        try:
            detail = answer.json()["detail"]
        except (ValueError, KeyError, TypeError):
            detail = answer.text
        if answer.status_code in {404, 422}:
            raise Refused(detail)
        raise RuntimeFailure(detail, log=str(self._instance.log("faults")))


def read_fault(document: Mapping[str, Any]) -> Fault:
    """A fault out of JSON."""
    return Fault(**{**document, "state": State(document["state"])})
