"""Requests to one replica's traffic port, as another process of the platform (or the gateway) would send them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

from stormglass.testing import Platform

ORDERS = ("service:orders", ())
ADMINISTRATOR = ("5d0e8a52-4f0c-4f2f-9a2e-111111111111", ("products:write",))

Who = tuple[str, tuple[str, ...]]


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.raw)

    @property
    def problem(self) -> str:
        assert self.headers["Content-Type"] == "application/problem+json"
        assert self.body["status"] == self.status
        return str(self.body["type"]).removeprefix("urn:stormglass:problem:")


class Client:
    def __init__(self, session: aiohttp.ClientSession, platform: Platform, service: str) -> None:
        self._session = session
        self._platform = platform
        self._service = service

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        who: Who | None = None,
        replica: int = 1,
        address: str = "",
        headers: Mapping[str, str] | None = None,
        credential: str = "",
    ) -> Answer:
        sent = dict(headers or {})
        if who is not None:
            sent["X-Stormglass-Identity"] = self._platform.identity(*who, credential=credential)
        url = f"http://{address or self._platform.address(self._service, replica)}{path}"
        async with self._session.request(method, url, json=body, headers=sent) as response:
            return Answer(response.status, response.headers.copy(), await response.read())
