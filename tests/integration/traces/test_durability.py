"""What was answered with 200 is there after any end of the process."""

import signal
import sqlite3
import threading
import time
from typing import Any

import httpx


class Sender(threading.Thread):
    """Sends one span at a time, as fast as the store answers, and remembers what was acknowledged."""

    def __init__(self, store: Any, make_export: Any, first: int) -> None:
        super().__init__(daemon=True)
        self._url, self._make, self._next = store.url, make_export, first
        self.acknowledged: list[int] = []
        self.statuses: set[int] = set()

    def run(self) -> None:
        headers = {"Content-Type": "application/x-protobuf"}
        with httpx.Client(base_url=self._url, timeout=30) as http:
            while True:
                body = self._make(first=self._next).SerializeToString()
                try:
                    answer = http.post("/v1/traces", content=body, headers=headers)
                except httpx.TransportError:
                    return
                self.statuses.add(answer.status_code)
                if answer.status_code == 200:
                    self.acknowledged.append(self._next)
                self._next += 1


def test_nothing_acknowledged_is_lost_by_kill_9(store: Any, make_export: Any) -> None:
    acknowledged: list[int] = []
    for round_number in range(3):
        senders = [Sender(store, make_export, 1 + 1_000_000 * (10 * round_number + n)) for n in range(6)]
        for sender in senders:
            sender.start()
        store.until(lambda all_=senders: all(len(s.acknowledged) > 20 for s in all_), "every sender to be served")
        store.stop(signal.SIGKILL)
        for sender in senders:
            sender.join(30)
            assert sender.statuses == {200}
            acknowledged += sender.acknowledged
        store.start()
    stored = {int.from_bytes(span_id, "big") for (span_id,) in rows(store, "SELECT span_id FROM spans")}
    assert set(acknowledged) - stored == set()
    assert rows(store, "PRAGMA integrity_check") == [("ok",)]
    assert store.http.get(f"/api/traces/{acknowledged[-1]:x}").status_code == 200


def test_sigterm_finishes_what_was_accepted(store: Any, make_export: Any) -> None:
    sender = Sender(store, make_export, 1)
    sender.start()
    store.until(lambda: len(sender.acknowledged) > 20, "the sender to be served")
    store.stop(signal.SIGTERM)
    sender.join(30)
    store.start()
    stored = {int.from_bytes(span_id, "big") for (span_id,) in rows(store, "SELECT span_id FROM spans")}
    assert set(sender.acknowledged) - stored == set()


def test_when_the_disk_is_stuck_the_queue_fills_and_then_refuses_at_once(make_store: Any, make_export: Any) -> None:
    store = make_store(queue_spans=100, commit_timeout_seconds=4)
    answers: dict[int, httpx.Response] = {}

    def send(first: int) -> None:
        answers[first] = store.send(make_export(90, first=first))

    blocker = sqlite3.connect(store.database, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    waiting = threading.Thread(target=send, args=(1,))
    waiting.start()
    store.until(lambda: store.metric("trace_store_queue_spans") == 90, "the first batch to wait")
    for attempt in range(1, 4):
        begun = time.monotonic()
        refused = store.send(make_export(90, first=1_000 * attempt))
        assert time.monotonic() - begun < 1.5
        assert refused.status_code == 503
        assert int(refused.headers["Retry-After"]) >= 1
    assert store.metric("trace_store_spans_dropped_total", reason="queue_full") == 270
    assert store.metric("trace_store_queue_spans") == 90
    blocker.rollback()
    waiting.join(30)
    assert answers[1].status_code == 200
    assert store.send(make_export(90, first=5_000)).status_code == 200
    assert store.metric("trace_store_spans_stored_total") == 180


def test_a_slow_disk_ends_the_wait_and_a_second_try_stores_nothing_twice(make_store: Any, make_export: Any) -> None:
    store = make_store(commit_timeout_seconds=2)
    blocker = sqlite3.connect(store.database, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    slow = store.send(make_export(10))
    assert slow.status_code == 503
    assert store.metric("trace_store_spans_dropped_total", reason="commit_timeout") == 10
    blocker.rollback()
    store.until(lambda: store.metric("trace_store_spans_stored_total") == 10, "the late commit")
    assert store.send(make_export(10)).status_code == 200
    assert store.metric("trace_store_spans_duplicate_total") == 10
    assert rows(store, "SELECT count(*) FROM spans") == [(10,)]


def rows(store: Any, query: str) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(store.database)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()
