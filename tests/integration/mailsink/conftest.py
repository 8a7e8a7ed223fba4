"""The sink as a real process with a real SMTP port, on ports that are free."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import aiosmtplib
import httpx
import pytest

from stormglass.runtime.ports import free_port
from stormglass.testing import eventually


@dataclass
class Sink:
    """A sink process, which can be killed and started again on the same database."""

    folder: Path
    max_messages: int = 1_000
    ports: list[int] = field(default_factory=lambda: [free_port() for _ in range(3)])
    process: subprocess.Popen[bytes] | None = None

    @property
    def smtp_port(self) -> int:
        return self.ports[2]

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    @property
    def http(self) -> httpx.Client:
        return httpx.Client(base_url=f"http://127.0.0.1:{self.ports[0]}", timeout=30)

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "stormglass.service", "worker.mailsink.app:create_app"],
                stdout=log,
                stderr=log,
                env={
                    **os.environ,
                    "STORMGLASS_SERVICE": "mail",
                    "STORMGLASS_LOG_LEVEL": "DEBUG",
                    "STORMGLASS_PORT": str(self.ports[0]),
                    "STORMGLASS_ADMIN_PORT": str(self.ports[1]),
                    "STORMGLASS_MAIL_SMTP_PORT": str(self.smtp_port),
                    "STORMGLASS_MAIL_DATABASE": str(self.folder / "mail.db"),
                    "STORMGLASS_MAIL_MAX_MESSAGES": str(self.max_messages),
                    "STORMGLASS_MAIL_MAX_MESSAGE_BYTES": "65536",
                },
            )
        eventually(self._ready, seconds=60, what="the mail sink's readiness")

    def _ready(self) -> bool:
        if self.process is not None and self.process.poll() is not None:
            pytest.fail(f"the mail sink exited with {self.process.returncode} while starting:\n{self.log}")
        return httpx.get(f"http://127.0.0.1:{self.ports[1]}/readyz").status_code == 200

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        code = self.process.wait(timeout=60)
        self.process = None
        return code

    def client(self, timeout: float = 30.0) -> aiosmtplib.SMTP:
        return aiosmtplib.SMTP(hostname="127.0.0.1", port=self.smtp_port, start_tls=False, timeout=timeout)

    async def send(self, mail: EmailMessage, **options: Any) -> None:
        async with self.client() as client:
            await client.send_message(mail, **options)

    def get(self, path: str, **query: str | int) -> Any:
        with self.http as client:
            answer = client.get(path, params=query)
            answer.raise_for_status()
            return answer.json()

    def misbehave(self, **fault: str | float) -> None:
        with self.http as client:
            client.put("/chaos/behaviour", json=fault).raise_for_status()


@pytest.fixture
def start_sink(tmp_path: Path) -> Iterator[Callable[..., Sink]]:
    """Start a process for this test alone, to be killed, stopped or bounded."""
    started: list[Sink] = []

    def start(**options: Any) -> Sink:
        sink = Sink(tmp_path, **options)
        started.append(sink)
        sink.start()
        return sink

    yield start
    for sink in started:
        if sink.process is not None:
            sink.stop(signal.SIGKILL)


@pytest.fixture(scope="module")
def shared_sink(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sink]:
    sink = Sink(tmp_path_factory.mktemp("mailsink"))
    try:
        sink.start()
        yield sink
    finally:
        if sink.process is not None:
            sink.stop(signal.SIGKILL)


@pytest.fixture
def sink(shared_sink: Sink) -> Sink:
    """The module's process, emptied and in normal service."""
    with shared_sink.http as client:
        client.delete("/api/v1/messages").raise_for_status()
        client.delete("/chaos/behaviour").raise_for_status()
    return shared_sink


@pytest.fixture
def compose() -> Callable[..., EmailMessage]:
    def compose(number: int = 1, text: str = "Thank you for your order.", **headers: str) -> EmailMessage:
        mail = EmailMessage()
        fields = {
            "From": "Stormglass <shop@example.test>",
            "To": "Ada <ada@example.test>",
            "Subject": f"Order {number} confirmed",
            "Message-ID": f"<event-{number}@stormglass.test>",
            **headers,
        }
        for name, value in fields.items():
            mail[name] = value
        mail.set_content(text)
        return mail

    return compose
