"""What request bodies ask for, decoded and checked in the order that Toxiproxy checks."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, Final

from chaos.faultproxy.decode import DecodeError, elements, fields, first_value
from chaos.faultproxy.toxics import BEHAVIOURS, DOWNSTREAM, UPSTREAM, Behaviour, InvalidAttributesError, Toxic
from chaos.faultproxy.wire import ApiError

_PROXY: Final = {"name": "string", "listen": "string", "upstream": "string", "enabled": "bool"}
_PROXY_WITH_TOXICS: Final = _PROXY | {"toxics": "toxiproxy.Toxics"}
_TOXIC: Final = {
    "name": "string",
    "type": "string",
    "stream": "string",
    "toxicity": "float32",
    "attributes": "toxics.NoopToxic",
}
# The names that Go gives to these types in its decoding errors.
_PROXY_TYPE: Final = "toxiproxy.Proxy"
_POPULATE_ITEM: Final = r'struct { toxiproxy.Proxy; Enabled *bool "json:\"enabled\"" }'
_UPDATE_TYPE: Final = r'struct { Attributes interface {} "json:\"attributes\""; Toxicity float32 "json:\"toxicity\"" }'


@dataclass(frozen=True, slots=True)
class ProxyRequest:
    """A proxy to be made. `toxics` is empty unless the server was told to accept them."""

    name: str
    listen: str
    upstream: str
    enabled: bool
    toxics: tuple[Toxic, ...]


def new_proxy(body: bytes, *, accept_toxics: bool) -> ProxyRequest:
    """The body of a create; ApiError 400 if it is incomplete."""
    with _bad_body():
        return _proxy(first_value(body), _PROXY_TYPE, "Proxy", accept_toxics=accept_toxics)


def new_proxies(body: bytes, *, accept_toxics: bool) -> list[ProxyRequest]:
    """The body of a populate, or a configuration file; ApiError 400 if any entry is incomplete."""
    with _bad_body():
        entries = elements(first_value(body), of=f"[]{_POPULATE_ITEM}")
        return [
            _proxy(entry, _POPULATE_ITEM, ".Proxy", accept_toxics=accept_toxics, suffix=f" at proxy {number}")
            for number, entry in enumerate(entries, 1)
        ]


def proxy_changes(body: bytes) -> dict[str, Any]:
    """The fields that an update gives: `listen`, `upstream`, `enabled`."""
    with _bad_body():
        return fields(first_value(body), _PROXY, of=_PROXY_TYPE, where="Proxy")


def new_toxic(body: bytes, taken: set[str]) -> Toxic:
    """The toxic that a body asks for, beside those whose names are `taken`."""
    with _bad_body():
        return _toxic(first_value(body), taken)


def changed_toxic(body: bytes, toxic: Toxic) -> tuple[Behaviour, float]:
    """The attributes and the toxicity that `toxic` has after an update, which is refused as a whole or not at all."""
    with _bad_body():
        kinds = {"attributes": f"toxics.{_go_name(type(toxic.behaviour))}", "toxicity": "float32"}
        given = fields(first_value(body), kinds, of=_UPDATE_TYPE, where="")
        behaviour = _behaviour(type(toxic.behaviour), given.get("attributes"), asdict(toxic.behaviour))
        return behaviour, given.get("toxicity", toxic.toxicity)


def _proxy(value: Any, of: str, where: str, *, accept_toxics: bool, suffix: str = "") -> ProxyRequest:
    given = fields(value, _PROXY_WITH_TOXICS if accept_toxics else _PROXY, of=of, where=where)
    for required in ("name", "upstream"):
        if not given.get(required):
            raise ApiError(400, f"missing required field: {required}{suffix}")
    toxics: list[Toxic] = []
    for toxic in given.get("toxics", []):
        toxics.append(_toxic(toxic, {earlier.name for earlier in toxics}))
    return ProxyRequest(
        given["name"], given.get("listen", ""), given["upstream"], given.get("enabled", True), tuple(toxics)
    )


def _toxic(value: Any, taken: set[str]) -> Toxic:
    given = fields(value, _TOXIC, of="toxics.ToxicWrapper", where="ToxicWrapper")
    stream = given.get("stream", DOWNSTREAM)
    if stream.lower() not in {UPSTREAM, DOWNSTREAM}:
        raise ApiError(400, "stream was invalid, can be either upstream or downstream")
    kind = given.get("type", "")
    name = given.get("name") or f"{kind}_{stream}"
    if kind not in BEHAVIOURS:
        raise ApiError(400, "invalid toxic type")
    if name in taken:
        raise ApiError(409, "toxic already exists")
    behaviour = _behaviour(BEHAVIOURS[kind], given.get("attributes"), {})
    return Toxic(name, stream, given.get("toxicity", 1.0), behaviour)


def _behaviour(kind: type[Behaviour], given: Any, present: dict[str, int]) -> Behaviour:
    go_name = _go_name(kind)
    integer = "int" if kind.type == "slicer" else "int64"
    names = dict.fromkeys(kind.__dataclass_fields__, integer)
    attributes = fields(given, names, of=f"toxics.{go_name}", where=f"{go_name}.attributes")
    return kind(**present | attributes)


def _go_name(kind: type[Behaviour]) -> str:
    if kind.type == "reset_peer":
        return "ResetToxic"
    return "".join(word.capitalize() for word in kind.type.split("_")) + "Toxic"


@contextmanager
def _bad_body() -> Iterator[None]:
    try:
        yield
    except DecodeError as error:
        raise ApiError(400, f"bad request body: {error}") from None
    except InvalidAttributesError as error:
        raise ApiError(400, str(error)) from None
