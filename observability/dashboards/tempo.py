"""Whether the searches that panels lead to find something: asked of the trace store, or of Tempo."""

import time
from types import TracebackType
from typing import Self

import httpx

from observability.dashboards.live import TIMEOUT_SECONDS

_FEW = 20


class TraceSearchError(RuntimeError):
    """The trace store cannot be asked, or does not understand the question; the text says which one."""


class TraceSearch:
    """A server with Tempo's API at `url`; the page's variables stand for everything."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._http = httpx.Client(base_url=url, timeout=TIMEOUT_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._http.close()

    def starts(self, traceql: str, *, seconds: float) -> list[float]:
        """When the traces began that a query finds in the last `seconds`; at most a few, newest first.

        Raises:
            TraceSearchError: no answer, or an error instead of one.
        """
        now = time.time()
        asked: dict[str, str | int] = {
            "q": traceql.replace("$service", ".*"),
            "limit": _FEW,
            "start": int(now - seconds),
            "end": int(now) + 1,
        }
        try:
            answer = self._http.get("/api/search", params=asked)
            body = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise TraceSearchError(f"the trace store at {self._url} does not answer: {error}; is it up?") from error
        if answer.status_code != httpx.codes.OK:
            raise TraceSearchError(f"the trace store refuses {traceql}: {body.get('message', answer.text)}")
        return sorted((int(each["startTimeUnixNano"]) / 1e9 for each in body.get("traces", [])), reverse=True)
