from typing import Any

from observability.alerts.rehearsal.watch import Watch

MEANT = {"Replica": {"replica": "products-2"}, "A": {}}


def test_a_spell_begins_pending_fires_and_ends() -> None:
    watch = Watch("http://prometheus", None)
    watch.observe({"A": "pending"}, 10)
    assert watch.is_on("A")
    assert not watch.fires("A")
    watch.observe({"A": "firing"}, 25)
    assert watch.fires("A")
    watch.observe({}, 60)
    assert not watch.is_on("A")
    (spell,) = watch.fired(0)["A"]
    assert (spell.pending, spell.firing, spell.cleared) == (10, 25, 60)


def test_what_was_only_pending_did_not_fire_and_flapping_is_seen() -> None:
    watch = Watch("http://prometheus", None)
    for now, states in enumerate([{"A": "firing"}, {"B": "pending"}, {"A": "firing"}, {}]):
        watch.observe(states, now)
    assert watch.fired(0).keys() == {"A"}
    assert [spell.firing for spell in watch.fired(0)["A"]] == [0, 2]
    assert len(watch.fired(1)["A"]) == 1


def told(name: str, *inhibited_by: str) -> dict[str, Any]:
    return {"fingerprint": f"of-{name}", "labels": {"alertname": name}, "status": {"inhibitedBy": list(inhibited_by)}}


def test_who_silenced_whom_and_what_was_told_of_again() -> None:
    watch = Watch("http://prometheus", "http://alertmanager")
    watch.hear([told("Cause"), told("Symptom", "of-Cause")])
    assert watch.silenced == {"Cause": {"Symptom"}}
    assert not watch.active_again
    watch.hear([told("Symptom")])
    assert watch.active_again == {"Symptom"}


def firing(name: str, **labels: str) -> dict[str, Any]:
    return {"labels": {"alertname": name, "severity": "ticket", **labels}, "state": "firing"}


def test_an_alert_about_something_else_is_not_the_one_that_is_meant() -> None:
    watch = Watch("http://prometheus", None, MEANT)
    other, meant = firing("Replica", replica="orders-1"), firing("Replica", replica="products-2")
    watch.observe(watch.states([other, firing("A", anything="else"), firing("B", replica="b")]), 10)
    assert not watch.is_on("Replica")
    assert watch.fired(0).keys() == {"Replica of orders-1", "A", "B"}
    watch.observe(watch.states([meant]), 20)
    assert watch.fires("Replica")
    assert not watch.is_on("Replica of orders-1")


def test_one_that_is_always_on_is_no_state_and_the_firing_of_two_counts() -> None:
    watch = Watch("http://prometheus", None)
    always = {"labels": {"alertname": "Watchdog", "severity": "none"}, "state": "firing"}
    assert watch.states([always, firing("A", n="1"), {**firing("A", n="2"), "state": "pending"}]) == {"A": "firing"}


def test_what_another_cause_silences_is_not_counted_for_the_one_that_is_meant() -> None:
    watch = Watch("http://prometheus", "http://alertmanager", {"Cause": {"service": "orders"}})
    cause = told("Cause")
    watch.hear([{**cause, "labels": {"alertname": "Cause", "service": "users"}}, told("Symptom", "of-Cause")])
    assert watch.silenced == {"Cause of users": {"Symptom"}}
