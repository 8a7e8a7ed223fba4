"""The example in docs/instrumentation.md, run as another project would run it: from the built packages, without us."""

import os
import re
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
from arq.connections import RedisSettings

from stormglass import instrumentation
from tests.integration.instrumentation.sink import Sink, value

ROOT = Path(__file__).parents[3]
IDLE_SECONDS = 3.0
T = TypeVar("T")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The files of the example, the packages as they are installed, and no `stormglass`."""
    for library in ("arq", "litestar"):
        folder = Path(instrumentation.__file__).parent / library
        build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "wheels")]
        subprocess.run(build, cwd=folder, check=True, capture_output=True, timeout=120)
    for wheel in (tmp_path / "wheels").glob("*.whl"):
        zipfile.ZipFile(wheel).extractall(tmp_path)
    page = (ROOT / "docs" / "instrumentation.md").read_text()
    for name, text in re.findall(r"```python\n# (\w+\.py)(.*?)```", page, re.DOTALL):
        (tmp_path / name).write_text(f"# {name}{text}")
    (tmp_path / "stormglass.py").write_text("raise ImportError('another project has no stormglass')\n")
    return tmp_path


@contextmanager
def running(command: list[str], folder: Path, environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """`python -m …` in the folder; a process that has ended is reported by `until`."""
    with (folder / "output.log").open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(folder), **environment},
            stdout=output,
            stderr=output,
        )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(30)


def until(find: Callable[[], T], folder: Path, processes: Sequence[subprocess.Popen[bytes]]) -> T:
    """What `find` finds, as soon as it finds something; a refused connection is nothing."""
    end = time.monotonic() + 60
    while True:
        try:
            if found := find():
                return found
        except httpx.TransportError:
            pass
        running = time.monotonic() < end and all(process.poll() is None for process in processes)
        assert running, (folder / "output.log").read_text()
        time.sleep(0.05)


def test_the_example_runs_and_makes_one_trace_of_a_request_and_its_job(
    project: Path, valkey: RedisSettings, free_port: Callable[[], int]
) -> None:
    shop, metrics, traces = free_port(), free_port(), free_port()
    environment = {
        "REDIS_URL": f"redis://{valkey.host}:{valkey.port}",
        "METRICS_PORT": str(metrics),
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{traces}",
        "OTEL_BSP_SCHEDULE_DELAY": "100",
    }
    with ExitStack() as started:
        sink = started.enter_context(Sink(traces))
        commands = (["uvicorn", "shop:app", "--port", str(shop)], ["arq", "jobs.WorkerSettings"])
        processes = [started.enter_context(running(command, project, environment)) for command in commands]

        def await_(find: Callable[[], T]) -> T:
            return until(find, project, processes)

        await_(lambda: httpx.get(f"http://127.0.0.1:{shop}/metrics").is_success)
        await_(lambda: httpx.get(f"http://127.0.0.1:{metrics}/metrics").is_success)
        answer = httpx.post(f"http://127.0.0.1:{shop}/customers/7/welcome")
        assert answer.status_code == 201, answer.text
        attempts = await_(lambda: (got := sink.named("mailer", "process send_welcome"))[1:] and got)
        (request,) = await_(lambda: sink.named("shop", "POST /customers/{customer_id}/welcome"))
        (sent,) = await_(lambda: sink.named("shop", "enqueue send_welcome"))
        _one_trace(request, sent, attempts, answer.json()["job"])
        await_(lambda: len(sink.named("mailer", "INCRBY")) == 2)
        _served(f"http://127.0.0.1:{shop}", f"http://127.0.0.1:{metrics}", request.trace_id.hex())
        known = len(sink.spans)
        time.sleep(IDLE_SECONDS)
        assert [span.name for _, span in sink.spans[known:]] == [], "an idle worker, or a scrape, makes spans"


def _one_trace(request: Any, sent: Any, attempts: list[Any], job: str) -> None:
    assert {span.trace_id for span in (sent, *attempts)} == {request.trace_id}
    assert sent.parent_span_id == request.span_id
    for attempt in attempts:
        assert attempt.parent_span_id == sent.span_id
        assert [link.span_id for link in attempt.links] == [sent.span_id]
        assert value(attempt.attributes, "messaging.message.id") == job
    assert [value(span.attributes, "job.attempt") for span in attempts] == [1, 2]
    assert [value(span.attributes, "job.outcome") for span in attempts] == ["retry", "done"]


def _served(shop: str, worker: str, trace_id: str) -> None:
    accept = {"Accept": "application/openmetrics-text; version=1.0.0"}
    answers = httpx.get(f"{shop}/metrics", headers=accept).text
    jobs = httpx.get(f"{worker}/metrics", headers=accept).text
    tied = rf'.* # \{{trace_id="{trace_id}"\}}'
    route = r'http_route="/customers/\{customer_id\}/welcome"'
    assert re.search(rf"http_server_request_duration_seconds_bucket\{{.*{route}.*\}}{tied}", answers)
    assert "/metrics" not in answers, "what is excluded is not measured"
    assert re.search(rf'arq_job_duration_seconds_bucket\{{.*task="send_welcome".*\}}{tied}', jobs)
    assert 'arq_job_wait_seconds_count{task="send_welcome"} 2.0' in jobs
