"""The environment of a process is what `stormglass.settings` reads, and follows from the topology."""

from dataclasses import replace

import pytest
import yaml

from stormglass import settings
from stormglass.runtime.environment import MARKER, SAMPLING, address_variable, environment, inherited
from stormglass.runtime.instance import Instance
from stormglass.runtime.render import traefik
from stormglass.topology import TOPOLOGY, Kind, Process

OURS = [process for process in TOPOLOGY.processes if process.kind in {Kind.APP, Kind.PROGRAM}]


@pytest.mark.parametrize("label", ["orders", "orders:admin", "mail-api", "postgres"])
def test_address_variables_are_named_as_the_settings_name_them(label: str) -> None:
    assert address_variable(label) == settings.address_variable(label)


@pytest.mark.parametrize("process", OURS, ids=lambda process: process.name)
def test_every_edge_is_readable_through_the_settings(
    instance: Instance, process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment(instance, process, process.replicas).items():
        monkeypatch.setenv(name, value)
    settings.forget()
    own = settings.process()
    assert (own.service, own.replica, own.instance) == (process.name, process.replicas, "unit")
    assert own.admin_port == instance.port(f"{process.name}:admin", process.replicas)
    for edge in TOPOLOGY.edges_of(process.name):
        assert str(settings.address(edge.label)) == instance.edge_address(edge)
    settings.forget()


def test_replicas_differ_in_number_and_ports_only(instance: Instance) -> None:
    first, second = (environment(instance, TOPOLOGY["orders"], number) for number in (1, 2))
    differing = {name for name in first if first[name] != second[name]}
    assert differing == {"STORMGLASS_REPLICA", "STORMGLASS_PORT", "STORMGLASS_ADMIN_PORT"}


def test_no_secret_stands_in_an_environment(instance: Instance) -> None:
    secrets = {path.read_text().strip() for path in instance.secrets.rglob("*") if path.is_file()}
    for process, number in instance.places():
        text = "\n".join(environment(instance, process, number).values())
        assert not [secret for secret in secrets if secret in text]


def test_a_process_own_variables_are_not_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MARKER, "/somewhere")
    monkeypatch.setenv("STORMGLASS_ADDRESS_POSTGRES", "127.0.0.1:1")
    monkeypatch.setenv("STORMGLASS_REDIS_TIMEOUT_SECONDS", "1")
    passed = inherited()
    assert passed["STORMGLASS_REDIS_TIMEOUT_SECONDS"] == "1"
    assert not {MARKER, "STORMGLASS_ADDRESS_POSTGRES"} & set(passed)


def test_everybody_who_samples_is_told_the_same_share(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    told = replace(instance, sample_ratio=0.25)
    for name in ("edge", "gateway", "users", "products", "orders", "worker"):
        monkeypatch.setenv(SAMPLING, environment(told, TOPOLOGY[name], 1)[SAMPLING])
        settings.forget()
        assert settings.telemetry().sample_ratio == 0.25
    settings.forget()
    assert SAMPLING not in environment(told, TOPOLOGY["traces"], 1), "it would be restarted for nothing"
    assert yaml.safe_load(traefik.static(told))["tracing"]["sampleRate"] == 0.25
    assert yaml.safe_load(traefik.static(instance))["tracing"]["sampleRate"] == 1.0, (
        "all of them, if nobody says otherwise"
    )
