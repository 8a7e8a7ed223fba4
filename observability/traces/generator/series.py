"""A bounded number of label sets, each with its time series at hand."""

from collections.abc import Callable
from typing import Generic, TypeVar

from stormglass.telemetry import names

OTHER = "other"
"""What every label set beyond the bound is called."""

MAX_LABEL = 128
"""Characters of a label value; the rest is cut off."""

Series = TypeVar("Series")
Labels = tuple[str, ...]


class Bounded(Generic[Series]):
    """Makes the series of a label set when it is first asked for; beyond `most` sets, one called `other` takes all."""

    def __init__(self, name: str, most: int, make: Callable[[Labels], Series]) -> None:
        self._most = most
        self._make = make
        self._known: dict[Labels, Series] = {}
        self._refused = names.GENERATED_REFUSED.counter().labels(name)

    def of(self, labels: Labels) -> Series:
        """The series for these labels."""
        known = self._known.get(labels)
        return known if known is not None else self._new(labels)

    def _new(self, labels: Labels) -> Series:
        cut = tuple(label[:MAX_LABEL] for label in labels)
        if cut not in self._known and len(self._known) >= self._most:
            self._refused.inc()
            cut = (OTHER,) * len(labels)
        if cut not in self._known:
            self._known[cut] = self._make(cut)
        return self._known[cut]
