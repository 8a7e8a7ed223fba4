"""The HTML page: complete, closed, and safe whatever a span says."""

import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser

from hypothesis import given, settings
from hypothesis import strategies as st

from observability.traces.loglines import LogLine
from observability.traces.model import Event, Link, Span, Trace
from observability.traces.page.document import page, title

_VOID = {"meta", "input"}
_ALLOWED = {
    "html", "head", "meta", "title", "style", "body", "input", "label", "header", "h1", "h2", "code", "p", "ul", "ol",
    "li", "section", "main", "div", "span", "i", "b", "em", "a", "details", "summary", "table", "caption", "tr", "th",
    "td",
}  # fmt: skip


class Reader(HTMLParser):
    """Collects what a browser would see; fails where elements do not close."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in _VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def of_class(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for _, attributes in self.tags if name in str(attributes.get("class")).split()]


def line(trace: Trace, number: int, ms: float, text: str, level: str = "info", **fields: object) -> LogLine:
    return LogLine(
        trace.root.start_ns + int(ms * 1e6), "orders-1", f"{number:016x}" if number else "", level, text, fields
    )


def test_it_holds_every_span_event_link_and_log_line(order_trace: Trace) -> None:
    lines = [line(order_trace, 13, 70, "order placed", order_id=42), line(order_trace, 0, 80, "of no span", "error")]
    lines.append(line(order_trace, 99, 81, "of a span that did not arrive"))
    read = Reader(page(order_trace, lines))
    assert len(read.of_class("span")) == len(order_trace.spans)
    text = " ".join(read.texts)
    for expected in (
        order_trace.trace_id, "3 log lines", "answered after 92.4 ms", "1 error", "order placed order_id=42",
        "of no span", "of a span that did not arrive", "cache miss", "SMTPConnectError: connection refused",
        "linked to enqueue order_confirmed (worker)", "waiting for run order_confirmed",
    ):  # fmt: skip
        assert expected in text
    assert "http.response.status_code" in text
    assert len(read.of_class("stray")) == 1


def test_bars_stand_where_the_spans_were(order_trace: Trace) -> None:
    read = Reader(page(order_trace))
    first, *_ = read.of_class("bar")
    assert first["style"] is not None
    assert first["style"].startswith("--l:0.0000;--w:29.8065;")  # 92.4 of 310 ms
    assert len([each for each in read.of_class("path") if "waiting" in str(each["class"])]) == 2
    assert all("end" in str(each["class"]) for each in read.of_class("waiting"))


def test_what_came_long_after_the_answer_can_be_left_out(order_trace: Trace) -> None:
    read = Reader(page(order_trace))
    (main,) = [attributes for name, attributes in read.tags if name == "main"]
    assert "--near:3.195" in str(main["style"])  # 310 ms / (92.4 ms + 5 %)
    assert len(read.of_class("near")) == 1
    answered = Reader(page(Trace("t", order_trace.spans[:14])))
    assert answered.of_class("near") == []
    assert not any(attributes.get("id") == "near" for _, attributes in answered.tags)


def test_it_asks_for_nothing_and_runs_nothing(order_trace: Trace) -> None:
    text = page(order_trace)
    read = Reader(text)
    assert {name for name, _ in read.tags} <= _ALLOWED
    policy = next(a for name, a in read.tags if name == "meta" and a.get("http-equiv") == "Content-Security-Policy")
    assert str(policy["content"]).startswith("default-src 'none'; style-src 'unsafe-inline'")
    assert "url(" not in text
    assert "@import" not in text
    assert all(str(a.get("href", "#")).startswith("#s-") for name, a in read.tags if name == "a")
    assert all("src" not in attributes for _, attributes in read.tags)


def test_a_trace_is_called_after_its_first_route(order_trace: Trace) -> None:
    assert title(order_trace) == "POST"
    routed = replace(order_trace.spans[1], kind="server", attributes={"http.route": "/orders"})
    assert title(Trace("t", (order_trace.spans[0], routed))) == "POST /orders"


def test_a_notice_is_told(order_trace: Trace) -> None:
    assert "could not be read: <no>" in " ".join(Reader(page(order_trace, notice="could not be read: <no>")).texts)


HOSTILE = st.one_of(
    st.text(max_size=20),
    st.sampled_from(["</style><script>x</script>", '"><img src=x onerror=y>', "</span></details>", "&lt;", "\x00"]),
).filter(lambda text: text.encode("utf-8", "ignore").decode() == text)


# no deadline per example: the machine is busy with other tests
@settings(deadline=None)
@given(HOSTILE, HOSTILE, HOSTILE)
def test_nothing_a_span_says_becomes_markup(one: str, two: str, three: str) -> None:
    span = Span(
        span_id="0" * 15 + "1", parent_span_id="0" * 15 + "9", name=one, service=two, kind="client", start_ns=1,
        end_ns=9, status="error", status_message=three, attributes={two: one, "list": [three]},
        resource={"service.instance.id": two}, links=(Link("ab", "cd", {one: three}),),
        events=(Event(three, 3, {one: two}), Event("exception", 4, {"exception.message": one})),
    )  # fmt: skip
    log = LogLine(5, two, span.span_id, "error", one, {three: {"deep": two}})
    read = Reader(page(Trace("ab", (span,)), [log, replace(log, span_id="")], notice=three))
    assert {name for name, _ in read.tags} <= _ALLOWED
    for _, attributes in read.tags:
        assert not any(name.startswith("on") for name in attributes)
        style = str(attributes.get("style", ""))
        assert re.fullmatch(r"(?:[-a-z]+:[-a-z0-9.%#(), /]*;?)*", style), style


def test_a_thousand_spans_are_written_quickly_enough(make_span: Callable[..., Span]) -> None:
    spans = tuple(make_span(n, n // 2, "a", "x", n, 2_000 - n) for n in range(1, 1_001))
    assert len(Reader(page(Trace("t", spans))).of_class("span")) == 1_000
