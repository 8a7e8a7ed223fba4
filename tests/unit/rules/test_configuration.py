"""What is rendered for Prometheus and Alertmanager, held to their own checkers."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from observability.rules.build import alerts
from stormglass.runtime.instance import Instance
from stormglass.runtime.render import alertmanager, prometheus

_BESIDE = str(Path(sys.executable).parent)


def _tool(name: str, package: str) -> str:
    found = shutil.which(name) or shutil.which(name, path=_BESIDE)
    if found is None:
        pytest.skip(f"{name} comes with {package}, which is optional and not here")
    return found


def _checked(*command: str) -> tuple[int, str]:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    return done.returncode, done.stdout + done.stderr


def _prometheus(folder: Path, text: str, rules: str) -> tuple[int, str]:
    rendered = yaml.safe_load(text)
    for name, content in (("rules.yml", rules), ("targets.json", "[]")):
        (folder / name).write_text(content, encoding="utf-8")
    rendered["rule_files"] = [str(folder / "rules.yml")]
    rendered["scrape_configs"][0]["file_sd_configs"][0]["files"] = [str(folder / "targets.json")]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(rendered), encoding="utf-8")
    return _checked(_tool("promtool", "Prometheus"), "check", "config", str(folder / "prometheus.yml"))


def test_prometheus_accepts_its_configuration(tmp_path: Path, instance: Instance) -> None:
    code, said = _prometheus(tmp_path, prometheus.config(instance), prometheus.rules())
    assert code == 0, said
    broken = prometheus.rules().replace("vector(1)", "vector(1")
    code, said = _prometheus(tmp_path, prometheus.config(instance), broken)
    assert code != 0, said


def test_alertmanager_accepts_its_configuration(tmp_path: Path, instance: Instance) -> None:
    amtool = _tool("amtool", "Alertmanager")
    (tmp_path / "good.yml").write_text(alertmanager.config(instance), encoding="utf-8")
    code, said = _checked(amtool, "check-config", str(tmp_path / "good.yml"))
    assert code == 0, said
    assert "2 inhibit rules" in said
    broken = alertmanager.config(instance).replace("receiver: page", "receiver: nobody", 1)
    (tmp_path / "bad.yml").write_text(broken, encoding="utf-8")
    code, said = _checked(amtool, "check-config", str(tmp_path / "bad.yml"))
    assert code != 0, said


def test_what_belongs_together_is_one_group_and_the_watchdog_is_alone(instance: Instance) -> None:
    route = yaml.safe_load(alertmanager.config(instance))["route"]
    (alone,) = route["routes"]
    assert alone["matchers"] == ["severity = none"]
    groups: dict[tuple[str, ...], set[str]] = {}
    for alert in alerts():
        name, labels = str(alert["alert"]), alert["labels"]
        by = alone["group_by"] if labels["severity"] == "none" else route["group_by"]
        key = tuple({**labels, "alertname": name}.get(label, "") for label in by)
        groups.setdefault(key, set()).add(name)
    found = sorted(groups.values(), key=len)
    assert {"Watchdog"} in found
    assert {"OutboxGrowing", "DeadLetters"} in found
    for name in ("BrowseLatency", "PlaceOrderAvailability", "MailOnce"):
        assert {f"{name}BudgetBurnsFast", f"{name}BudgetBurnsSlowly"} in found
    # what has neither an objective nor a layer would be one heap
    assert not any(key == ("",) * len(key) for key in groups)
