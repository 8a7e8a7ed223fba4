"""An instance on disk in a temporary directory; no process is started."""

from pathlib import Path

import pytest

from stormglass.runtime import vault
from stormglass.runtime.instance import Instance


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Instance:
    monkeypatch.setenv("STORMGLASS_HOME", str(tmp_path))
    made = Instance("unit", tmp_path, 24500)
    made.save()
    vault.ensure(made)
    return made
