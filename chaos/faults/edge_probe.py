"""One question over an edge, in the language of its server, with the time until the first bytes of the answer."""

import asyncio
import struct
import time
from dataclasses import dataclass
from typing import Final

from stormglass.runtime.network import HostPort
from stormglass.topology import Edge

_SSL_REQUEST: Final = struct.pack("!ii", 8, 80877103)
"""PostgreSQL's SSLRequest: answered by one byte (`S` or `N`) before anybody has to say who they are."""

_MOST: Final = 65536


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: `seconds` until the first bytes (or until `end`), how many came, and how it ended.

    `end` is `answered`, `silence` (nothing within the limit), `closed`, `reset` or `refused`.
    """

    end: str
    seconds: float
    received: int = 0

    def __str__(self) -> str:
        came = f", {self.received} bytes" if self.received else ""
        return f"{self.end} after {self.seconds * 1000:.0f} ms{came}"


def question(edge: Edge) -> bytes | None:
    """What to say: nothing where the server speaks first (None: SMTP)."""
    match edge.label:
        case "postgres":
            return _SSL_REQUEST
        case "redis":
            return b"PING\r\n"
        case "mail":
            return None
        case label:
            # every HTTP server answers this, if only with 404
            path = "/livez" if label.endswith(":admin") else "/"
            return f"GET {path} HTTP/1.1\r\nHost: {label}\r\nConnection: close\r\n\r\n".encode()


async def ask(edge: Edge, at: HostPort, seconds: float) -> Answer:
    """Connect, ask, and read until the peer pauses; never longer than `seconds`."""
    begin = time.perf_counter()
    first = 0.0
    received = 0
    writer: asyncio.StreamWriter | None = None
    try:
        async with asyncio.timeout(seconds):
            reader, writer = await asyncio.open_connection(*at)
            said = question(edge)
            if said is not None:
                writer.write(said)
            while received < _MOST and (data := await reader.read(_MOST)):
                first = first or time.perf_counter() - begin
                received += len(data)
                if edge.label in {"postgres", "redis", "mail"}:
                    break  # these keep the connection; HTTP was told to close it
        end = "answered" if received else "closed"
    except ConnectionRefusedError:
        end = "refused"
    except ConnectionError:
        end = "answered" if received else "reset"
    except TimeoutError:
        end = "answered" if received else "silence"
    finally:
        if writer is not None:
            writer.transport.abort()
    return Answer(end, first or time.perf_counter() - begin, received)
