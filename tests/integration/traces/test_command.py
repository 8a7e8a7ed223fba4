"""`stormglass trace` against the real store."""

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from observability.traces.commands import register
from stormglass.runtime.instance import Instance

TRACE = "5b8efff798038103d269b633813fc60c"


def run(*arguments: str) -> Result:
    app = typer.Typer()
    app.callback()(lambda: None)
    register(app)
    return CliRunner().invoke(app, ["trace", *arguments])


@pytest.fixture
def order(store: Any, make_export: Any) -> str:
    root = make_export(first=1, trace_id=TRACE, name="POST", service="edge")
    span = root.resource_spans[0].scope_spans[0].spans[0]
    span.attributes.add(key="http.request.method").value.string_value = "POST"
    span.attributes.add(key="http.route").value.string_value = "/orders"
    store.send(root)
    store.send(make_export(first=2, trace_id=TRACE, parent=f"{1:016x}", name="POST /orders", service="orders"))
    store.send(make_export(first=5_000, name="GET /products", service="edge"))
    return TRACE


def test_json(store: Any, order: str) -> None:
    result = run(order, "--json", "--url", store.url)
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["trace_id"] == order
    assert document["complete"] is True
    assert [span["service"] for span in document["spans"]] == ["edge", "orders"]
    assert document["spans"][1]["parent_span_id"] == document["spans"][0]["span_id"]
    assert {
        "span_id", "parent_span_id", "name", "service", "kind", "start_time_unix_nano", "end_time_unix_nano",
        "duration_ms", "attributes", "events", "links", "status",
    } <= set(document["spans"][0])  # fmt: skip
    assert document["spans"][0]["duration_ms"] == pytest.approx(200)


def test_a_page_holds_the_log_lines_of_the_instance(
    store: Any, order: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STORMGLASS_HOME", str(tmp_path / "home"))
    instance = Instance("other", tmp_path / "home", 39_000)
    instance.save()
    lines = [
        {"timestamp": "2026-11-25T00:00:01Z", "trace_id": order, "span_id": f"{2:016x}", "event": "order placed"},
        {"timestamp": "2026-11-25T00:00:02Z", "trace_id": "f" * 32, "event": "of another trace"},
    ]
    instance.log("orders-1").write_text("\n".join(json.dumps(line) for line in lines))
    file = tmp_path / "trace.html"
    result = run(order, "--html", str(file), "--url", store.url, "--instance", "other")
    assert result.exit_code == 0, result.output
    assert "2 spans, 1 log lines" in result.stdout
    text = file.read_text(encoding="utf-8")
    assert "order placed" in text
    assert "of another trace" not in text
    assert order in text


def test_a_page_is_written_without_log_lines_where_there_are_none(store: Any, order: str, tmp_path: Path) -> None:
    file = tmp_path / "trace.html"
    assert "2 spans, 0 log lines" in run(order, "--html", str(file), "--url", store.url).stdout
    assert "could not be read" not in file.read_text(encoding="utf-8")
    result = run(order, "--html", str(file), "--url", store.url, "--instance", "nobody")
    assert result.exit_code == 0, result.output
    assert "log lines could not be read" in file.read_text(encoding="utf-8")
    nowhere = run(order, "--html", str(tmp_path / "no" / "where.html"), "--url", store.url)
    assert "cannot be written" in str(nowhere.exception)
    assert run(order, "--html", str(file), "--json", "--url", store.url).exit_code == 2


def test_last_is_the_newest_order_and_a_prefix_is_enough(store: Any, order: str) -> None:
    for arguments in (["--last"], [order[:8]], [order.upper()]):
        result = run(*arguments, "--url", store.url)
        assert result.exit_code == 0, result.output
        assert order in result.stdout
        assert "└ POST /orders" in result.stdout


def test_wait_ends_when_the_missing_parent_has_arrived(store: Any, make_export: Any) -> None:
    store.send(make_export(first=2, trace_id=TRACE, parent=f"{1:016x}", name="child"))
    late = threading.Timer(1.0, lambda: store.send(make_export(first=1, trace_id=TRACE, name="root")))
    late.start()
    begun = time.monotonic()
    result = run(TRACE, "--json", "--wait", "30", "--url", store.url)
    assert 2 < time.monotonic() - begun < 25
    document = json.loads(result.stdout)
    assert document["complete"] is True
    assert len(document["spans"]) == 2


def test_wait_gives_up_with_a_warning_and_what_there_is(store: Any, make_export: Any) -> None:
    store.send(make_export(first=2, trace_id=TRACE, parent=f"{1:016x}", name="child"))
    result = run(TRACE, "--wait", "0.5", "--url", store.url)
    assert result.exit_code == 0
    assert "not complete after 0.5 s: parents still missing: 1" in result.stderr
    assert "child" in result.stdout


def test_errors_say_what_to_do(store: Any, make_export: Any) -> None:
    unknown = run("f" * 32, "--url", store.url)
    assert unknown.exit_code == 1
    assert "--wait" in str(unknown.exception)
    assert "too short" in str(run("abcd", "--url", store.url).exception)
    assert "not a trace id" in str(run("no-hex-here", "--url", store.url).exception)
    assert "the trace store is empty" in str(run("--last", "--url", store.url).exception)
    store.send(make_export(first=0xABCDEF01_0, trace_id="abcdef01" + "1" * 24))
    store.send(make_export(first=0xABCDEF02_0, trace_id="abcdef01" + "2" * 24))
    assert "the beginning of 2 traces" in str(run("abcdef01", "--url", store.url).exception)
    store.stop()
    assert "is it running?" in str(run("f" * 32, "--url", store.url).exception)
    assert run("--url", store.url).exit_code == 2
