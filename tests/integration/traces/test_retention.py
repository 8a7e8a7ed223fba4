"""The limits of size and age, on a running store."""

from typing import Any

MIB = 1024 * 1024


def test_a_trace_goes_when_it_is_too_old(make_store: Any, make_export: Any) -> None:
    store = make_store(max_age_seconds=2)
    assert store.send(make_export(50)).status_code == 200
    assert store.http.get("/api/traces/1").status_code == 200
    store.until(lambda: store.http.get("/api/traces/1").status_code == 404, "the trace to be deleted")
    store.until(lambda: store.metric("trace_store_spans_evicted_total", reason="age") == 50, "the count")
    assert store.metric("trace_store_traces_evicted_total", reason="age") == 50
    assert store.http.get("/api/search").json()["traces"] == []


def test_the_file_stays_within_its_limit_and_the_oldest_goes_first(make_store: Any, make_export: Any) -> None:
    store = make_store(max_bytes=4 * MIB)
    sizes = []
    for first in range(1, 30_001, 500):
        assert store.send(make_export(500, first=first, padding=200)).status_code == 200
        sizes.append(store.database.stat().st_size)
    store.until(lambda: store.database.stat().st_size <= 4 * MIB, "the file to shrink")
    # 500 spans of 300 bytes and their indexes: what one commit can add before the next step of retention
    assert max(sizes) < 5 * MIB
    assert store.http.get("/api/traces/1").status_code == 404
    assert store.http.get(f"/api/traces/{30_000:x}").status_code == 200
    evicted = store.metric("trace_store_spans_evicted_total", reason="size")
    assert 20_000 < evicted < 30_000
    assert store.metric("trace_store_database_bytes") <= 4 * MIB


def test_one_huge_trace_cannot_hold_the_limit_open(make_store: Any, make_export: Any) -> None:
    store = make_store(max_bytes=MIB)
    for first in range(1, 8_001, 1_000):
        export = make_export(1_000, first=first, trace_id="ab" * 16, padding=200)
        assert store.send(export).status_code == 200
    store.until(lambda: store.database.stat().st_size <= MIB, "the file to shrink")
    assert store.metric("trace_store_spans_evicted_total", reason="size") > 0
