"""The story of the cache: Redis becomes slow, then it is gone, then it is back and has forgotten everything."""

import asyncio
import time
from dataclasses import asdict
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from chaos.demos import counters
from chaos.demos.acts import SOURCES, Act, table
from chaos.demos.board import WINDOW_SECONDS, told
from chaos.demos.screen import Screen
from chaos.keeper.client import KeeperClient
from chaos.load.books import Books, settle
from chaos.load.generator import Load
from stormglass.runtime.instance import Instance

ACT_SECONDS = 8.0
SLOW_MS = 150
"""Below the 250 ms after which every process gives Redis up: slow, but not slow enough to be taken for gone."""

TTL_SECONDS = 60.0
RECOVERY_SECONDS = 60.0


async def tell(instance: Instance, screen: Screen, rate: float) -> dict[str, Any]:
    """Tell it; the figures, with `kept` saying whether every promise was."""
    edges = sorted(edge.name for edge in instance.edges() if edge.label == "redis")
    screen.chapter(
        "Shoppers come", f"They browse and order through the edge, {rate:.0f} requests a second, whatever happens."
    )
    async with Load.running(instance, rate) as load:
        play = _Play(instance, load, screen)
        async with screen.board(play.picture, play.line):
            screen.event(f"{len(load.shoppers)} shoppers are logged in; the load begins")
            await asyncio.sleep(2)  # the first pages fill the cache
            await play.act("as usual")

            screen.chapter("Redis is slow", f"Every answer of Redis takes {SLOW_MS} ms longer, on each of its edges.")
            await play.fault(edges, "latency", {"latency": SLOW_MS})
            await play.act("slow")
            await play.heal()

            screen.chapter("Redis is gone", "Every connection to it is cut, and new ones are refused.")
            await play.fault(edges, "down", {})
            await play.act("gone")

            screen.chapter("Redis is back, and empty", "It has forgotten cache, rate limits and queue.")
            await play.fault(["redis"], "flush", {})
            await play.heal()
            await play.act("back, empty")

            screen.chapter("Some time later", "Nobody has done anything: is it as it was?")
            recovered = await play.recovered()
            await play.act("afterwards")
    screen.chapter("The books", "Every acknowledged order is looked up in the database, every mail at the mail server.")
    begun = time.monotonic()
    books = await settle(instance, load.orders.acknowledged)
    screen.event(f"{books.told()} (after {time.monotonic() - begun:.0f} s)")
    screen.console.print()
    screen.console.print(table(play.acts))
    return {
        "kept": books.balanced and recovered,
        "rate": rate,
        "acts": [act.as_json() for act in play.acts],
        "orders": asdict(books),
        "told": _ending(play.acts, books),
    }


class _Play:
    """The acts so far, and what is broken now."""

    def __init__(self, instance: Instance, load: Load, screen: Screen) -> None:
        self._instance = instance
        self._load = load
        self._screen = screen
        self.acts: list[Act] = []

    async def act(self, name: str) -> None:
        """Watch for a while, and keep the figures."""
        begun, orders = time.monotonic(), len(self._load.orders.acknowledged)
        before = await counters.read(self._instance)
        await asyncio.sleep(ACT_SECONDS)
        now = await counters.read(self._instance)
        act = Act.of(
            name,
            self._load.recording.ended(begun),
            len(self._load.orders.acknowledged) - orders,
            now.since(before),
            now.waiting,
        )
        self.acts.append(act)
        pages = ", ".join(f"{act.share(key):.0%} {SOURCES[key]}" for key in act.pages)
        self._screen.event(f"[bold]{name}[/]: p50 {act.p50_ms:.0f} ms, p99 {act.p99_ms:.0f} ms; pages from: {pages}")

    async def fault(self, targets: list[str], kind: str, attributes: dict[str, object]) -> None:
        """Break something; each fault is proven to have effect before this returns, and ends by itself."""

        def add(target: str) -> str:
            with KeeperClient(self._instance) as keeper:
                return keeper.add(target, kind, attributes, ttl=TTL_SECONDS).observation

        seen = await asyncio.gather(*(asyncio.to_thread(add, target) for target in targets))
        words = " ".join(f"{name}={value}" for name, value in attributes.items())
        self._screen.event(f"[bold]{kind} {words}".rstrip() + f"[/] on {', '.join(targets)}")
        self._screen.event(f"   proof, from {targets[0]}: {seen[0]}")

    async def heal(self) -> None:
        """Take back every fault."""

        def clear() -> None:
            with KeeperClient(self._instance) as keeper:
                keeper.clear()

        await asyncio.to_thread(clear)
        self._screen.event("[bold]every fault is taken back[/]")

    async def recovered(self) -> bool:
        """Wait until pages come from the cache again, and nothing waits in the outbox."""
        begun = time.monotonic()
        while time.monotonic() - begun < RECOVERY_SECONDS:
            since = time.monotonic()
            await asyncio.sleep(WINDOW_SECONDS)
            pages = Act.of("", self._load.recording.ended(since), 0, {}, 0)
            waiting = (await counters.read(self._instance)).waiting
            if pages.share("hit") > 0.5 and not pages.share("bypass"):
                self._screen.event(f"the cache serves {pages.share('hit'):.0%} of the pages; {waiting} events wait")
                return True
        self._screen.event(f"[bold red]the cache has not recovered within {RECOVERY_SECONDS:g} s[/]")
        return False

    def line(self) -> str:
        """What shoppers see now, and where pages come from."""
        seen = self._load.recording.ended(time.monotonic() - WINDOW_SECONDS)
        pages = seen.caches()
        return f"{told(seen, WINDOW_SECONDS)}; pages: " + (
            ", ".join(f"{count} {name}" for name, count in pages.items()) or "none"
        )

    def picture(self) -> RenderableType:
        """The same for the board."""
        seen = self._load.recording.ended(time.monotonic() - WINDOW_SECONDS)
        pages = seen.caches()
        lines = [Text(""), Text(f"   {told(seen, WINDOW_SECONDS)}", style="bold")]
        lines += [
            Text(f"   {what:28} {pages.get(key, 0):4} {'█' * pages.get(key, 0)}") for key, what in SOURCES.items()
        ]
        return Group(*lines)


def _ending(acts: list[Act], books: Books) -> list[str]:
    """What is to be remembered."""
    usual, slow, gone, empty, after = acts
    errors, requests = sum(sum(act.errors.values()) for act in acts), sum(act.requests for act in acts)
    return [
        f"Redis slow: {slow.share('hit'):.0%} of the pages came from the cache.",
        f"            p50 went from {usual.p50_ms:.0f} to {slow.p50_ms:.0f} ms.",
        f"Redis gone: {gone.share('bypass'):.0%} of the pages came from the database, p50 {gone.p50_ms:.0f} ms.",
        f"            Each gateway counted rate limits by itself; {gone.waiting} events waited in the outbox.",
        f"Redis empty: {empty.share('miss'):.0%} of the pages were read from the database, and cached again.",
        f"             Afterwards {after.share('hit'):.0%} came from the cache, p50 {after.p50_ms:.0f} ms.",
        f"{errors} of {requests} requests failed.",
        f"What the queue had forgotten came again from the outbox. Orders: {books.told()}.",
    ]
