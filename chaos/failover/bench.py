"""`stormglass bench failover`: every signal to every replicated part, under one load, and the books at the end."""

from collections.abc import Callable
from dataclasses import dataclass

from chaos.failover.cases import Case
from chaos.failover.measure import Outcome, measure
from chaos.failover.rotation import Rotation
from chaos.load.books import Books, settle
from chaos.load.generator import Load
from stormglass.runtime.instance import Instance


@dataclass(frozen=True, slots=True)
class Report:
    """All outcomes, and what became of the orders that were acknowledged meanwhile."""

    outcomes: list[Outcome]
    books: Books

    @property
    def met(self) -> bool:
        """Whether every goal was reached and every promise kept."""
        return self.books.balanced and all(outcome.met for outcome in self.outcomes)


async def run(instance: Instance, wanted: list[Case], rate: float, progress: Callable[[str], None]) -> Report:
    """Measure the cases one after the other; `progress` is told what happens."""
    outcomes: list[Outcome] = []
    progress("shoppers register and log in")
    async with Load.running(instance, rate) as load, Rotation.watched(instance) as rotation:
        for number, case in enumerate(wanted, 1):
            progress(f"{number} of {len(wanted)}: SIG{case.signal} to {case.replica}")
            outcomes.append(await measure(instance, load, rotation, case))
    progress("waiting for every acknowledged order to be confirmed and mailed")
    return Report(outcomes, await settle(instance, load.orders.acknowledged))
