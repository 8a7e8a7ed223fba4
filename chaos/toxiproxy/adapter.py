"""The one way this project talks to a Toxiproxy server, the real one or `chaos.faultproxy`."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

from chaos.toxiproxy.errors import ToxiproxyError
from chaos.toxiproxy.library import Http, private_copy


@dataclass(frozen=True, slots=True)
class ToxicState:
    """A toxic as the server has it. `attributes` are integers in the units of Toxiproxy's documentation."""

    name: str
    type: str
    stream: str
    toxicity: float
    attributes: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class ProxyState:
    """A proxy as the server has it; `listen` is the address that is really bound."""

    name: str
    listen: str
    upstream: str
    enabled: bool
    toxics: tuple[ToxicState, ...]


class Adapter:
    """A client of one server. Blocking, and every call ends within `seconds`.

    Raises ToxiproxyError (with the server's status and words) and UnreachableError. Adapters share nothing, so one
    process may drive several servers. Not for several threads at once.
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 8474, *, seconds: float = 5.0) -> None:
        self._http = Http(host, port, seconds)
        self._library = private_copy(self._http).Toxiproxy()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the kept connections."""
        self._http.close()

    def version(self) -> str:
        """What the server calls itself; a release says `2.12.0`, one built from source `git`."""
        return str(self._http.get("/version").json()["version"])

    # --- proxies -------------------------------------------------------------------------------------------

    def proxies(self) -> dict[str, ProxyState]:
        """Every proxy, by name."""
        return {name: _proxy(value) for name, value in self._http.get("/proxies").json().items()}

    def proxy(self, name: str) -> ProxyState:
        """One proxy."""
        return _proxy(self._http.get(_path(name)).json())

    def create(self, name: str, listen: str, upstream: str, *, enabled: bool = True) -> ProxyState:
        """Make a proxy; 409 when the name is taken, 500 when `listen` cannot be bound."""
        body = {"name": name, "listen": listen, "upstream": upstream, "enabled": enabled}
        return _proxy(self._http.post("/proxies", json=body).json())

    def populate(self, proxies: Sequence[Mapping[str, Any]]) -> list[ProxyState]:
        """Make what is missing and replace what has changed, in one request; what is unchanged stays untouched.

        The library's own `populate` deletes and recreates changed proxies one by one, so it is not used.
        """
        answer = self._http.post("/populate", json=[dict(proxy) for proxy in proxies]).json()
        return [_proxy(value) for value in answer["proxies"] or []]

    def delete(self, name: str) -> None:
        """Remove a proxy and drop its connections."""
        self._proxy(name).destroy()

    def enable(self, name: str) -> None:
        """Let a proxy listen again."""
        self._proxy(name).enable()

    def disable(self, name: str) -> None:
        """Close a proxy's port and drop its connections."""
        self._proxy(name).disable()

    @contextmanager
    def down(self, name: str) -> Iterator[None]:
        """Keep a proxy disabled for the length of the block."""
        self.disable(name)
        try:
            yield
        finally:
            self.enable(name)

    def reset(self) -> None:
        """Enable every proxy and remove every toxic."""
        self._library.reset()

    # --- toxics --------------------------------------------------------------------------------------------

    def toxics(self, proxy: str) -> dict[str, ToxicState]:
        """The toxics of a proxy by name, upstream ones first."""
        return {toxic.name: toxic for toxic in map(_toxic, self._http.get(f"{_path(proxy)}/toxics").json())}

    def add_toxic(
        self,
        proxy: str,
        type: str,  # noqa: A002 - the API's own word, so that calls read like it
        *,
        stream: str = "downstream",
        toxicity: float = 1.0,
        name: str | None = None,
        **attributes: int,
    ) -> ToxicState:
        """Put a toxic on a proxy, by default under the name `<type>_<stream>`; 409 when that is taken."""
        name = name or f"{type}_{stream}"
        self._proxy(proxy).add_toxic(type=type, stream=stream, name=name, toxicity=toxicity, attributes=attributes)
        return self.toxics(proxy)[name]

    def update_toxic(self, proxy: str, name: str, *, toxicity: float | None = None, **attributes: int) -> ToxicState:
        """Change some attributes, or the toxicity, of a toxic; what is not named stays."""
        body: dict[str, Any] = {"attributes": attributes}
        if toxicity is not None:
            body["toxicity"] = toxicity
        return _toxic(self._http.post(f"{_path(proxy)}/toxics/{quote(name, safe='')}", json=body).json())

    def remove_toxic(self, proxy: str, name: str) -> None:
        """Take a toxic away; 404 when it is not there."""
        self._http.delete(f"{_path(proxy)}/toxics/{quote(name, safe='')}")

    @contextmanager
    def toxic(
        self,
        proxy: str,
        type: str,  # noqa: A002 - as above
        *,
        stream: str = "downstream",
        toxicity: float = 1.0,
        name: str | None = None,
        **attributes: int,
    ) -> Iterator[ToxicState]:
        """A toxic for the length of the block. It is no error if somebody has removed it meanwhile."""
        added = self.add_toxic(proxy, type, stream=stream, toxicity=toxicity, name=name, **attributes)
        try:
            yield added
        finally:
            try:
                self.remove_toxic(proxy, added.name)
            except ToxiproxyError as error:
                if error.status != 404:
                    raise

    def _proxy(self, name: str) -> Any:
        found = self._library.get_proxy(name)
        if found is None:
            raise ToxiproxyError(404, f"proxy not found: {name}")
        return found


def _path(proxy: str) -> str:
    return f"/proxies/{quote(proxy, safe='')}"


def _proxy(value: dict[str, Any]) -> ProxyState:
    toxics = tuple(map(_toxic, value["toxics"]))
    return ProxyState(value["name"], value["listen"], value["upstream"], value["enabled"], toxics)


def _toxic(value: dict[str, Any]) -> ToxicState:
    return ToxicState(value["name"], value["type"], value["stream"], value["toxicity"], value["attributes"])
