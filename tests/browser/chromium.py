"""A headless Chromium, driven by its DevTools protocol: what a page shows, what it asks for, what it complains of."""

import asyncio
import contextlib
import itertools
import json
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
ON_MACOS = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
START_SECONDS = 30.0
ANSWER_SECONDS = 30.0

QUIET = (
    # in a container there is no name space for the sandbox, and the pages are our own
    "--no-sandbox",
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--window-size=1280,1024",
    "--remote-debugging-port=0",
)
"""Nothing is asked of anybody but what a page asks for itself."""


def program() -> Path | None:
    """The browser of this machine, if it has one."""
    found = next(filter(None, map(shutil.which, PROGRAMS)), None)
    return Path(found) if found else ON_MACOS if ON_MACOS.is_file() else None


@dataclass
class Tab:
    """One page at a time. `asked` are the addresses it asked for, `complaints` its errors and warnings."""

    socket: aiohttp.ClientWebSocketResponse
    asked: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    loaded: bool = False

    async def open(self, url: str) -> None:
        """Go to a page; returns when all of it was loaded and painted."""
        self.asked.clear()
        self.complaints.clear()
        self.loaded = False
        await self.call("Page.navigate", url=url)
        while not self.loaded:
            await self._next()
        await self.run("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))")

    async def run(self, script: str) -> Any:
        """The value of an expression in the page."""
        asked = {"expression": script, "returnByValue": True, "awaitPromise": True}
        answer = await self.call("Runtime.evaluate", **asked)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    async def call(self, method: str, **parameters: Any) -> Any:
        """One command of the protocol; events that come first are taken into account."""
        number = next(self.numbers)
        await self.socket.send_json({"id": number, "method": method, "params": parameters})
        while True:
            message = await self._next()
            if message.get("id") == number:
                assert "error" not in message, message
                return message["result"]

    async def _next(self) -> Any:
        message = json.loads(await self.socket.receive_str(timeout=ANSWER_SECONDS))
        said = message.get("params", {})
        match message.get("method"):
            case "Page.loadEventFired":
                self.loaded = True
            case "Network.requestWillBeSent":
                self.asked.append(said["request"]["url"])
            case "Runtime.exceptionThrown":
                self.complaints.append(json.dumps(said["exceptionDetails"]))
            case "Runtime.consoleAPICalled" if said["type"] in {"error", "warning", "assert"}:
                self.complaints.append(json.dumps(said["args"]))
            case "Log.entryAdded" if said["entry"]["level"] in {"error", "warning"}:
                self.complaints.append(said["entry"]["text"])
        return message


@asynccontextmanager
async def started(executable: Path) -> AsyncIterator[Tab]:
    """A browser of its own, with an empty profile, gone at the end."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = await asyncio.create_subprocess_exec(
            str(executable),
            *QUIET,
            f"--user-data-dir={profile}",
            "about:blank",
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            port = await _port(Path(profile) / "DevToolsActivePort")
            async with (
                aiohttp.ClientSession(f"http://127.0.0.1:{port}") as http,
                http.ws_connect(await _page(http), max_msg_size=0) as socket,
            ):
                tab = Tab(socket)
                for domain in ("Page", "Runtime", "Log", "Network"):
                    await tab.call(f"{domain}.enable")
                yield tab
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            await process.wait()


async def _port(file: Path) -> int:
    async with asyncio.timeout(START_SECONDS):
        while (port := _told(file)) is None:  # noqa: ASYNC110 - another process writes the file
            await asyncio.sleep(0.05)
    return port


async def _page(http: aiohttp.ClientSession) -> str:
    """The address of the first page; the browser may answer before it has one."""
    async with asyncio.timeout(START_SECONDS):
        while True:
            async with http.get("/json/list") as answer:
                pages = [each for each in await answer.json(content_type=None) if each["type"] == "page"]
            if pages:
                return str(pages[0]["webSocketDebuggerUrl"])
            await asyncio.sleep(0.05)


def _told(file: Path) -> int | None:
    """The port, once the browser has written it whole: the name of its socket follows in a second line."""
    lines = file.read_text().split("\n") if file.exists() else []
    return int(lines[0]) if len(lines) > 1 else None
