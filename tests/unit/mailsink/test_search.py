import pytest

from worker.mailsink.search import EVERYTHING, UnsupportedFilterError, parse_query


def test_terms_are_combined() -> None:
    condition = parse_query('to:ada@example.test subject:"order confirmed" -hello')
    assert condition.sql == (
        r"(recipients LIKE ? ESCAPE '\') AND (subject LIKE ? ESCAPE '\') AND NOT ((search_text LIKE ? ESCAPE '\'))"
    )
    assert condition.parameters == ("%ada@example.test%", "%order confirmed%", "%hello%")


@pytest.mark.parametrize("query", ["message-id:<Event-1@host>", "Message-ID:event-1@host", 'message-id:"event-1@host"'])
def test_message_id_with_and_without_brackets(query: str) -> None:
    condition = parse_query(query)
    assert condition.sql == r"(message_id LIKE ? ESCAPE '\')"
    assert condition.parameters == ("%event-1@host%",)


def test_wildcards_are_taken_literally() -> None:
    assert parse_query("subject:100%_\\").parameters == (r"%100\%\_\\%",)


def test_what_people_type_never_becomes_sql() -> None:
    condition = parse_query("subject:'; DROP TABLE mail --")
    assert "DROP" not in condition.sql
    assert condition.sql.count("?") == len(condition.parameters)


def test_addressed_looks_at_every_address() -> None:
    assert parse_query("addressed:ada").parameters == ("%ada%",) * 5


def test_states() -> None:
    assert parse_query("is:read").sql == "is_read = 1"
    assert parse_query("!is:read").sql == "NOT (is_read = 1)"


@pytest.mark.parametrize("query", ["", "   ", "<>", '""', "-<>"])
def test_nothing_asked_matches_everything(query: str) -> None:
    assert parse_query(query) is EVERYTHING


@pytest.mark.parametrize("query", ["tag:x", "before:2026-01-01", "-has:attachment", "is:tagged"])
def test_a_filter_that_is_missing_here_is_an_error(query: str) -> None:
    with pytest.raises(UnsupportedFilterError, match="not supported here"):
        parse_query(query)
