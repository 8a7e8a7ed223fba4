"""The routes of Toxiproxy's HTTP API: what a method and a path do, as an `Answer`."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from posixpath import normpath
from types import MappingProxyType
from typing import TypeAlias

from chaos.faultproxy import proxies as faults
from chaos.faultproxy import requests
from chaos.faultproxy.metrics import CONTENT_TYPE, VERSION, Metrics
from chaos.faultproxy.proxies import Proxies
from chaos.faultproxy.proxy import Proxy
from chaos.faultproxy.wire import JSON_TYPE, Answer, ApiError, encode, error_answer, json_answer, text_answer

Handler: TypeAlias = Callable[[bytes], Awaitable[Answer]]


class Api:
    """Finds the handler of a request and turns what it raises into an error object."""

    def __init__(self, proxies: Proxies, metrics: Metrics, *, accept_toxics: bool) -> None:
        self._proxies = proxies
        self._metrics = metrics
        self._accept_toxics = accept_toxics

    def route(self, method: str, path: str) -> Handler | Answer:
        """The handler for a decoded path, or the router's own answer: 301, 404, 405."""
        clean = _clean(path)
        if clean != path:
            return Answer(301, headers=MappingProxyType({"Location": clean}))
        methods = self._methods(path.split("/")[1:])
        if methods is None:
            return text_answer(404, "404 page not found")
        return methods.get(method) or methods.get("*") or Answer(405)

    def _methods(self, path: list[str]) -> Mapping[str, Handler] | None:  # noqa: PLR0911 - a table, one line a route
        match path:
            case ["version"]:
                return {"GET": self._version}
            case ["metrics"] if self._metrics.enabled:
                return {"*": self._show_metrics}
            case ["populate"]:
                return {"POST": self._populate}
            case ["reset"]:
                return {"POST": self._reset}
            case ["proxies"]:
                return {"GET": self._list, "POST": self._create}
            case ["proxies", name] if name:
                update = partial(self._update, name)
                show, delete = partial(self._show, name), partial(self._delete, name)
                return {"GET": show, "POST": update, "PATCH": update, "DELETE": delete}
            case ["proxies", name, "toxics"] if name:
                return {"GET": partial(self._list_toxics, name), "POST": partial(self._add_toxic, name)}
            case ["proxies", name, "toxics", toxic] if name and toxic:
                update = partial(self._update_toxic, name, toxic)
                show, delete = (
                    partial(self._show_toxic, name, toxic),
                    partial(self._remove_toxic, name, toxic),
                )
                return {"GET": show, "POST": update, "PATCH": update, "DELETE": delete}
        return None

    async def _version(self, _body: bytes) -> Answer:
        return Answer(200, f'{{"version": "{VERSION}"}}\n', "application/json;charset=utf-8")

    async def _show_metrics(self, _body: bytes) -> Answer:
        return Answer(200, self._metrics.text(), CONTENT_TYPE)

    async def _list(self, _body: bytes) -> Answer:
        return json_answer({proxy.name: proxy.as_json() for proxy in self._proxies.all()})

    async def _create(self, body: bytes) -> Answer:
        wanted = requests.new_proxy(body, accept_toxics=self._accept_toxics)
        return json_answer((await self._proxies.create(wanted)).as_json(), 201)

    async def _show(self, name: str, _body: bytes) -> Answer:
        return json_answer(self._proxies.get(name).as_json())

    async def _update(self, name: str, body: bytes) -> Answer:
        self._proxies.get(name)
        return json_answer((await self._proxies.update(name, requests.proxy_changes(body))).as_json())

    async def _delete(self, name: str, _body: bytes) -> Answer:
        await self._proxies.delete(name)
        return Answer(204)

    async def _list_toxics(self, name: str, _body: bytes) -> Answer:
        return json_answer(self._proxies.get(name).as_json()["toxics"])

    async def _add_toxic(self, name: str, body: bytes) -> Answer:
        proxy = self._proxies.get(name)
        toxic = requests.new_toxic(body, {toxic.name for toxic in proxy.toxics})
        faults.add_toxic(proxy, toxic)
        return json_answer(toxic.as_json())

    async def _show_toxic(self, name: str, toxic_name: str, _body: bytes) -> Answer:
        return json_answer(self._proxies.toxic(name, toxic_name)[1].as_json())

    async def _update_toxic(self, name: str, toxic_name: str, body: bytes) -> Answer:
        proxy, toxic = self._proxies.toxic(name, toxic_name)
        faults.update_toxic(proxy, toxic, *requests.changed_toxic(body, toxic))
        return json_answer(toxic.as_json())

    async def _remove_toxic(self, name: str, toxic_name: str, _body: bytes) -> Answer:
        faults.remove_toxic(*self._proxies.toxic(name, toxic_name))
        return Answer(204)

    async def _populate(self, body: bytes) -> Answer:
        done: list[Proxy] = []
        try:
            await self._proxies.populate(requests.new_proxies(body, accept_toxics=self._accept_toxics), done)
        except ApiError as error:
            failure = {"error": error.text, "status": error.status, "proxies": _shown(done)}
            return Answer(error.status, encode(failure), JSON_TYPE)
        return json_answer({"proxies": _shown(done)}, 201)

    async def _reset(self, _body: bytes) -> Answer:
        await self._proxies.reset()
        return Answer(204)


async def answer(handler: Handler, body: bytes) -> Answer:
    """What the handler says, or the error object for what it refuses."""
    try:
        return await handler(body)
    except ApiError as error:
        return error_answer(error)


def _shown(proxies: list[Proxy]) -> list[dict[str, object]] | None:
    # Read at the end: an entry that a later one of the same name has replaced shows as disabled.
    return [proxy.as_json() for proxy in proxies] or None


def _clean(path: str) -> str:
    """The path without empty, `.` and `..` segments; a slash at the end stays."""
    clean = "/" + normpath(path).lstrip("/")
    return clean + "/" if path.endswith("/") and clean != "/" else clean
