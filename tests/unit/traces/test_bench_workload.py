"""The benchmark's load is what it claims to be: whole orders, no id twice, parents that exist."""

import gzip
from itertools import islice

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from observability.traces.bench.workload import SPANS_PER_ORDER, exports


def test_orders_are_whole_traces() -> None:
    sent = list(islice(exports(orders=3), 10))
    spans = [
        span
        for export in sent
        for resource in ExportTraceServiceRequest.FromString(gzip.decompress(export.body)).resource_spans
        for span in resource.scope_spans[0].spans
    ]
    assert len(spans) == sum(export.spans for export in sent) == 6 * SPANS_PER_ORDER
    ids = {(span.trace_id, span.span_id) for span in spans}
    assert len(ids) == len(spans)
    assert len({trace for trace, _ in ids}) == 6
    assert sum(not span.parent_span_id for span in spans) == 6
    assert all(not span.parent_span_id or (span.trace_id, span.parent_span_id) in ids for span in spans)
    assert all(span.end_time_unix_nano > span.start_time_unix_nano for span in spans)
