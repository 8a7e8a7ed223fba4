"""Every kind of fault there is: collected from the modules of `chaos.faults` that export `KINDS`."""

import pkgutil
from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

import chaos.faults
from chaos.engine.model import FaultKind, Refused

if TYPE_CHECKING:
    from chaos.engine.context import Context


@cache
def kinds() -> Mapping[str, FaultKind]:
    """Kinds by name. A module of `chaos.faults` takes part by exporting `KINDS: tuple[FaultKind, ...]`."""
    found: dict[str, FaultKind] = {}
    for module in sorted(pkgutil.iter_modules(chaos.faults.__path__), key=lambda each: each.name):
        loaded = import_module(f"chaos.faults.{module.name}")
        for kind in getattr(loaded, "KINDS", ()):
            if kind.name in found:
                raise ValueError(f"two kinds of fault are called {kind.name}; the second is in {loaded.__name__}")
            found[kind.name] = kind
    return found


def kind(name: str) -> FaultKind:
    """The kind called `name`; `Refused` suggests what was meant."""
    if name not in kinds():
        raise Refused(f"there is no fault {name!r}: {_hint(name, kinds())}")
    return kinds()[name]


def target(kind: FaultKind, context: "Context", text: str) -> str:
    """The target as it is written in full; `->` is as good as `→`. `Refused` suggests what was meant."""
    if kind.local and not context.instance.managed:
        raise Refused(
            f"{kind.name} cannot be put in containers: it acts on a process of this machine, and there the engine's"
            " `docker compose kill`, `pause` and `restart` do; edges, databases, Redis and the queue can be broken"
        )
    possible = kind.targets(context)
    wanted = normalised(text)
    if wanted in possible:
        return wanted
    if wanted in kind.forbidden:
        raise Refused(f"{kind.name} cannot be put on {wanted}: {kind.forbidden[wanted]}")
    if not possible:
        raise Refused(f"{kind.name} can be put on nothing in instance {context.instance.name} as it runs")
    raise Refused(f"{kind.name} cannot be put on {text!r}: {_hint(wanted, possible)}")


def normalised(text: str) -> str:
    """How a person may write a target, turned into how the platform writes it."""
    return text.replace("->", "→").replace(" ", "")


def _hint(wrong: str, known: Mapping[str, object] | list[str]) -> str:
    close = get_close_matches(wrong, list(known), n=3)
    if close:
        return f"did you mean {' or '.join(close)}?"
    shown = ", ".join(list(known)[:12])
    return f"there are {shown}" + (", …" if len(known) > 12 else "")
