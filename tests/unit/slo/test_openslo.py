from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from observability.rules.build import OBJECTIVES
from observability.slo.openslo import WINDOW, SLOError, read


def a_document() -> dict[str, Any]:
    document: dict[str, Any] = next(yaml.safe_load_all((OBJECTIVES / "browse.yaml").read_text(encoding="utf-8")))
    return document


def written(folder: Path, *documents: dict[str, Any]) -> Path:
    (folder / "some.yaml").write_text(yaml.safe_dump_all(documents), encoding="utf-8")
    return folder


def test_every_objective_that_is_shipped_can_be_read() -> None:
    names = [slo.name for slo in read(OBJECTIVES)]
    assert {"browse-availability", "browse-latency", "place-order-availability", "place-order-latency"} <= set(names)
    assert {"confirmation-freshness", "mail-once"} <= set(names)


def test_an_error_ratio_counts_good_events_that_do_not_exist_as_none() -> None:
    (slo,) = [slo for slo in read(OBJECTIVES) if slo.name == "browse-availability"]
    assert "or vector(0)" in slo.error
    assert slo.error.count(WINDOW) == 2
    assert slo.budget == pytest.approx(0.001)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda d: d.update(apiVersion="openslo/v2"), "apiVersion"),
        (lambda d: d["spec"].update(budgetingMethod="Timeslices"), "budgetingMethod"),
        (lambda d: d["spec"].update(alertPolicies=[]), "alertPolicies"),
        (lambda d: d["spec"]["timeWindow"][0].update(duration="1w"), "not a number of days: 1w"),
        (lambda d: d["spec"]["objectives"][0].update(target=1.0), "target"),
        (lambda d: d["metadata"].update(name="Browse It"), "name"),
        (lambda d: d["spec"]["indicator"]["spec"]["ratioMetric"].pop("good"), "exactly one of good and bad"),
        (
            lambda d: d["spec"]["indicator"]["spec"]["ratioMetric"]["total"]["metricSource"]["spec"].update(query="up"),
            "has no",
        ),
    ],
)
def test_what_is_not_understood_is_refused_with_file_and_place(
    tmp_path: Path, change: Callable[[dict[str, Any]], object], complaint: str
) -> None:
    document = a_document()
    change(document)
    with pytest.raises(SLOError, match=complaint) as refused:
        read(written(tmp_path, document))
    assert "some.yaml" in str(refused.value)


def test_two_objectives_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SLOError, match="another objective"):
        read(written(tmp_path, a_document(), a_document()))
