"""Which runtime a command line means, without an engine: what the choice depends on is put in its place."""

import shutil
from pathlib import Path
from typing import ClassVar

import pytest

from stormglass.cli import runtime
from stormglass.cli.runtime import Runtime, choose
from stormglass.containers import commands, engine
from stormglass.runtime.errors import RuntimeFailure


@pytest.fixture
def containers_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An engine with our containers, and no native instance."""
    monkeypatch.setenv("STORMGLASS_HOME", str(tmp_path))
    monkeypatch.setattr(shutil, "which", lambda _: "/usr/bin/docker")
    monkeypatch.setattr(engine, "running", lambda: True)


@pytest.mark.parametrize("words", [["order"], ["demo", "failover"], ["dashboards", "check"], ["fault", "list"]])
def test_containers_that_run_are_found(containers_run: None, words: list[str]) -> None:
    assert choose(None, words, "demo") is Runtime.COMPOSE


@pytest.mark.parametrize("words", [["up"], ["down", "--purge"], ["keys", "list"], ["doctor"]])
def test_some_commands_never_mean_what_was_only_found(containers_run: None, words: list[str]) -> None:
    assert choose(None, words, "demo") is Runtime.NATIVE
    assert choose(Runtime.COMPOSE, words, "demo") is Runtime.COMPOSE


def test_files_are_built_in_the_checkout(containers_run: None) -> None:
    assert choose(Runtime.COMPOSE, ["dashboards", "build"], "demo") is Runtime.NATIVE
    assert choose(Runtime.COMPOSE, ["order", "--help"], "demo") is Runtime.NATIVE


def test_a_native_instance_that_runs_comes_first(containers_run: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "_native_runs", lambda _: True)
    assert choose(None, ["order"], "demo") is Runtime.NATIVE


def test_inside_there_is_nothing_to_choose(containers_run: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORMGLASS_NETWORK", "containers")
    assert choose(Runtime.COMPOSE, ["order"], "demo") is Runtime.NATIVE


def test_inside_what_is_the_engines_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORMGLASS_NETWORK", "containers")
    with pytest.raises(RuntimeFailure, match="stormglass --runtime compose logs"):
        choose(None, ["logs", "orders"], "demo")


def test_a_signal_may_be_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[tuple[str, ...]] = []
    monkeypatch.setattr(engine, "compose", lambda *words: given.append(words) or "")  # type: ignore[func-returns-value]  # the value is the text after it
    with pytest.raises(SystemExit):
        commands.run(["kill", "orders-1", "--signal", "10"])
    assert given == [("kill", "--signal", "SIGUSR1", "orders-1")]


def test_without_an_engine_everything_is_native(containers_run: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert choose(None, ["order"], "demo") is Runtime.NATIVE


class TestCommands:
    def test_what_containers_do_not_have_says_why(self) -> None:
        with pytest.raises(RuntimeFailure, match="scale is for the native runtime: each replica is written down"):
            commands.run(["scale", "orders", "3"])

    def test_nothing_is_asked_of_containers_that_do_not_run(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(engine, "running", lambda: False)
        with pytest.raises(RuntimeFailure, match="--runtime compose up"):
            commands.run(["order"])

    def test_everything_else_goes_inside_as_it_was_typed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        given: list[list[str]] = []
        monkeypatch.setattr(engine, "running", lambda: True)

        def forward(words: list[str]) -> int:
            given.append(words)
            return 7

        monkeypatch.setattr(engine, "forward", forward)
        with pytest.raises(SystemExit) as ended:
            commands.run(["fault", "add", "orders→postgres", "down"])
        assert (given, ended.value.code) == ([["fault", "add", "orders→postgres", "down"]], 7)

    def test_a_process_is_all_its_replicas(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(engine, "compose", lambda *_: "edge\ngrafana\n")
        assert commands.services("orders") == ["orders-1", "orders-2"]
        assert commands.services("worker-2") == ["worker-2"]
        assert commands.services("grafana") == ["grafana"]
        with pytest.raises(RuntimeFailure, match="there are edge, grafana"):
            commands.services("ordres")

    def test_lines_belong_to_their_replica_and_have_a_time(self) -> None:
        printed = [
            'orders-1-1  | {"event": "a", "timestamp": "2026-01-01T00:00:01Z"}\n',
            "orders-1-1  |   a line without a time\n",
            'edge-1      | {"msg": "b", "time": "2026-01-01T00:00:00Z"}\n',
            "no line of anybody\n",
        ]
        found = list(commands._lines(printed))
        assert [(line.source, line.text[:9]) for line in sorted(found)] == [
            ("edge", '{"msg": "'),
            ("orders-1", "a line wi"),
            ("orders-1", '{"event":'),
        ]
        assert found[1].time == found[0].time > found[2].time


class TestContainer:
    ROW: ClassVar = {"Service": "orders-1", "ID": "abc", "State": "running", "Health": "healthy", "ExitCode": 0}

    def test_ready(self) -> None:
        def ready(**changed: object) -> bool:
            return engine._container({**self.ROW, **changed}).ready

        assert ready()
        assert ready(Health="")
        assert not ready(Health="starting")
        assert not ready(State="exited", ExitCode=0)
        assert ready(Service="schema", State="exited", Health="", ExitCode=0)
        assert not ready(Service="schema", State="exited", Health="", ExitCode=1)
        assert not ready(State="paused")

    def test_published(self) -> None:
        publishers = [
            {"URL": "127.0.0.1", "TargetPort": 8000, "PublishedPort": 8080},
            {"URL": "", "TargetPort": 80, "PublishedPort": 0},
        ]
        assert engine._container({**self.ROW, "Publishers": publishers}).published == ("127.0.0.1:8080",)

    @pytest.mark.parametrize(
        ("text", "count"), [("94.86MiB", 99467919), (" 1GiB", 2**30), ("512B", 512), ("3.5KiB ", 3584), ("0B", 0)]
    )
    def test_amounts_as_the_engine_writes_them(self, text: str, count: int) -> None:
        assert engine._bytes(text) == count
