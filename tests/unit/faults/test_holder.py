import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from chaos.engine.context import Context
from chaos.engine.model import Fault
from chaos.faults import holder
from stormglass.testing import eventually

Make = Callable[..., Fault]


async def test_a_program_is_found_by_the_faults_id_and_ended(context: Context, make_fault: Make) -> None:
    fault, other = make_fault(), make_fault()
    try:
        await holder.start(context, fault, "fill", mib=8)
        await holder.start(context, other, "fill", mib=8)
        (process,) = holder.find(fault)
        assert process.memory_info().rss > 8 << 20
        await holder.end(fault)
        assert holder.find(fault) == []
        assert not psutil.pid_exists(process.pid)
        assert len(holder.find(other)) == 1, "another fault's program is left alone"
        await holder.end(fault)
    finally:
        await holder.end(fault)
        await holder.end(other)


async def test_a_program_ends_when_its_time_is_up(
    context: Context, make_fault: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holder, "SPARE_SECONDS", 0.0)
    fault = make_fault(lasts=3.0)
    await holder.start(context, fault, "burn")
    eventually(lambda: not holder.find(fault), seconds=20, what="it has ended")
    assert time.time() >= fault.expires_at - 0.2


def test_a_program_ends_with_its_parent(context: Context, make_fault: Make, tmp_path: Path) -> None:
    fault = make_fault()
    script = f"""
import asyncio, time
from chaos.engine.context import Context
from chaos.engine.model import Fault, State
from chaos.faults import holder
times = {fault.created_at}, {fault.expires_at}
fault = Fault({fault.id!r}, "orders-1", "cpu", {{}}, "", 1.0, 60.0, *times, State.ACTIVE)
asyncio.run(holder.start(Context("unit"), fault, "burn"))
print("started", flush=True)
time.sleep(60)
"""
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    assert parent.stdout.readline() == "started\n"
    (child,) = holder.find(fault)
    parent.kill()
    parent.wait()
    eventually(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE, seconds=10, what="it is gone")


async def test_a_program_that_cannot_do_its_work_says_why(context: Context, make_fault: Make) -> None:
    fault = make_fault()
    with pytest.raises(RuntimeError, match=r"held\.slots did not come up: .*database_password"):
        await holder.start(context, fault, "slots", role="orders")
    assert holder.find(fault) == []
