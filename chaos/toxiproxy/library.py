"""toxiproxy-python, once per server: with time limits and with errors that say what the server said.

The library keeps the server's address in a class that its modules share, so one process can talk to one server only;
it sets no time limits, and an answer it did not expect surfaces as `KeyError`. A private copy of its modules per
server, with the one class that speaks HTTP replaced, changes that without changing the library for anybody else.
"""

import importlib.util
import itertools
import sys
from types import ModuleType
from typing import Any, Final

import requests

from chaos.toxiproxy.errors import ToxiproxyError, UnreachableError

_copies: Final = itertools.count(1)


class Http:
    """Takes the place of the library's `APIConsumer`: same calls, but an object with an address of its own."""

    def __init__(self, host: str, port: int, seconds: float) -> None:
        self._address = f"http://{host}:{port}"
        self._seconds = seconds
        self._session = requests.Session()
        # The way to a fault proxy never leads through the proxies of the environment.
        self._session.trust_env = False

    def get(self, url: str, params: Any = None, **more: Any) -> requests.Response:
        """GET a path."""
        return self.ask("GET", url, params=params, **more)

    def delete(self, url: str, **more: Any) -> requests.Response:
        """DELETE a path."""
        return self.ask("DELETE", url, **more)

    def post(self, url: str, data: Any = None, json: Any = None, **more: Any) -> requests.Response:
        """POST to a path."""
        return self.ask("POST", url, data=data, json=json, **more)

    def ask(self, method: str, url: str, **more: Any) -> requests.Response:
        """One request; ToxiproxyError for every status from 400 on, UnreachableError when there is no answer."""
        try:
            answer = self._session.request(method, self._address + url, timeout=self._seconds, **more)
        except requests.RequestException as error:
            raise UnreachableError(self._address, _reason(error, self._seconds)) from None
        if answer.status_code >= 400:
            raise ToxiproxyError(answer.status_code, _text(answer))
        return answer

    def close(self) -> None:
        """Close the connections that are kept for further requests."""
        self._session.close()


def private_copy(http: Http) -> ModuleType:
    """The library's package, loaded apart from every other copy and speaking through `http`."""
    found = importlib.util.find_spec("toxiproxy")
    if found is None or found.origin is None or found.loader is None:
        raise ImportError("toxiproxy-python is not installed")
    name = f"_toxiproxy_{next(_copies)}"
    spec = importlib.util.spec_from_file_location(
        name, found.origin, submodule_search_locations=list(found.submodule_search_locations or [])
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"cannot load toxiproxy-python from {found.origin}")
    package = importlib.util.module_from_spec(spec)
    sys.modules[name] = package
    try:
        spec.loader.exec_module(package)
        # Both modules look the class up by this name at every call.
        for part in (f"{name}.proxy", f"{name}.server"):
            sys.modules[part].APIConsumer = http  # type: ignore[attr-defined] # a module attribute set on purpose
    finally:
        # Its imports are done: keep nothing that would grow with every adapter.
        for loaded in [loaded for loaded in sys.modules if loaded == name or loaded.startswith(f"{name}.")]:
            del sys.modules[loaded]
    return package


def _text(answer: requests.Response) -> str:
    try:
        return str(answer.json()["error"])
    except (ValueError, KeyError, TypeError):
        return answer.text.strip() or answer.reason


def _reason(error: requests.RequestException, seconds: float) -> str:
    if isinstance(error, requests.Timeout):
        return f"no answer in {seconds:g} s"
    return "connection refused" if "refused" in str(error) else str(error)
