"""Searches on a real file: their bounds, and how SQLite goes about them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from observability.traces.answers import search_answer
from observability.traces.query.prefilter import needed, traces_needed
from observability.traces.query.spansets import filters
from observability.traces.queue import IngestQueue
from observability.traces.requests import SearchRequest, TagsRequest
from observability.traces.retention import Retention
from observability.traces.rows import batch_of
from observability.traces.schema import open_for_writing, reading
from observability.traces.search import COLUMNS, Searcher
from observability.traces.tags import TagReader
from observability.traces.writer import Writer

TRACES, SPANS = 20, 5


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    """Twenty traces of five spans each, `span 0` to `span 4`, one second apart."""
    path = tmp_path / "traces.db"
    connection = open_for_writing(path)
    queue = IngestQueue(max_spans=1_000, max_bytes=1_000_000)
    writer = Writer(connection, queue, Retention(connection, max_bytes=2**30, max_age_seconds=3_600))
    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add()
    resource_spans.resource.attributes.add(key="service.name").value.string_value = "tester"
    spans = resource_spans.scope_spans.add().spans
    for trace in range(1, TRACES + 1):
        for number in range(SPANS):
            span = spans.add(
                trace_id=trace.to_bytes(16, "big"),
                span_id=(100 * trace + number).to_bytes(8, "big"),
                name=f"span {number}",
                start_time_unix_nano=trace * 1_000_000_000,
                end_time_unix_nano=trace * 1_000_000_000 + 5,
            )
            span.attributes.add(key="trace").value.int_value = trace
    queue.put(batch_of(request)).result(10)
    queue.close()
    writer.join()
    yield path
    connection.close()


def search(path: Path, query: str, **bounds: float) -> tuple[list[int], Searcher]:
    request = SearchRequest.from_parameters({"q": query, "limit": "1000"})
    with reading(path) as connection:
        searcher = Searcher(connection, **bounds)  # type: ignore[arg-type]  # a test's shorthand
        return [int.from_bytes(match.trace.trace_id, "big") for match in searcher.search(request)], searcher


def test_newest_first_and_whole(file: Path) -> None:
    found, searcher = search(file, '{ name =~ "span [12]" }')
    assert found == list(range(TRACES, 0, -1))
    assert not searcher.partial


def test_a_search_that_has_examined_enough_says_that_it_is_partial(file: Path) -> None:
    found, searcher = search(file, '{ name =~ "span [12]" }', max_candidates=12)
    assert found == [20, 19, 18]
    assert searcher.partial
    request = SearchRequest.from_parameters({"q": "{}"})
    assert search_answer(request, [], searcher)["metrics"]["completedJobs"] == 0
    found, searcher = search(file, "{}", max_seconds=0)
    assert found == []
    assert searcher.partial


def test_what_cannot_match_is_never_decoded(file: Path) -> None:
    found, searcher = search(file, '{ span.trace = 7 && name = "span 3" } && { resource.service.name = "tester" }')
    assert found == [7]
    assert searcher.spans < 3 * TRACES * SPANS
    found, searcher = search(file, '{ rootName = "nobody" || traceDuration > 1h }')
    assert (found, searcher.traces) == ([], 0)
    found, searcher = search(file, '{ span.elsewhere = "x" } || { status = error && name = "span 1" }')
    assert (found, searcher.spans) == ([], 0)


@pytest.mark.parametrize(
    "query", ['{ resource.service.name = "tester" && status = error }', "{ .service.name != nil }"]
)
def test_spans_are_looked_up_by_their_trace_not_by_who_made_them(file: Path, query: str) -> None:
    spanset = SearchRequest.from_parameters({"q": query}).query
    assert spanset is not None
    with reading(file) as connection:
        sql = {each: needed(each.condition, Searcher(connection).resources) for each in filters(spanset)}
        text, values = traces_needed(spanset, sql)
        inner = next(iter(sql.values()))[0]
        assert "origin" in text
        for statement, given in (
            (f"SELECT trace_id FROM traces WHERE {text}", values),
            (f"SELECT {COLUMNS} FROM spans JOIN traces USING (trace_id) WHERE trace_id = x'00' AND {inner}", values),
        ):
            plan = " ".join(str(row) for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", given))
            # all spans of one process are most of the file: once for each trace, a search would take minutes
            assert "spans_by_origin" not in plan


def test_tags_are_read_from_the_newest_spans_only(file: Path) -> None:
    with reading(file) as connection:
        assert TagReader(connection, newest=10).values("span.trace", TagsRequest()) == [19, 20]
        only = TagsRequest.from_parameters({"q": "{ span.trace = 20 }", "start": "5"})
        assert TagReader(connection).values("name", only) == [f"span {number}" for number in range(SPANS)]
        only = TagsRequest.from_parameters({"q": '{ name =~ "span [12]" }'})
        assert TagReader(connection).values("name", only) == ["span 1", "span 2"]
