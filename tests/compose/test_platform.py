"""What a person sees of the containers: up from nothing, an order through every layer, lines, metrics, memory."""

import json
import re
from typing import Any

from stormglass.containers.contained import contained
from stormglass.testing import eventually
from tests.compose.conftest import Containers

LEFT_OUT_WHERE_IMAGES_ARE_MISSING = {"grafana", "loki", "tempo", "postgres-exporter", "redis-exporter"}
"""Depends on the engine at hand: an override may take them out."""


def test_everything_is_up_and_healthy(containers: Containers, record_property: Any) -> None:
    status = containers.json("status")
    record_property("seconds to healthy", round(containers.seconds, 1))
    record_property("memory", json.dumps({row["replica"]: row["memory_bytes"] >> 20 for row in status["rows"]}))
    assert status["state"] == "up"
    there = {row["replica"] for row in status["rows"]}
    wanted = {process.replica_name(number) for process, number in contained().places()} - {"traces"}
    assert wanted - there <= LEFT_OUT_WHERE_IMAGES_ARE_MISSING
    assert all(row["memory_bytes"] < row["limit_bytes"] for row in status["rows"] if row["state"] == "running")
    assert {row["restarts"] for row in status["rows"]} == {0}
    published = {address for row in status["rows"] for address in row["published"]}
    assert published
    assert all(address.startswith("127.0.0.1:") for address in published)


def test_an_order_crosses_every_layer(containers: Containers) -> None:
    report = containers.json("order")
    assert report["status"] == "confirmed"
    assert report["order_id"] in report["mail"]["subject"]
    shown = containers.run("trace", report["trace_id"], "--wait", "30")
    for replica in (r"edge", r"gateway-\d", r"internal", r"orders-\d", r"products-\d", r"worker-\d", r"users-1"):
        assert re.search(rf"^{replica} ", shown, re.MULTILINE), f"{replica} is not in\n{shown}"
    for step in ("→ postgres", "→ redis", "SMTP send", "enqueue", "↪ linked"):
        assert step in shown, f"{step} is not in\n{shown}"


def test_its_lines_are_found_by_its_trace(containers: Containers) -> None:
    report = containers.json("order")

    def lines() -> list[dict[str, Any]]:
        found = [
            json.loads(line) for line in containers.run("logs", "--trace", report["trace_id"], "--json").splitlines()
        ]
        return found if {"gateway", "orders", "worker"} <= {line["service"] for line in found} else []

    lines_found = eventually(lines, seconds=30, what="the lines of all three")
    assert {line["trace_id"] for line in lines_found} == {report["trace_id"]}


def test_prometheus_sees_every_replica_and_keeps_exemplars(containers: Containers) -> None:
    def up() -> set[str]:
        result = _prometheus(containers, 'query?query=up{job="stormglass"}==1')["result"]
        return {row["metric"]["replica"] for row in result}

    ours = {p.replica_name(n) for p, n in contained().places() if p.scalable} | {"edge", "faultproxy", "faults"}
    eventually(lambda: ours <= up(), seconds=60, what=f"{ours} are scraped")

    def exemplars() -> Any:
        query = "query_exemplars?query=http_server_request_duration_seconds_bucket&start=0&end=9999999999"
        return [each for series in _prometheus(containers, query) for each in series["exemplars"]]

    assert eventually(exemplars, seconds=60, what="an exemplar")[0]["labels"]["trace_id"]


def test_the_collector_counts_every_span(containers: Containers) -> None:
    def edges() -> set[str]:
        query = "query?query=traces_spanmetrics_calls_total>0"
        rows = _prometheus(containers, query)["result"]
        return {row["metric"].get("exported_service") or row["metric"]["service"] for row in rows}

    eventually(
        lambda: {"edge", "gateway", "orders", "worker"} <= edges(), seconds=60, what="span metrics of every layer"
    )


def test_nobody_can_write_where_they_live(containers: Containers) -> None:
    program = "import os;print(os.getuid());open('/opt/stormglass/x','w')"
    told = containers.docker("compose", "exec", "-T", "gateway-1", "python", "-c", program, check=False)
    assert told.splitlines() == ["10001"]
    said = "import os;print(sorted(os.listdir('/run/secrets')), os.listdir('/run/secrets/gateway') != [])"
    listed = containers.docker("compose", "exec", "-T", "gateway-1", "python", "-c", said)
    assert listed.strip().endswith("True")
    empty = (
        "import os;print(sum(len(os.listdir('/run/secrets/'+n)) for n in os.listdir('/run/secrets') if n!='gateway'))"
    )
    assert containers.docker("compose", "exec", "-T", "gateway-1", "python", "-c", empty).strip() == "0"


def test_nothing_in_the_image_installs_anything(containers: Containers) -> None:
    """Neither in the environment of ours nor beside the interpreter that it stands on."""
    program = (
        "import subprocess as s,sys;"
        "look='import importlib.util as u;print(u.find_spec(\"pip\") is None)';"
        "print([s.check_output([p,'-c',look],text=True).strip() for p in (sys.executable,sys._base_executable)])"
    )
    told = containers.docker("compose", "exec", "-T", "gateway-1", "python", "-c", program)
    assert told.strip() == "['True', 'True']"


def _prometheus(containers: Containers, path: str) -> Any:
    """Asked from inside: its port is not published."""
    program = "import sys,urllib.request;print(urllib.request.urlopen(sys.argv[1],timeout=10).read().decode())"
    quoted = (
        path.replace("{", "%7B").replace("}", "%7D").replace('"', "%22").replace("==", "%3D%3D").replace(">", "%3E")
    )
    address = f"http://prometheus:9090/api/v1/{quoted}"
    return json.loads(containers.docker("compose", "exec", "-T", "faults", "python", "-c", program, address))["data"]
