from collections import Counter

from chaos.load.books import Books, _compare
from chaos.load.orders import Acknowledged


def books(statuses: dict[str, str], mails: dict[str, int]) -> Books:
    promised = [Acknowledged(name, "ada@example.com", 0.0, 1) for name in ("a", "b", "c")]
    return _compare(promised, statuses, Counter(mails))


def test_kept_promises_balance() -> None:
    found = books(dict.fromkeys("abc", "confirmed"), dict.fromkeys("abc", 1))
    assert found.balanced
    assert found.told() == "3 acknowledged, 3 confirmed, 3 mailed once"


def test_what_is_in_no_database_is_lost() -> None:
    found = books({"a": "confirmed", "b": "confirmed"}, dict.fromkeys("abc", 1))
    assert (found.lost, found.balanced) == (1, False)
    assert "1 lost" in found.told()


def test_a_second_mail_and_a_missing_one_break_a_promise() -> None:
    found = books(dict.fromkeys("abc", "confirmed"), {"a": 2, "b": 1})
    assert (found.mailed, found.mailed_twice, found.unmailed, found.balanced) == (1, 1, 1, False)


def test_an_order_that_stays_pending_breaks_a_promise() -> None:
    found = books({"a": "pending", "b": "confirmed", "c": "cancelled"}, dict.fromkeys("abc", 1))
    assert (found.pending, found.cancelled, found.balanced) == (1, 1, False)
