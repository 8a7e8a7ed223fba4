"""Overrides of a running replica: they take effect with its next start, outlive a kill, and end with the instance."""

import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from stormglass.runtime.entry import DELAY
from stormglass.runtime.overrides import clear_override, overrides, set_override
from stormglass.testing import eventually
from tests.integration.runtime.conftest import bench


@pytest.fixture
def mail() -> Iterator[Any]:
    with bench("overridden", offset=500) as made:
        made.up("mail")
        yield made


def _restarted(bench: Any, times: int) -> bool:
    return bool(bench.row("mail")["restarts"] == times)


def test_a_slow_start_survives_a_kill_and_lasts_until_it_is_cleared(mail: Any) -> None:
    set_override(mail.instance, "mail", {DELAY: "6"})
    for number in (1, 2):
        mail.run("kill", "mail")
        since = time.monotonic()
        eventually(partial(_restarted, mail, number))
        eventually(lambda: mail.row("mail")["ready"], seconds=60)
        assert time.monotonic() - since > 6
    clear_override(mail.instance, "mail", [DELAY])
    assert overrides(mail.instance) == {}
    since = time.monotonic()
    mail.run("restart", "mail")
    assert mail.row("mail")["ready"]


def test_a_stopped_instance_forgets_them(mail: Any) -> None:
    set_override(mail.instance, "mail", {"STORMGLASS_LOG_LEVEL": "nonsense"})
    mail.run("kill", "mail")
    eventually(lambda: "STORMGLASS_LOG_LEVEL" in mail.run("logs", "mail")[0], what="it starts with what it was given")
    mail.run("down")
    assert mail.remains() == []
    mail.up("mail")
    assert mail.row("mail")["ready"]
