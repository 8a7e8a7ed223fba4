"""What `stormglass fault` says before any proxy server is asked: over one of them is enough."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.faults.conftest import HAVE, Stage

pytestmark = pytest.mark.parametrize("running", HAVE[:1], indirect=True, scope="module")

EDGE = "users→redis"


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["user->redis", "latency", "latency=1"], "did you mean users→redis"),
        ([EDGE, "latenci", "latency=1"], "did you mean latency"),
        ([EDGE, "latency", "latenci=1"], "did you mean latency"),
        ([EDGE, "latency", "latency=-1"], "from 0 to 3,600,000 (ms)"),
        ([EDGE, "latency"], "needs latency="),
        ([EDGE, "slicer", "average_size=5", "size_variation=6"], "must not be greater"),
        ([EDGE, "latency", "latency=1", "--ttl", "2h"], "from 0.1 to 3,600 (s)"),
        ([EDGE, "latency", "latency"], "NAME=VALUE"),
    ],
)
def test_what_cannot_be_had_is_refused_with_what_can(stage: Stage, arguments: list[str], hint: str) -> None:
    _, err = stage.bench.run("fault", "add", *arguments, code=1)
    assert hint in err
    assert stage.faults() == []


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("fault add user", ["users→postgres", "users→redis", "users→traces"]),
        ("fault add users->r", ["users->redis"]),
        ("fault add users→redis late", ["latency"]),
        ("fault add users→redis latency ", ["jitter=", "latency="]),
        ("fault clear users", ["users→redis"]),
    ],
)
def test_the_shell_is_told_what_may_come_next(stage: Stage, typed: str, offered: list[str]) -> None:
    stage.add(EDGE, "noop")
    done = subprocess.run(
        [str(Path(sys.executable).with_name("stormglass"))],
        env={
            **os.environ,
            "STORMGLASS_HOME": str(stage.bench.root),
            "STORMGLASS_INSTANCE": stage.bench.name,
            "_STORMGLASS_COMPLETE": "complete_bash",
            "COMP_WORDS": f"stormglass {typed}",
            "COMP_CWORD": str(len(typed.split(" "))),
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert [line.strip() for line in done.stdout.splitlines()] == offered
