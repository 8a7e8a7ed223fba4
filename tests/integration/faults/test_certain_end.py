"""Whatever is killed, a fault ends: what is between the keeper and the proxy server, over both servers."""

import os
import signal
import time
from dataclasses import replace

import httpx
import psutil
import pytest

from chaos.engine.journal import Journal, journal_path
from chaos.engine.model import State
from stormglass.testing import eventually
from tests.integration.faults.conftest import Stage

EDGE = "users→redis"


@pytest.mark.parametrize("applied", [0, 1, 2])
def test_a_keeper_that_dies_between_intent_and_apply_leaves_nothing(stage: Stage, applied: int) -> None:
    fault = stage.journal(stage.add(EDGE, "latency", "latency=5", "--stream", "both", "--ttl", "600s")["id"])
    stage.stop_keeper()
    # exactly what a kill in the middle leaves: the intent on disk, none, one or both of the toxics, no record
    with Journal(journal_path(stage.bench.instance)) as journal:
        journal.change(fault.id, state=State.ENDED)
        half = replace(fault, id=f"half{applied}", state=State.INTENDED, record={}, observation="")
        journal.add(half)
    port = stage.bench.instance.port("toxiproxy")
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as server:
        for toxic in stage.proxy(EDGE).toxics:
            server.delete(f"/proxies/{EDGE}/toxics/{toxic.name}").raise_for_status()
        for stream in ("upstream", "downstream")[:applied]:
            name = f"fault-{half.id}-{stream}"
            body = {"name": name, "type": "latency", "stream": stream, "attributes": {"latency": 5}}
            server.post(f"/proxies/{EDGE}/toxics", json=body).raise_for_status()
    assert len(stage.proxy(EDGE).toxics) == applied
    stage.start_keeper()
    stage.until_ended(half.id)
    assert stage.proxy(EDGE).toxics == ()


def test_clear_works_while_the_keeper_is_down(stage: Stage) -> None:
    stage.add(EDGE, "latency", "latency=5", "--ttl", "600s")
    stage.add("worker→mail", "down", "--ttl", "600s")
    stage.stop_keeper()
    try:
        assert {each["type"] for each in stage.faults()} == {"latency", "down"}
        _, err = stage.bench.run("fault", "add", "orders→redis", "latency", "latency=5", code=1)
        assert "nobody would take a fault back" in err
        stage.bench.run("fault", "clear")
        assert stage.proxy(EDGE).toxics == ()
        assert stage.proxy("worker→mail").enabled
    finally:
        stage.start_keeper()
    assert stage.faults() == []
    assert stage.proxy(EDGE).toxics == ()


def test_a_restarted_proxy_server_gets_its_faults_back_for_the_time_that_is_left(stage: Stage) -> None:
    fault = stage.add(EDGE, "latency", "latency=5", "--stream", "both", "--ttl", "18s")
    stage.add("worker→mail", "down", "--ttl", "18s")
    before = stage.pid("faultproxy")
    os.kill(before, signal.SIGKILL)
    eventually(lambda: stage.pid("faultproxy") != before, what="the proxy server is restarted")
    eventually(lambda: len(stage.proxy(EDGE).toxics) == 2, what="the toxics are back")
    eventually(lambda: not stage.proxy("worker→mail").enabled, what="the edge is down again")
    # the keeper writes it down after the server has done it
    eventually(lambda: stage.journal(fault["id"]).restored >= 1, what="the keeper says that it put it back")
    stage.until_ended(fault["id"])
    assert stage.proxy(EDGE).toxics == ()
    assert time.time() - fault["expires_at"] < 5


def test_an_undo_that_fails_is_repeated_and_visible_until_it_works(stage: Stage) -> None:
    server = psutil.Process(stage.pid("faultproxy"))
    # long enough that it is not over before the server is suspended
    fault = stage.add(EDGE, "latency", "latency=5", "--ttl", "8s")
    server.suspend()
    try:
        eventually(lambda: stage.journal(fault["id"]).attempts >= 2, seconds=60, what="two failed attempts")
        (shown,) = stage.faults()
        assert shown["state"] in {"failed-to-undo", "undoing"}
        assert "no answer" in shown["reason"]
        _, err = stage.bench.run("fault", "clear", code=1)
        assert "not yet taken back" in err
        metrics = httpx.get(f"http://{stage.bench.instance.address('faults:admin')}/metrics", trust_env=False).text
        assert f'faults_active{{target="{EDGE}",type="latency"}} 1.0' in metrics
        assert 'fault_undo_failures_total{type="latency"}' in metrics
    finally:
        server.resume()
    stage.until_ended(fault["id"])
    assert stage.proxy(EDGE).toxics == ()
