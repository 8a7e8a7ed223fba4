"""What is on, seen twice a second: when each alert was pending, fired and cleared, and which one silenced which."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NoReturn

import httpx

EVERY_SECONDS = 0.5
TIMEOUT_SECONDS = 5.0


@dataclass(slots=True)
class Spell:
    """From the moment when an alert became pending to the one when it was inactive again (seconds since the epoch)."""

    pending: float
    firing: float | None = None
    cleared: float | None = None


@dataclass(slots=True)
class Watch:
    """Both servers are URLs. An alert with several series is on while one of them is.

    `meant` are labels by alert: with others than these it goes by another name, such as `DatabaseAway of users`.
    """

    prometheus: str
    alertmanager: str | None
    meant: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    spells: dict[str, list[Spell]] = field(default_factory=lambda: defaultdict(list))
    silenced: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """By the alert that silences: the names of those that it silenced."""
    active_again: set[str] = field(default_factory=set)
    """What was silenced, and is on and told of once more."""
    answers: bool = False
    """Whether Alertmanager does."""

    async def run(self) -> NoReturn:
        """Look until cancelled; what does not answer once is asked again."""
        async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS, trust_env=False) as http:
            while True:
                with suppress(httpx.HTTPError, ValueError, KeyError):
                    await self.look(http)
                await asyncio.sleep(EVERY_SECONDS)

    async def look(self, http: httpx.AsyncClient) -> None:
        """Once; raises what httpx does."""
        told = (await http.get(f"{self.prometheus}/api/v1/alerts")).raise_for_status().json()["data"]["alerts"]
        self.observe(self.states(told), time.time())
        if self.alertmanager:
            self.hear((await http.get(f"{self.alertmanager}/api/v2/alerts")).raise_for_status().json())
            self.answers = True

    def states(self, told: list[dict[str, Any]]) -> dict[str, str]:
        """What Prometheus tells, as one state for each alert; without the one that is always on."""
        states: dict[str, str] = {}
        for each in told:
            name = self._name(each["labels"])
            if each["labels"].get("severity") != "none" and states.get(name) != "firing":
                states[name] = each["state"]
        return states

    def observe(self, states: Mapping[str, str], now: float) -> None:
        """Take in what is pending or firing now, by alert."""
        for name, state in states.items():
            if not self.is_on(name):
                self.spells[name].append(Spell(now))
            if state == "firing" and self.spells[name][-1].firing is None:
                self.spells[name][-1].firing = now
        for name in self.spells.keys() - states.keys():
            if self.is_on(name):
                self.spells[name][-1].cleared = now

    def hear(self, told: list[dict[str, Any]]) -> None:
        """Take in what Alertmanager keeps quiet, and because of what."""
        names = {each["fingerprint"]: self._name(each["labels"]) for each in told}
        quiet = {names[each["fingerprint"]] for each in told if each["status"]["inhibitedBy"]}
        ever = set().union(*self.silenced.values())
        self.active_again |= {name for name in names.values() if name in ever and name not in quiet}
        for each in told:
            for source in each["status"]["inhibitedBy"]:
                self.silenced[names.get(source, source)].add(names[each["fingerprint"]])

    def is_on(self, name: str) -> bool:
        """Whether it is pending or fires."""
        return bool(self.spells.get(name)) and self.spells[name][-1].cleared is None

    def fires(self, name: str) -> bool:
        """Whether it fires."""
        return self.is_on(name) and self.spells[name][-1].firing is not None

    def fired(self, since: float, until: float | None = None) -> dict[str, list[Spell]]:
        """What fired in a time, with every spell of it that did."""
        end = until or time.time()
        found = {
            name: [each for each in spells if each.firing is not None and since <= each.firing <= end]
            for name, spells in self.spells.items()
        }
        return {name: spells for name, spells in found.items() if spells}

    def _name(self, labels: Mapping[str, str]) -> str:
        name = labels["alertname"]
        meant = self.meant.get(name, {})
        found = {label: labels.get(label, "") for label in meant}
        return name if found == meant else f"{name} of {', '.join(found.values())}"
