"""Attributes as people type them."""

import pytest

from chaos.engine.attributes import Attribute, parse_all
from chaos.engine.model import Refused

LATENCY = Attribute("latency", "delay", unit="ms", maximum=3_600_000)
JITTER = Attribute("jitter", "more or less", unit="ms", default=0)
MODE = Attribute("mode", "how", str, default="soft", choices=("soft", "hard"))


@pytest.mark.parametrize(
    ("given", "value"),
    [("800", 800), ("800ms", 800), ("0.8s", 800), ("1 m", 60_000), (800, 800), (800.0, 800), ("0", 0)],
)
def test_a_number_may_carry_a_unit_and_is_turned_into_the_attributes_own(given: object, value: int) -> None:
    parsed = LATENCY.parse(given)
    assert parsed == value
    assert isinstance(parsed, int)


@pytest.mark.parametrize("given", ["-1", "0.5", "1e9", "nan", "inf", "", "fast", "800µs", "8 0", "1h"])
def test_what_is_out_of_range_or_no_number_is_refused_with_the_range(given: str) -> None:
    with pytest.raises(Refused, match=r"from 0 to 3,600,000 \(ms\)"):
        LATENCY.parse(given)


def test_every_unit_of_size_and_rate_is_understood() -> None:
    assert Attribute("bytes", "", unit="B").parse("64KB") == 64_000
    assert Attribute("rate", "", unit="KB/s").parse("2MB/s") == 2_000
    assert Attribute("size", "", unit="MiB").parse("1GiB") == 1024
    assert Attribute("delay", "", unit="us").parse("1.5ms") == 1500
    assert Attribute("ttl", "", float, "s").parse("500ms") == 0.5


def test_what_is_not_given_has_its_default_and_what_has_none_is_asked_for() -> None:
    assert parse_all("latency", (LATENCY, JITTER), {"latency": "5"}) == {"latency": 5, "jitter": 0}
    with pytest.raises(Refused, match="latency needs latency=…"):
        parse_all("latency", (LATENCY, JITTER), {"jitter": 5})


def test_an_unknown_name_is_refused_with_what_was_meant_and_what_there_is() -> None:
    with pytest.raises(Refused, match="did you mean jitter") as refused:
        parse_all("latency", (LATENCY, JITTER), {"latency": 1, "jiter": 5})
    assert "latency, jitter" in str(refused.value)
    with pytest.raises(Refused, match="none"):
        parse_all("noop", (), {"speed": 5})


def test_choices_are_a_closed_list() -> None:
    assert MODE.parse("hard") == "hard"
    with pytest.raises(Refused, match="soft, hard"):
        MODE.parse("hart")
