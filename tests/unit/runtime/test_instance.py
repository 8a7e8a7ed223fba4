"""An instance's record, names and addresses."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from stormglass.runtime import instance as instances
from stormglass.runtime import names
from stormglass.runtime.errors import RuntimeFailure
from stormglass.runtime.instance import Instance
from stormglass.runtime.manager import Manager
from stormglass.runtime.startup import prepare, with_needs
from stormglass.topology import TOPOLOGY


def test_a_saved_instance_is_loaded_as_it_was(instance: Instance) -> None:
    scaled = instance.scaled(TOPOLOGY["orders"], 4)
    scaled.save()
    assert instances.load("unit") == scaled
    assert instances.address("unit", "edge") == f"127.0.0.1:{TOPOLOGY.port(24500, 'edge')}"


def test_an_instance_that_does_not_exist_says_how_to_make_it(instance: Instance) -> None:
    with pytest.raises(RuntimeFailure, match="stormglass up --instance nobody"):
        instances.load("nobody")


def test_a_damaged_record_says_what_to_do(instance: Instance) -> None:
    (instance.directory / "instance.json").write_text("{")
    with pytest.raises(RuntimeFailure, match="--purge"):
        instances.load("unit")


@pytest.mark.parametrize("name", ["", "../x", "UPPER", "a/b", "-x", "x" * 33])
def test_names_that_cannot_be_directories_are_refused(name: str) -> None:
    with pytest.raises(RuntimeFailure, match="cannot name an instance"):
        instances.check_name(name)


def test_the_home_variable_decides_where_instances_live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORMGLASS_HOME", str(tmp_path))
    assert instances.state_root() == tmp_path.resolve()
    monkeypatch.delenv("STORMGLASS_HOME")
    expected = "/var/lib/stormglass" if os.geteuid() == 0 else str(Path(__file__).parents[3] / ".stormglass")
    assert str(instances.state_root()).startswith(expected)


def test_a_process_name_means_all_its_replicas(instance: Instance) -> None:
    assert [number for _, number in names.replicas(instance, "orders")] == [1, 2]
    assert [number for _, number in names.replicas(instance, "orders-2")] == [2]


def test_a_misspelt_name_gets_a_suggestion(instance: Instance) -> None:
    with pytest.raises(RuntimeFailure, match=r"did you mean postgres\?"):
        names.replicas(instance, "postgers")


def test_only_brings_what_it_needs() -> None:
    assert with_needs(["orders"]) == {"orders", "postgres", "redis", "faultproxy"}
    assert with_needs(["orders"], direct=True) == {"orders", "postgres", "redis"}
    assert with_needs([]) == {process.name for process in TOPOLOGY.processes}
    assert with_needs([]) - with_needs([], direct=True) == TOPOLOGY.faults


def test_a_direct_instance_is_loaded_as_one_and_has_nothing_that_serves_faults(instance: Instance) -> None:
    direct = replace(instance, direct=True)
    direct.save()
    assert instances.load("unit") == direct
    assert {process.name for process, _ in instance.places()} - {p.name for p, _ in direct.places()} == TOPOLOGY.faults
    assert all(direct.edge_address(edge) == direct.address(edge.label, edge.replica) for edge in TOPOLOGY.edges)
    with pytest.raises(RuntimeFailure, match="no process 'faultproxy'"):
        names.replicas(direct, "faultproxy")


def test_what_runs_stays_as_it_was_started(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    assert prepare("unit", direct=True).direct
    monkeypatch.setattr(Manager, "alive", lambda self: True)
    assert prepare("unit").direct
    replace(instance, direct=False).save()
    with pytest.raises(RuntimeFailure, match="runs with fault proxies"):
        prepare("unit", direct=True)


def test_a_share_of_traces_is_remembered_until_another_is_given(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert prepare("unit").sample_ratio == 1.0
    assert prepare("unit", sample_ratio=0.1).sample_ratio == 0.1
    monkeypatch.setattr(Manager, "alive", lambda self: True)
    assert prepare("unit").sample_ratio == 0.1, "`up` without a word about it changes nothing"
    assert prepare("unit", sample_ratio=0.0).sample_ratio == instances.load("unit").sample_ratio == 0.0
