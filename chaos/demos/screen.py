"""How a story looks while it happens: events as they come, and beneath them one board that is kept up to date.

Without a terminal there is no board, and a line with the same figures every few seconds instead. Nothing is said in
colour alone.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from rich.console import Console, RenderableType
from rich.live import Live

LINE_SECONDS = 2.0
_FRAMES = 4


class Screen:
    """Where a story is told; its clock begins with it."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._begun = time.monotonic()

    def chapter(self, title: str, text: str = "") -> None:
        """A new part of the story, and what to look for."""
        self.console.print(f"\n[bold cyan]── {title}[/]", highlight=False)
        if text:
            self.console.print(f"   {text}", highlight=False)

    def event(self, text: str, at: float | None = None) -> None:
        """Something happened (`at` `time.monotonic()`, now where None)."""
        seconds = (time.monotonic() if at is None else at) - self._begun
        self.console.print(f"[dim]{seconds:6.1f} s[/]  {text}", highlight=False)

    @asynccontextmanager
    async def board(self, picture: Callable[[], RenderableType], line: Callable[[], str]) -> AsyncIterator[None]:
        """Keep a board on the screen while the block runs; `line` says the same in one line."""
        if self.console.is_terminal:
            with Live(get_renderable=picture, console=self.console, refresh_per_second=_FRAMES, transient=True):
                yield
            return
        printing = asyncio.create_task(self._print(line))
        try:
            yield
        finally:
            printing.cancel()

    async def _print(self, line: Callable[[], str]) -> None:
        while True:
            await asyncio.sleep(LINE_SECONDS)
            self.event(line())
