"""The command line: quick to start, and no package can break the others."""

import subprocess
import sys
from importlib.metadata import EntryPoint

import pytest

from stormglass.cli import main


def test_a_package_that_fails_to_import_is_a_warning(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    entries = [
        EntryPoint("broken", "stormglass.does_not_exist:register", main.GROUP),
        EntryPoint("runtime", "stormglass.runtime.commands:register", main.GROUP),
    ]
    monkeypatch.setattr(main, "entry_points", lambda group: entries)
    app = main.build()
    assert {command.callback.__name__ for command in app.registered_commands if command.callback} >= {"up", "down"}
    assert "the commands of 'broken'" in capsys.readouterr().err


def test_the_runtimes_commands_import_nothing_heavy() -> None:
    """What costs a tenth of a second and more may only be imported by the command that needs it."""
    script = (
        "import sys, stormglass.cli.main, stormglass.runtime.commands;"
        "print(sorted({'asyncpg', 'sqlalchemy', 'alembic', 'redis', 'litestar', 'pydantic'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
