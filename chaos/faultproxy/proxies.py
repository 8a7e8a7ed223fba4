"""All proxies of a server, by name: create, update, populate, reset."""

import asyncio
from typing import Any

from chaos.faultproxy import addresses
from chaos.faultproxy.events import log
from chaos.faultproxy.proxy import Proxy
from chaos.faultproxy.requests import ProxyRequest
from chaos.faultproxy.toxics import Behaviour, Toxic
from chaos.faultproxy.wire import ApiError


class Proxies:
    """Keeps the map and changes it one request at a time, so that a populate is never interleaved with an update."""

    def __init__(self, *, seed: int, dial_seconds: float) -> None:
        self._seed = seed
        self._dial_seconds = dial_seconds
        self._by_name: dict[str, Proxy] = {}
        self._changing = asyncio.Lock()

    def all(self) -> list[Proxy]:
        """Every proxy, sorted by name."""
        return [self._by_name[name] for name in sorted(self._by_name)]

    def get(self, name: str) -> Proxy:
        """The proxy of that name; ApiError 404 if there is none."""
        if name not in self._by_name:
            raise ApiError(404, "proxy not found")
        return self._by_name[name]

    def toxic(self, proxy: str, name: str) -> tuple[Proxy, Toxic]:
        """A proxy and one of its toxics; ApiError 404 if either is missing."""
        found = self.get(proxy)
        toxic = found.toxic(name)
        if toxic is None:
            raise ApiError(404, "toxic not found")
        return found, toxic

    # --- proxies -------------------------------------------------------------------------------------------

    async def create(self, request: ProxyRequest) -> Proxy:
        """Make a proxy, and start it if enabled; nothing is kept when it cannot start."""
        async with self._changing:
            if request.name in self._by_name:
                raise ApiError(409, "proxy already exists")
            proxy = self._made(request)
            if request.enabled:
                await _start(proxy)
            self._by_name[proxy.name] = proxy
            return proxy

    async def update(self, name: str, changes: dict[str, Any]) -> Proxy:
        """Apply new fields. Connections survive unless the address, the upstream or `enabled` really changes."""
        async with self._changing:
            proxy = self.get(name)
            listen = changes.get("listen", proxy.listen)
            upstream = changes.get("upstream", proxy.upstream)
            enabled = changes.get("enabled", proxy.enabled)
            if await _differs(proxy, listen, upstream):
                proxy.stop()
                proxy.listen, proxy.upstream = listen, upstream
            if enabled:
                await _start(proxy)
            else:
                proxy.stop()
            return proxy

    async def delete(self, name: str) -> None:
        """Stop a proxy and forget it."""
        async with self._changing:
            self.get(name).stop()
            del self._by_name[name]

    async def populate(self, requests: list[ProxyRequest], done: list[Proxy]) -> None:
        """Make or replace what is new or changed, keep the rest as it is; `done` grows as far as it goes."""
        async with self._changing:
            for request in requests:
                made = await self._populate_one(request)
                done.append(made)

    async def reset(self) -> None:
        """Start every proxy and remove all toxics; the first that cannot start ends it."""
        async with self._changing:
            for proxy in list(self._by_name.values()):
                await _start(proxy)
                for toxic in list(proxy.toxics):
                    remove_toxic(proxy, toxic)

    def stop(self) -> None:
        """Close every listener and every connection."""
        for proxy in self._by_name.values():
            proxy.stop()

    async def _populate_one(self, request: ProxyRequest) -> Proxy:
        present = self._by_name.get(request.name)
        if present is not None:
            if not await _differs(present, request.listen, request.upstream):
                return present
            present.stop()
        proxy = self._made(request)
        if request.enabled:
            await _start(proxy)
        self._by_name[proxy.name] = proxy
        return proxy

    def _made(self, request: ProxyRequest) -> Proxy:
        proxy = Proxy(request.name, request.listen, request.upstream, seed=self._seed, dial_seconds=self._dial_seconds)
        for toxic in request.toxics:
            add_toxic(proxy, toxic)
        return proxy


def add_toxic(proxy: Proxy, toxic: Toxic) -> None:
    """Put a fault on a proxy."""
    proxy.add_toxic(toxic)
    _tell("fault added", proxy, toxic)


def update_toxic(proxy: Proxy, toxic: Toxic, behaviour: Behaviour, toxicity: float) -> None:
    """Change a fault on a proxy, all of it at once."""
    toxic.behaviour, toxic.toxicity = behaviour, toxicity
    proxy.update_toxic(toxic)
    _tell("fault updated", proxy, toxic)


def remove_toxic(proxy: Proxy, toxic: Toxic) -> None:
    """Take a fault from a proxy."""
    proxy.remove_toxic(toxic)
    _tell("fault removed", proxy, toxic)


def _tell(what: str, proxy: Proxy, toxic: Toxic) -> None:
    log.info(what, proxy=proxy.name, connections=len(proxy.connections), toxic=toxic.as_json())


async def _differs(proxy: Proxy, listen: str, upstream: str) -> bool:
    """Whether a proxy would have to be restarted; an address that cannot be resolved is ApiError 500."""
    try:
        wanted = str(await addresses.resolve(listen))
    except addresses.AddressError as error:
        raise ApiError(500, str(error)) from None
    present = proxy.listen
    host, colon, port = present.rpartition(":")
    if colon and host in {"", "0.0.0.0"}:
        present = f"[{addresses.WILDCARD}]:{port}"
    return wanted != present or upstream != proxy.upstream


async def _start(proxy: Proxy) -> None:
    try:
        await proxy.start()
    except addresses.AddressError as error:
        raise ApiError(500, str(error)) from None
