"""What the services behind the gateways answer on some paths, for tests of what is made of several answers."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from aiohttp import web
from multidict import CIMultiDict

from tests.integration.gateway.standin import StandIn


class Page:
    """Answers with `value` as JSON (text: as it is) after `seconds`, as a problem where `status` is an error's."""

    def __init__(
        self, value: Any, status: int = 200, *, seconds: float = 0.0, headers: Mapping[str, str] | None = None
    ) -> None:
        self.value = value
        self.status = status
        self.seconds = seconds
        self.headers = dict(headers or {})
        self.asked: list[CIMultiDict[str]] = []
        self.targets: list[str] = []
        self.under_way = 0
        self.most_at_once = 0

    async def __call__(self, request: web.BaseRequest) -> web.Response:
        self.asked.append(CIMultiDict(request.headers))
        self.targets.append(request.raw_path)
        self.under_way += 1
        self.most_at_once = max(self.most_at_once, self.under_way)
        try:
            await asyncio.sleep(self.seconds)
        finally:
            self.under_way -= 1
        text = self.value if isinstance(self.value, str) else json.dumps(self.value)
        kind = "application/json" if self.status < 400 else "application/problem+json"
        return web.Response(text=text, status=self.status, content_type=kind, headers=self.headers)


@contextmanager
def serving(standin: StandIn, pages: Mapping[str, Page]) -> Iterator[None]:
    """Let the stand-in have these pages while a block runs."""
    standin.pages |= pages
    try:
        yield
    finally:
        for path in pages:
            del standin.pages[path]
