"""Header fields that a route sets and removes, on the way to the service and on the way back."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from litestar.types import Message, Send

_NAME = re.compile(r"[a-z0-9-]+")
_VALUE = re.compile(r"[\x21-\x7e]+( [\x21-\x7e]+)*")
_FRAMING = frozenset({"connection", "content-length", "host", "transfer-encoding"})


@dataclass(frozen=True, slots=True)
class HeaderRules:
    """What is removed first, and then set, replacing what is there. Names are in lower case."""

    set: tuple[tuple[str, str], ...] = ()
    remove: tuple[str, ...] = ()

    @property
    def faults(self) -> list[str]:
        """What is wrong with them, for the check of the route table."""
        named = [*self.remove, *(name for name, _ in self.set)]
        faults = [f"{name!r} is no header field in lower case" for name in named if not _NAME.fullmatch(name)]
        faults += [f"{name} says where a message ends or goes" for name in named if name in _FRAMING]
        return faults + [f"{value!r} is no header value" for _, value in self.set if not _VALUE.fullmatch(value)]

    def to_service(self, fields: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """The fields of a request, by the rules."""
        gone = {*self.remove, *(name for name, _ in self.set)}
        return [*(field for field in fields if field[0].lower() not in gone), *self.set]

    def to_client(self, send: Send) -> Send:
        """`send` for an answer by the rules; problems of the gateway's own do not go through it."""
        if not self.set and not self.remove:
            return send
        gone = {name.encode() for name in (*self.remove, *(name for name, _ in self.set))}
        added = [(name.encode(), value.encode()) for name, value in self.set]

        async def ruled(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*(each for each in message["headers"] if each[0] not in gone), *added]
            await send(message)

        return ruled


NO_RULES = HeaderRules()
