"""All pages as a folder of files that lead to each other, and the traces of the slowest requests beside them."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from observability.dashboards.definition import Dashboard
from observability.dashboards.html import Surroundings, draw
from observability.dashboards.live import Prometheus
from observability.traces.client import TraceClient
from observability.traces.loglines import lines_of_each
from observability.traces.page.document import page as trace_page
from stormglass.runtime.errors import RuntimeFailure

TRACES = "traces"
"""Folder of the traces' pages, below the pages'."""


def write(
    pages: Sequence[Dashboard], folder: Path, prometheus: Prometheus, traces: str, *, instance: str, seconds: float
) -> list[Path]:
    """Write every page and `index.html`, which is the first one; `traces` is the trace store's URL.

    Raises:
        PrometheusError: Prometheus does not answer at all.
    """
    (folder / TRACES).mkdir(parents=True, exist_ok=True)
    wanted: dict[str, None] = {}

    def trace(trace_id: str) -> str:
        wanted[trace_id] = None
        return f"{TRACES}/{trace_id}.html"

    around = Surroundings(tuple((page.uid, page.title) for page in pages), trace)
    written = []
    for page in pages:
        text = draw(page, prometheus, instance=instance, seconds=seconds, around=around)
        written.append(folder / f"{page.uid}.html")
        written[-1].write_text(text, encoding="utf-8")
    first = f'<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url={written[0].name}">\n'
    (folder / "index.html").write_text(first, encoding="utf-8")
    written.extend(asyncio.run(_traces(list(wanted), folder / TRACES, traces, instance)))
    return written


async def _traces(wanted: Sequence[str], folder: Path, url: str, instance: str) -> list[Path]:
    """A page for each trace; one that the store has let go of says so."""
    written, lines = [], lines_of_each(instance, wanted)
    async with TraceClient(url) as client:
        for trace_id in wanted:
            path = folder / f"{trace_id}.html"
            try:
                found = await client.trace(trace_id)
            except RuntimeFailure as error:
                text = f"<!doctype html><p>The trace store does not answer: {error}\n"
            else:
                gone = f"<!doctype html><p>The trace store has no trace {trace_id}: it was not kept.\n"
                text = trace_page(found, lines[trace_id]) if found else gone
            path.write_text(text, encoding="utf-8", errors="replace")
            written.append(path)
    return written
