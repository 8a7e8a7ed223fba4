"""What another project takes must bring nothing of this one with it."""

import ast
import sys
import tomllib
from pathlib import Path

import pytest

from stormglass import instrumentation

ROOM = Path(instrumentation.__file__).parent
ALLOWED = {"opentelemetry": "opentelemetry-api", "prometheus_client": "prometheus-client"}
# what the distribution opentelemetry-api installs
API = {"context", "propagate", "propagators", "trace", "util"}


def imported(module: Path) -> set[str]:
    """Modules that are imported; one of its own folder as `.`, one of a folder above as `..`."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level:
            found.add("." * node.level)
        elif isinstance(node, ast.ImportFrom) and node.module == "opentelemetry":
            found |= {f"opentelemetry.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


@pytest.mark.parametrize("library", ["arq", "litestar"])
def test_it_imports_only_what_it_says_it_needs(library: str) -> None:
    foreign = {
        name
        for module in (ROOM / library).glob("*.py")
        for name in imported(module)
        if name != "." and name.split(".")[0] not in sys.stdlib_module_names
    }
    assert {name.split(".")[0] for name in foreign} <= {library, *ALLOWED}
    assert {name.split(".")[1] for name in foreign if name.startswith("opentelemetry.")} <= API
    project = tomllib.loads((ROOM / library / "pyproject.toml").read_text())["project"]
    declared = {requirement.partition(">")[0] for requirement in project["dependencies"]}
    assert declared == {library, *ALLOWED.values()}
