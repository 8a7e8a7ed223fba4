import math

from chaos.load.record import Recording, Sample, quantile


def sample(ended: float, seconds: float = 0.1, error: str = "", cache: str = "") -> Sample:
    begun = ended - seconds
    return Sample("GET /x", begun, begun, ended, 0 if error else 200, error, cache)


def test_quantiles_are_values_that_occurred() -> None:
    values = [float(n) for n in range(1, 101)]
    assert (quantile(values, 0.5), quantile(values, 0.99), quantile(values, 1.0)) == (50.0, 99.0, 100.0)
    assert quantile([3.0], 0.5) == quantile([3.0], 0.99) == 3.0
    assert math.isnan(quantile([], 0.5))


def test_a_request_that_was_held_back_counts_from_when_it_was_due() -> None:
    assert Sample("GET /x", due=1.0, begun=3.0, ended=3.5, status=200).seconds == 2.5


def test_a_stretch_of_time_is_chosen_by_the_end_of_requests() -> None:
    recording = Recording([sample(float(n)) for n in range(10)])
    assert [each.ended for each in recording.ended(3.0, 6.0).samples] == [3.0, 4.0, 5.0]
    assert len(recording.ended(8.5)) == 1


def test_the_last_error_is_counted_from_the_fault_and_earlier_ones_are_not_its_doing() -> None:
    recording = Recording([sample(1.0, error="503"), sample(2.0), sample(2.2, error="502"), sample(2.5)])
    assert recording.last_error(2.0) is not None
    assert math.isclose(recording.last_error(2.0) or 0.0, 0.2)
    assert recording.last_error(2.3) is None
    assert recording.kinds() == {"503": 1, "502": 1}


def test_answers_are_counted_by_what_the_cache_did() -> None:
    recording = Recording([sample(1, cache="hit"), sample(2, cache="hit"), sample(3, cache="bypass"), sample(4)])
    assert recording.caches() == {"hit": 2, "bypass": 1}
