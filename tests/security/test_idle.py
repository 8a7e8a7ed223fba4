"""Two thousand connections that do nothing: the others are served meanwhile, and nothing is left of them afterwards."""

import socket
import time
from contextlib import ExitStack

import pytest

from stormglass.testing import Platform, eventually
from tests.security.canary import Canary, everybody_gets_their_own
from tests.security.people import Person
from tests.security.resources import allow_descriptors, held, processes
from tests.security.wire import Wire

pytestmark = pytest.mark.owasp("API4")

CONNECTIONS = 2_000
WATCHED = ("edge", "faultproxy", "gateway")

MORE_DESCRIPTORS = 60
"""Connections between edge and gateways that are kept for the next requests, with their two ends in the proxy."""

MORE_MEBIBYTES = 100.0
"""An idle connection costs the edge some 20 KiB, and a garbage collector gives pages back in its own time."""


def test_two_thousand_idle_connections(platform: Platform, customer: Person) -> None:
    edge = platform.address("edge")
    host, _, port = edge.rpartition(":")
    allow_descriptors(CONNECTIONS + 500)
    everybody_gets_their_own(edge, 20)
    watched = processes(platform, *WATCHED)
    before = held(watched)
    with ExitStack() as stack:
        for number in range(CONNECTIONS):
            sock = stack.enter_context(socket.create_connection((host, int(port)), 10))
            if number % 4 == 1:
                sock.sendall(b"GET /products HTTP/1.1\r\nHost: a\r\n")
            # few enough for all connections to stand before the edge's 20 s for the first of them are over
            if number % 16 == 2:
                sock.sendall(Canary().request())
                answer = Wire(sock).answer()
                assert answer is not None
                assert answer.status == 404
        during = held(watched)
        # they are really there
        assert during["edge"].descriptors >= before["edge"].descriptors + CONNECTIONS * 0.9
        for name in set(during) - {"edge"}:
            # and nowhere else: who does not ask anything is kept away from all that is behind
            assert during[name].descriptors <= before[name].descriptors + MORE_DESCRIPTORS, name
        waited = []
        for _ in range(50):
            begun = time.monotonic()
            assert customer.call("GET", "/users/me").status_code == 200
            everybody_gets_their_own(edge, 1)
            waited.append(time.monotonic() - begun)
        assert sorted(waited)[len(waited) // 2] < 0.5
        assert max(waited) < 5

    def given_back() -> bool:
        after = held(watched)
        return all(now.descriptors <= before[name].descriptors + MORE_DESCRIPTORS for name, now in after.items())

    eventually(given_back, seconds=60, every=0.5, what="the descriptors are given back")
    for name, now in held(watched).items():
        assert now.mebibytes <= before[name].mebibytes + MORE_MEBIBYTES, name
