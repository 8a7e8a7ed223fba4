"""The attributes of a fault, `latency=800ms` on the command line: names, units, ranges, and errors that help."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final, TypeAlias

from chaos.engine.model import Refused, Value

_SCALES: Final[Mapping[str, Mapping[str, float]]] = {
    "us": {"us": 1, "µs": 1, "ms": 1e3, "s": 1e6},
    "ms": {"ms": 1, "s": 1e3, "m": 6e4},
    "s": {"ms": 1e-3, "s": 1, "m": 60, "h": 3600},
    "B": {"B": 1, "KB": 1e3, "MB": 1e6},
    "KB/s": {"KB/s": 1, "KB": 1, "MB/s": 1e3, "MB": 1e3},
    "MiB": {"MiB": 1, "GiB": 1024},
    "%": {"%": 1},
}
"""What may be written behind a number, per unit of the attribute; a bare number is in that unit."""

_Type: TypeAlias = type[int] | type[float] | type[str]


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute. Without a `default` it has to be given; the type of its value is `type`.

    `choices` are for `type=str`; `minimum` and `maximum` (both inclusive) for numbers, in `unit`.
    """

    name: str
    help: str
    type: _Type = int
    unit: str = ""
    default: Value | None = None
    minimum: float | None = 0
    maximum: float | None = None
    choices: tuple[str, ...] = ()

    def parse(self, given: object) -> Value:
        """The value; `Refused` says what would be accepted."""
        if self.type is str:
            text = str(given)
            if self.choices and text not in self.choices:
                raise Refused(f"{self.name}={text}: must be one of {', '.join(self.choices)}")
            return text
        number = self._number(given)
        low, high = self.minimum, self.maximum
        if (low is not None and number < low) or (high is not None and number > high):
            raise Refused(f"{self.name}={given}: must be {self.range}")
        return int(number) if self.type is int else number

    @property
    def range(self) -> str:
        """What is accepted, in words."""
        if self.choices:
            return " or ".join(self.choices)
        if self.type is str:
            return "any text"
        word = "a whole number" if self.type is int else "a number"
        unit = f" ({self.unit})" if self.unit else ""
        if self.minimum is not None and self.maximum is not None:
            return f"{word} from {self.minimum:,.10g} to {self.maximum:,.10g}{unit}"
        return word + (f" from {self.minimum:,.10g}" if self.minimum is not None else "") + unit

    def _number(self, given: object) -> float:
        text = str(given).strip()
        scale = 1.0
        for suffix, factor in sorted(_SCALES.get(self.unit, {}).items(), key=lambda pair: -len(pair[0])):
            if text.lower().endswith(suffix.lower()):
                text, scale = text[: -len(suffix)].strip(), factor
                break
        try:
            number = float(text) * scale
        except ValueError:
            number = float("nan")
        if not abs(number) < float("inf") or (self.type is int and not number.is_integer()):
            raise Refused(f"{self.name}={given}: must be {self.range}")
        return number


def parse_all(what: str, known: Iterable[Attribute], given: Mapping[str, object]) -> dict[str, Value]:
    """Every attribute of `known`, given or by default; `Refused` for unknown and for missing ones."""
    by_name = {attribute.name: attribute for attribute in known}
    for name in given:
        if name not in by_name:
            close = get_close_matches(name, by_name, n=1)
            hint = f"did you mean {close[0]}? " if close else ""
            allowed = ", ".join(by_name) or "none"
            raise Refused(f"{what} has no attribute {name!r}: {hint}(it has: {allowed})")
    values: dict[str, Value] = {}
    for name, attribute in by_name.items():
        if name in given:
            values[name] = attribute.parse(given[name])
        elif attribute.default is not None:
            values[name] = attribute.default
        else:
            raise Refused(f"{what} needs {name}=…: {attribute.help}, {attribute.range}")
    return values
