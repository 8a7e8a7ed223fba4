"""What a fault is, and what a kind of fault has to offer.

A kind is one stateless object; everything about one fault is in `Fault`, which is written to a journal. The order is
`prepare` (looks, changes nothing), journal, `apply`, journal, `bites`; later `undo`. Whatever dies in between, another
process calls `undo` with the fault as it was written last. For example:

    class ReadOnly(FaultKind):
        name = "read-only"
        summary = "refuses writes, as a replica does that lost its primary"
        attributes = (Attribute("port", "TCP port of the primary that never answers", default=1, minimum=1),)

        def targets(self, context: Context) -> list[str]:
            return ["redis"]

        async def prepare(self, context: Context, request: Request) -> Record:
            return {"role": await role(context)}          # what undo needs, known BEFORE anything is changed

        async def apply(self, context: Context, fault: Fault) -> Record:
            async with context.redis() as redis:
                await redis.execute_command("REPLICAOF", "127.0.0.1", fault.attributes["port"])
            return {}                                     # is added to what prepare() returned

        async def undo(self, context: Context, fault: Fault) -> None:
            async with context.redis() as redis:          # called again until it raises nothing, so: idempotent
                await redis.execute_command("REPLICAOF", "NO", "ONE")

        async def bites(self, context: Context, fault: Fault) -> str:
            async with context.redis() as redis:
                try:
                    await redis.set("fault:probe", "1", px=1)
                except ReadOnlyError as error:
                    return f"SET was refused: {error}"
            raise NotBiting("SET was accepted")

    KINDS: tuple[FaultKind, ...] = (ReadOnly(),)          # found by chaos.engine.registry
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

from stormglass.runtime.errors import RuntimeFailure

if TYPE_CHECKING:
    from chaos.engine.attributes import Attribute
    from chaos.engine.context import Context

Value: TypeAlias = int | float | str
Record: TypeAlias = dict[str, Any]
"""What `undo` needs to know: JSON, and nothing secret (the journal is a file that people look into)."""

DEFAULT_TTL_SECONDS = 60.0
MAX_TTL_SECONDS = 3600.0


class State(StrEnum):
    """Where a fault stands. `failed` means: an undo was tried and did not work yet; it goes on being tried."""

    INTENDED = "intended"
    ACTIVE = "active"
    UNDOING = "undoing"
    FAILED = "failed-to-undo"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Request:
    """A fault that somebody wants. `attributes` are checked and complete, as `Attribute.parse` made them."""

    target: str
    type: str
    attributes: Mapping[str, Value] = field(default_factory=dict)
    stream: str = ""
    """`upstream`, `downstream` or `both`; empty for kinds that have no streams."""
    toxicity: float = 1.0
    ttl_seconds: float = DEFAULT_TTL_SECONDS


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault as the journal has it. Times are seconds since the epoch."""

    id: str
    target: str
    type: str
    attributes: Mapping[str, Value]
    stream: str
    toxicity: float
    ttl_seconds: float
    created_at: float
    expires_at: float
    state: State
    record: Mapping[str, Any] = field(default_factory=dict)
    """What `prepare` and `apply` left for `undo`; that of `apply` is missing if it was interrupted."""
    attempts: int = 0
    """Undos that failed so far."""
    reason: str = ""
    """Why the last undo failed."""
    observation: str = ""
    """What `bites` saw."""
    restored: int = 0
    """How often it was put back after something else had taken it away."""

    def as_json(self) -> dict[str, Any]:
        """All of it, for programs."""
        return {**asdict(self), "state": self.state.value}


class Refused(RuntimeFailure):
    """The fault cannot be had; the text says why and what would work. Nothing has been changed."""


class NotBiting(Exception):
    """The fault is in place and yet without effect; the text says what was observed instead."""


class FaultKind(ABC):
    """One type of fault. `name` is what a person types; `summary` completes "while it lasts, the target …"."""

    name: str
    summary: str
    attributes: tuple["Attribute", ...] = ()
    local: bool = False
    """Whether it acts on processes, files or servers that exist natively only, and not in containers."""
    has_streams: bool = False
    """Whether `--stream` and `--toxicity` mean anything; others refuse them."""
    forbidden: Mapping[str, str] = MappingProxyType({})
    """What could be a target and never is, with the reason."""

    @abstractmethod
    def targets(self, context: "Context") -> list[str]:
        """Everything this fault can be put on in this instance, as a person writes it. Quick: no I/O but files."""

    async def prepare(self, context: "Context", request: Request) -> Record:
        """Look at what undo will need and raise `Refused` if it cannot work. Changes nothing."""
        return {}

    @abstractmethod
    async def apply(self, context: "Context", fault: Fault) -> Record:
        """Do it; what is returned is added to `fault.record`. After an error, `undo` is called all the same."""

    @abstractmethod
    async def undo(self, context: "Context", fault: Fault) -> None:
        """Take it back; return only when that is certain.

        Called until it raises nothing: in any process, after any crash, also when `apply` never ran or ran half-way,
        also when the target has died or never existed since. An error means "try again", its text is shown to people.
        """

    @abstractmethod
    async def bites(self, context: "Context", fault: Fault) -> str:
        """Observe that it has effect and say what was seen, with figures; `NotBiting` if there is nothing to see."""

    async def restore(self, context: "Context", fault: Fault) -> bool:
        """Put back what somebody else took away while the fault lasts; whether there was anything to put back.

        Called about once a second. Only for faults that live in a process which may be restarted.
        """
        return False
