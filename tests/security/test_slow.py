"""Slow clients: who sends or reads drop by drop is cut off, and costs nobody else anything meanwhile."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from stormglass.testing import Platform
from tests.security.canary import everybody_gets_their_own
from tests.security.people import Person

pytestmark = pytest.mark.owasp("API4")

ARRIVAL_SECONDS = 20.0
"""The edge's limit for a request to arrive (`readTimeout`)."""

ANSWER_SECONDS = 30.0
"""From the end of a request's head until its answer must be taken (`writeTimeout`)."""

SLACK_SECONDS = 10.0
EACH = 25


def _drops(head: bytes, drop: bytes) -> Callable[[], Iterator[bytes]]:
    def pieces() -> Iterator[bytes]:
        yield head
        while True:
            yield drop

    return pieces


_HEAD = b"GET /products HTTP/1.1\r\nHost: a\r\n"
_BODY = b"POST /users HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"

SLOW = {
    "nothing": _drops(b"", b""),
    "half a request line": _drops(b"GET /prod", b""),
    "letters of a request line": _drops(b"GET /", b"a"),
    "a head that does not end": _drops(_HEAD, b"X-A: b\r\n"),
    "letters of a header field": _drops(_HEAD + b"X-A: ", b"b"),
    "a body that does not come": _drops(_BODY + b"Content-Length: 1000\r\n\r\n", b""),
    "a body letter by letter": _drops(_BODY + b"Content-Length: 1000\r\n\r\n{", b" "),
    "chunks letter by letter": _drops(_BODY + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "a chunk that does not come": _drops(_BODY + b"Transfer-Encoding: chunked\r\n\r\nfff\r\n", b""),
    "trailers that do not end": _drops(_BODY + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n", b"X: y\r\n"),
    "a body that was promised": _drops(_BODY + b"Expect: 100-continue\r\nContent-Length: 1000\r\n\r\n", b""),
}


def _lasts(sock: socket.socket, pieces: Iterator[bytes], end: float) -> float:
    """Send a piece a second, read what comes, and return after how long the server had enough (or at `end`)."""
    begun = time.monotonic()
    sock.settimeout(1.0)
    while time.monotonic() < end:
        try:
            sock.sendall(next(pieces))
            if not sock.recv(65536):
                break
        except TimeoutError:
            continue
        except OSError:
            break
    return time.monotonic() - begun


def test_slow_senders_are_cut_off_and_hold_nobody_up(platform: Platform) -> None:
    edge = platform.address("edge")
    host, _, port = edge.rpartition(":")
    lasted: dict[str, list[float]] = {name: [] for name in SLOW}
    with ExitStack() as stack:
        threads = []
        for name, pieces in SLOW.items():
            for _ in range(EACH):
                sock = stack.enter_context(socket.create_connection((host, int(port)), 10))
                end = time.monotonic() + ARRIVAL_SECONDS + 2 * SLACK_SECONDS
                threads.append(
                    threading.Thread(
                        target=lambda s=sock, p=pieces, e=end, n=name: lasted[n].append(_lasts(s, p(), e)), daemon=True
                    )
                )
        for thread in threads:
            thread.start()
        slowest = 0.0
        while any(thread.is_alive() for thread in threads):
            begun = time.monotonic()
            everybody_gets_their_own(edge, 2)
            slowest = max(slowest, time.monotonic() - begun)
            time.sleep(0.2)
        for thread in threads:
            thread.join()
    assert {name: len(times) for name, times in lasted.items()} == dict.fromkeys(SLOW, EACH)
    late = {name: max(times) for name, times in lasted.items() if max(times) > ARRIVAL_SECONDS + SLACK_SECONDS}
    assert late == {}
    assert slowest < 5, "three requests of others took this long"


def test_a_slow_reader_is_cut_off_and_holds_nobody_up(platform: Platform, customer: Person) -> None:
    edge = platform.address("edge")
    host, _, port = edge.rpartition(":")
    request = b"GET /products?limit=100 HTTP/1.1\r\nHost: a\r\n\r\n"
    with ExitStack() as stack:
        readers = []
        for _ in range(20):
            sock = socket.socket()
            # the less the two kernels take, the sooner it is the servers that wait
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.settimeout(10)
            sock.connect((host, int(port)))
            sock.setblocking(False)
            readers.append(stack.enter_context(sock))
        sent = dict.fromkeys(readers, 0)
        ended: set[socket.socket] = set()
        # a reader's time runs from when the kernels take no more of its answers: megabytes that are to be made first
        end = time.monotonic() + ANSWER_SECONDS + 8 * SLACK_SECONDS
        while len(ended) < len(readers) and time.monotonic() < end:
            for sock in set(readers) - ended:
                try:
                    sent[sock] += sock.send(request * 20)
                except BlockingIOError:
                    pass
                except OSError:
                    ended.add(sock)
            everybody_gets_their_own(edge, 2)
            assert customer.call("GET", "/users/me").status_code == 200
            time.sleep(0.5)
        assert all(sent.values())
        assert len(ended) == len(readers), f"{len(readers) - len(ended)} readers are still waited for"
