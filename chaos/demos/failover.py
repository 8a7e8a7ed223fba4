"""The story of failover: a gateway dies under load, then a products replica; nobody who is not told should notice."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any

from chaos.demos.board import Board
from chaos.demos.screen import Screen
from chaos.failover.cases import CUT, Case
from chaos.failover.measure import Outcome, measure
from chaos.failover.rotation import PASSIVE, Rotation
from chaos.failover.table import table
from chaos.load.books import settle
from chaos.load.generator import Load
from chaos.load.orders import Acknowledged
from stormglass.runtime.instance import Instance

VICTIMS = ("gateway", "products")
CALM_SECONDS = 3.0


async def tell(instance: Instance, screen: Screen, rate: float) -> dict[str, Any]:
    """Tell it; the figures, with `kept` saying whether every promise was."""
    screen.chapter(
        "Shoppers come",
        f"They browse and order through the edge, {rate:.0f} requests a second, whatever happens.",
    )
    async with Load.running(instance, rate) as load, Rotation.watched(instance) as rotation:
        board = Board(load, instance, rotation, VICTIMS)
        async with screen.board(board.picture, board.line), _narrated(rotation, screen):
            screen.event(f"{len(load.shoppers)} shoppers are logged in; the load begins")
            await asyncio.sleep(CALM_SECONDS)
            signal = "KILL" if instance.managed else CUT
            cases = [Case(part, instance.topology[part].replica_name(1), signal) for part in VICTIMS]
            outcomes = [await _one(instance, load, rotation, screen, case) for case in cases]
    screen.chapter("The books", "Every acknowledged order is looked up in the database, every mail at the mail server.")
    books = await settle(instance, load.orders.acknowledged)
    screen.event(books.told())
    screen.console.print()
    screen.console.print(table(outcomes, goals=False))
    return {
        "kept": books.balanced and all(outcome.back is not None for outcome in outcomes),
        "rate": rate,
        "outcomes": [{**asdict(outcome), "met": outcome.met} for outcome in outcomes],
        "orders": asdict(books),
        "repeated": _repeated(load.orders.acknowledged),
        "told": _ending(outcomes, _repeated(load.orders.acknowledged)),
    }


async def _one(instance: Instance, load: Load, rotation: Rotation, screen: Screen, case: Case) -> Outcome:
    others = instance.replicas_of(instance.topology[case.part]) - 1
    how = "every connection to it is cut" if case.signal == CUT else "kill -9: no drain, no goodbye"
    screen.chapter(
        f"{case.replica} is cut off" if case.signal == CUT else f"{case.replica} dies",
        f"{how}. {others} other replica{'s' * (others != 1)} of {case.part} must take over.",
    )

    def struck(at: float) -> None:
        what = f"{case.replica} is cut off" if case.signal == CUT else f"SIG{case.signal} to {case.replica}"
        screen.event(f"[bold]{what}[/]", at)

    outcome = await measure(instance, load, rotation, case, struck)
    screen.event(_told(outcome))
    return outcome


def _told(outcome: Outcome) -> str:
    lost = f"{outcome.lost} of {outcome.requests} requests were lost"
    if outcome.last_error is not None:
        lost += f" ({', '.join(outcome.kinds)}), the last one {outcome.last_error:.2f} s after that"
    back = f"back in rotation after {outcome.back:.1f} s" if outcome.back else "[bold red]it did not come back[/]"
    return f"{outcome.replica}: {lost}; {back}"


@asynccontextmanager
async def _narrated(rotation: Rotation, screen: Screen) -> AsyncIterator[None]:
    """Say what the balancer does when it does it."""

    async def narrate() -> None:
        told = len(rotation.changes)
        while True:
            for change in rotation.changes[told:]:
                if change.up:
                    screen.event(f"{change.replica} is back in rotation", change.at)
                else:
                    why = "requests to it failed" if change.by == PASSIVE else "its health check failed"
                    screen.event(f"edge: {change.replica} is out of rotation ({change.by}: {why})", change.at)
            told = len(rotation.changes)
            await asyncio.sleep(0.05)

    task = asyncio.create_task(narrate())
    try:
        yield
    finally:
        task.cancel()


def _repeated(orders: list[Acknowledged]) -> int:
    return sum(order.attempts > 1 for order in orders)


def _ending(outcomes: list[Outcome], repeated: int) -> list[str]:
    """What is to be remembered."""
    lost, requests = sum(o.lost for o in outcomes), sum(o.requests for o in outcomes)
    cut = any(outcome.signal == CUT for outcome in outcomes)
    done, again = ("cut off", "fault proxy joined") if cut else ("killed", "process manager started")
    sentences = [
        f"Two replicas were {done} under load; {lost} of {requests} requests failed because of it.",
        "The balancer noticed by itself: an unanswered health check, and between the services failed requests too.",
        f"The {again} both again; they were given requests only when they said that they were ready.",
    ]
    if repeated:
        sentences.append(
            f"{repeated} order{'s' * (repeated != 1)} had to be sent again, under the same Idempotency-Key:"
            " there is one order and one mail each."
        )
    return sentences
