"""The files that servers in containers read, as those servers themselves read them, wherever one is at hand."""

import json
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml

from stormglass.containers.files import FOLDER
from stormglass.runtime import servers
from stormglass.runtime.ports import free_port
from stormglass.testing import eventually
from tests.unit.deploy.compose_files import ROOT, SERVICES, mounts
from tests.unit.deploy.observing import HERE


def beside(program: str) -> str:
    found = shutil.which(program) or shutil.which(program, path=str(Path(sys.executable).parent))
    if not found:
        pytest.skip(f"{program} is neither on PATH nor installed by the set-up: nothing here reads this as it does")
    return found


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_prometheus(tmp_path: Path) -> None:
    for name in ("prometheus.yml", "targets.json"):
        text = (ROOT / FOLDER / "prometheus" / name).read_text().replace("/etc/stormglass", str(tmp_path))
        (tmp_path / name).write_text(text)
    shutil.copy(ROOT / mounts("prometheus")["/etc/stormglass/rules.yml"][0], tmp_path / "rules.yml")
    run(beside("promtool"), "check", "config", str(tmp_path / "prometheus.yml"))


def test_rules() -> None:
    run(beside("promtool"), "check", "rules", str(HERE / "rules/generated/demo.yml"))


def test_alertmanager() -> None:
    run(beside("amtool"), "check-config", str(ROOT / FOLDER / "alertmanager/alertmanager.yml"))


def test_postgres(tmp_path: Path) -> None:
    """`-C` in the first place reads the whole file, says one value, and starts nothing, as whatever user."""
    told = run(
        str(servers._wheel_postgres() / "bin" / "postgres"),
        "-C",
        "max_connections",
        "-D",
        str(tmp_path),
        "-c",
        f"config_file={ROOT / FOLDER / 'postgres/postgresql.conf'}",
    )
    assert told.strip() == "120"


def test_collector() -> None:
    run(beside("otelcol-contrib"), "validate", f"--config={HERE / 'collector/config.yaml'}")


def test_tempo() -> None:
    run(beside("tempo"), "-config.verify", f"-config.file={HERE / 'tempo/tempo.yaml'}")


def test_loki() -> None:
    run(beside("loki"), "-verify-config", f"-config.file={HERE / 'loki/loki.yaml'}")


def test_compose() -> None:
    docker = beside("docker")
    if subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode:
        pytest.skip("docker has no compose: nothing here reads these files as it does")
    text = run(docker, "compose", "-f", str(ROOT / "docker-compose.yml"), "--profile", "cli", "config")
    assert set(yaml.safe_load(text)["services"]) == set(SERVICES)


def test_traefik(tmp_path: Path) -> None:
    """It has no command that checks: one is started, and asked what it made of the files."""
    traefik, log, admin = beside("traefik"), tmp_path / "log", free_port()
    static = (ROOT / FOLDER / "edge/traefik.yml").read_text().replace("/etc/stormglass", str(tmp_path))
    for address, port in (("0.0.0.0:8000", free_port()), ("0.0.0.0:8001", free_port()), ("0.0.0.0:9000", admin)):
        assert static.count(address) == 1
        static = static.replace(address, f"127.0.0.1:{port}")
    dynamic = (ROOT / FOLDER / "edge/traefik-dynamic.yml").read_text()
    for name, text in (("traefik.yml", static), ("traefik-dynamic.yml", dynamic)):
        # no name to look up, and not the address at which a demo may have the same ports
        (tmp_path / name).write_text(text.replace("//faultproxy:", "//127.0.0.2:"))
    wanted = {
        kind: {f"{name}@file" for name in yaml.safe_load(dynamic)["http"][kind]}
        for kind in ("routers", "services", "middlewares")
    }
    with log.open("w") as out:
        process = subprocess.Popen([traefik, f"--configFile={tmp_path / 'traefik.yml'}"], stdout=out, stderr=out)

    def asked(path: str) -> Any:
        assert process.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{admin}/api/{path}", timeout=5) as answer:
                return json.load(answer)
        except OSError:
            return {}

    def from_the_file() -> Any:
        found = {kind: set(asked("rawdata").get(kind, ())) for kind in wanted}
        return {kind: {name for name in names if name.endswith("@file")} for kind, names in found.items()} == wanted

    try:
        eventually(from_the_file, seconds=10, what=f"every router, service and middleware of the file; see {log}")
        for kind, names in wanted.items():
            there = asked("rawdata")[kind]
            assert {name: there[name].get("error") for name in names if there[name]["status"] != "enabled"} == {}
        overview = asked("overview")
        for kind in wanted:
            assert (overview["http"][kind]["warnings"], overview["http"][kind]["errors"]) == (0, 0), kind
        assert overview["providers"] == ["File"]
        assert (overview["features"]["tracing"], overview["features"]["metrics"]) == ("OTLP", "Prometheus")
    finally:
        process.terminate()
        process.wait(10)
