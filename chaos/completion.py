"""What the shell offers behind `stormglass fault add` and `fault clear`. Never an error: a shell shows none."""

from typing import TYPE_CHECKING

import typer

from stormglass.runtime.errors import RuntimeFailure

if TYPE_CHECKING:
    from stormglass.runtime.instance import Instance


def targets(context: typer.Context, incomplete: str) -> list[str]:
    """Everything that any kind of fault can be put on."""
    from chaos.engine.registry import kinds

    return _matching({name for kind in kinds().values() for name in _targets(context, kind.name)}, incomplete)


def types(context: typer.Context, incomplete: str) -> list[str]:
    """Types that fit the target, or all of them while none is given."""
    from chaos.engine.registry import kinds, normalised

    target = normalised(str(context.params.get("target") or ""))
    return _matching({name for name in kinds() if not target or target in _targets(context, name)}, incomplete)


def attributes(context: typer.Context, incomplete: str) -> list[str]:
    """`latency=`, `jitter=`: the attributes of the type."""
    from chaos.engine.registry import kinds

    kind = kinds().get(str(context.params.get("type_name") or ""))
    return _matching({f"{each.name}=" for each in kind.attributes} if kind else set(), incomplete)


def live(context: typer.Context, incomplete: str) -> list[str]:
    """Ids and targets of the faults there are."""
    from chaos.engine.direct import read

    try:
        found = read(_instance(context))
    except RuntimeFailure:
        return []
    return _matching({name for fault in found for name in (fault.id, fault.target)}, incomplete)


def _targets(context: typer.Context, type_name: str) -> list[str]:
    from chaos.engine.context import Context
    from chaos.engine.registry import kind

    try:
        return kind(type_name).targets(Context(_instance(context).name))
    except RuntimeFailure:
        return []


def _instance(context: typer.Context) -> "Instance":
    from stormglass.runtime.instance import load

    return load(context.params.get("instance") or None)


def _matching(names: set[str], incomplete: str) -> list[str]:
    found = [name for name in names if name.startswith(incomplete)]
    # in the spelling that was begun: what does not begin with what was typed is never shown
    ascii_arrows = (name.replace("→", "->") for name in names)
    return sorted(found or [name for name in ascii_arrows if name.startswith(incomplete)])
