"""`demo` in containers from nothing: what of it the host does, in which order, and what goes inside; no engine."""

import pytest
import typer
from typer.testing import CliRunner

from chaos.demos import commands as stories
from stormglass.cli import demo
from stormglass.cli.runtime import Runtime, choose
from stormglass.containers import commands, engine
from stormglass.runtime.errors import RuntimeFailure

UP = ("up", "--build", "--detach", "--wait")
EMPTY = ("--profile", "cli", "down", "--volumes", "--remove-orphans")


class Recorder:
    """Takes every `docker compose …`, of which only the words of ours are kept where one runs inside."""

    def __init__(self) -> None:
        self.done: list[tuple[str, ...]] = []
        self.aside: list[bool] = []
        self.codes: dict[tuple[str, ...], int] = {}

    def attached(self, *words: str, aside: bool = False) -> int:
        if words[0] == "run":
            words = words[words.index("stormglass") :]
        self.done.append(words)
        self.aside.append(aside)
        return self.codes.get(words, 0)


@pytest.fixture
def engines(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    """An engine with nothing of ours."""
    recorder = Recorder()
    monkeypatch.setattr(engine, "attached", recorder.attached)
    monkeypatch.setattr(engine, "running", lambda: False)
    return recorder


def run(*words: str) -> object:
    with pytest.raises(SystemExit) as ended:
        commands.run(list(words))
    return ended.value.code


def test_a_story_from_nothing_finds_a_catalogue(engines: Recorder) -> None:
    assert run("demo", "failover", "--rate", "8", "--json") == 0
    story = ("stormglass", "demo", "failover", "--rate", "8", "--json")
    assert engines.done == [UP, ("stormglass", "catalogue"), story]
    assert engines.aside == [True, True, False], "the story's figures have standard output for themselves"


def test_no_story_is_told_without_a_catalogue(engines: Recorder) -> None:
    engines.codes["stormglass", "catalogue"] = 3
    assert run("demo", "failover") == 3
    assert engines.done == [UP, ("stormglass", "catalogue")]


def test_the_whole_tour_loads_it_itself(engines: Recorder) -> None:
    run("demo")
    assert engines.done == [UP, ("stormglass", "demo")]


def test_what_is_up_is_taken_as_it_is(engines: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "running", lambda: True)
    run("demo", "failover")
    assert engines.done == [("stormglass", "demo", "failover")]


@pytest.mark.parametrize("running", [False, True])
def test_a_fresh_one_begins_with_nothing(engines: Recorder, monkeypatch: pytest.MonkeyPatch, running: bool) -> None:
    monkeypatch.setattr(engine, "running", lambda: running)
    run("demo", "--fresh")
    assert engines.done == [EMPTY, UP, ("stormglass", "demo")]


def test_what_cannot_be_emptied_is_not_called_fresh(engines: Recorder) -> None:
    engines.codes[EMPTY] = 1
    with pytest.raises(typer.Exit):
        commands.run(["demo", "--fresh"])
    assert engines.done == [EMPTY]


def test_only_what_was_named_is_emptied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: "/usr/bin/docker")
    monkeypatch.setattr(engine, "running", lambda: True)
    monkeypatch.setattr("stormglass.cli.runtime._native_runs", lambda _: False)
    assert choose(None, ["demo"], "demo") is Runtime.COMPOSE
    assert choose(None, ["demo", "--fresh"], "demo") is Runtime.NATIVE
    assert choose(Runtime.COMPOSE, ["demo", "--fresh"], "demo") is Runtime.COMPOSE


class TestInside:
    @pytest.fixture
    def app(self, monkeypatch: pytest.MonkeyPatch) -> typer.Typer:
        def nothing_else(*_: object) -> None:
            raise AssertionError("a tour that was refused runs no command")

        monkeypatch.setattr(demo, "run", nothing_else)
        monkeypatch.setattr(demo, "is_up", lambda: True)
        app = typer.Typer()
        demo.register(app)
        stories.register(app)
        return app

    def test_nothing_can_be_emptied(self, app: typer.Typer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("STORMGLASS_NETWORK", "containers")
        told = CliRunner().invoke(app, ["demo", "--fresh"]).exception
        assert isinstance(told, RuntimeFailure)
        assert "docker compose down --volumes" in str(told)

    def test_a_story_has_no_fresh_beginning(self, app: typer.Typer) -> None:
        told = CliRunner().invoke(app, ["demo", "--fresh", "failover"]).exception
        assert isinstance(told, RuntimeFailure)
        assert "first `stormglass demo --fresh`, then `demo failover`" in str(told)
