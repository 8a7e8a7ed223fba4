"""The journal: what is written is there for the next process, and what has ended stays ended."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from chaos.engine.journal import KEPT, Journal
from chaos.engine.model import Fault, State


def fault(identity: str = "a", *, created_at: float = 0.0, state: State = State.INTENDED) -> Fault:
    now = created_at or time.time()
    return Fault(
        identity, "users→redis", "latency", {"latency": 5}, "both", 0.5, 60.0, now, now + 60, state, {"old": [1]}
    )


def test_what_was_written_is_read_by_another_process_that_opens_the_file(tmp_path: Path) -> None:
    path = tmp_path / "new" / "journal"
    with Journal(path) as one, Journal(path) as other:
        one.add(fault())
        assert other.live() == one.live() == [one.get("a")]
        assert one.get("a").record == {"old": [1]}
        other.change("a", state=State.ACTIVE, observation="seen")
        assert one.get("a").state is State.ACTIVE
        assert one.get("a").observation == "seen"
    assert path.stat().st_mode & 0o777 == 0o600


def test_ended_is_final_unless_it_is_opened_again_on_purpose(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal") as journal:
        journal.add(fault())
        journal.change("a", state=State.ENDED)
        assert journal.live() == []
        assert journal.change("a", state=State.ACTIVE).state is State.ENDED
        assert journal.change("a", reopen=True, state=State.UNDOING).state is State.UNDOING
        assert [each.id for each in journal.live()] == ["a"]


def test_an_unknown_fault_is_an_error_and_leaves_no_transaction_open(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal") as journal, Journal(tmp_path / "journal") as other:
        with pytest.raises(KeyError):
            journal.change("nobody", state=State.ENDED)
        other.add(fault())
        assert journal.get("a")


def test_only_the_last_ended_ones_are_kept_and_every_live_one(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal") as journal:
        journal.add(fault("live", created_at=1.0, state=State.ACTIVE))
        for number in range(KEPT + 20):
            journal.add(fault(str(number), created_at=10.0 + number, state=State.ENDED))
        kept = [each.id for each in journal.all()]
        assert kept[0] == "live"
        assert kept[-1] == str(KEPT + 19)
        assert len(kept) <= KEPT + 2


def test_everything_written_before_a_kill_is_there_and_the_file_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    writes = (
        "import sys; from pathlib import Path; from dataclasses import replace;"
        "from chaos.engine.journal import Journal; from tests.unit.chaos.test_journal import fault\n"
        f"journal = Journal(Path({str(path)!r}))\n"
        "for number in range(100000):\n"
        "    journal.add(replace(fault(), id=str(number)))\n"
        "    print(number, flush=True)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", writes], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3]
    )
    assert process.stdout is not None
    last = -1
    while last < 20:
        last = int(process.stdout.readline())
    os.kill(process.pid, signal.SIGKILL)
    said = [last, *(int(line) for line in process.stdout.read().split("\n") if line)]
    process.wait()
    with Journal(path) as journal:
        assert {str(number) for number in range(said[-1] + 1)} <= {each.id for each in journal.live()}
