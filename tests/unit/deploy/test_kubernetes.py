"""The Kubernetes manifests are valid, hold together, and say what the topology and the native configuration say.

No cluster is needed, and none has run them. Kustomize and kubeconform are asked too where they are installed.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from stormglass.runtime import vault
from stormglass.runtime.instance import Instance
from stormglass.runtime.render import postgres, traefik, valkey
from stormglass.security import keyring
from stormglass.topology import TOPOLOGY
from tests.unit.deploy import kubernetes_build as kustomize
from tests.unit.deploy import kubernetes_schema as schema
from tests.unit.deploy import kubernetes_tree
from tests.unit.deploy.kubernetes_build import Document, find
from tests.unit.deploy.kubernetes_references import FROM_OUTSIDE, references
from tests.unit.deploy.kubernetes_rules import ALONE, OURS, RULES, environment, main_container, pods
from tests.unit.deploy.kubernetes_tree import MANIFESTS, OVERLAYS, ROOT

CHECKS: dict[str, Callable[[list[Document]], list[str]]] = {**RULES, "references": references}
ON_LOOPBACK = {"manager", "postgres-exporter", "redis-exporter"}
"""Who has secrets natively and does not exist in these manifests."""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return kubernetes_tree.copied(tmp_path_factory.mktemp("kubernetes"))


@pytest.fixture(scope="module")
def rendered(tree: Path) -> dict[str, list[Document]]:
    return kubernetes_tree.rendered(tree)


@pytest.fixture
def instance(tmp_path: Path) -> Instance:
    made = Instance("unit", tmp_path, 24500)
    vault.ensure(made)
    return made


@pytest.mark.parametrize("version", [schema.OLDEST, schema.NEWEST])
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_document_fits_kubernetes_own_schema(
    rendered: dict[str, list[Document]], overlay: str, version: str
) -> None:
    assert len(rendered[overlay]) > 40
    assert [fault for document in rendered[overlay] for fault in schema.faults(document, version)] == []


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_rule_holds(rendered: dict[str, list[Document]], overlay: str, check: str) -> None:
    assert CHECKS[check](rendered[overlay]) == []


def test_replicas_are_the_topologys_until_an_overlay_says_otherwise(rendered: dict[str, list[Document]]) -> None:
    for name in ("edge", *OURS):
        if name == "worker":
            replicas = find(rendered["trial"], "Deployment", name)["spec"]["replicas"]
        else:
            replicas = find(rendered["trial"], "HorizontalPodAutoscaler", name)["spec"]["minReplicas"]
        assert (name, replicas) == (name, TOPOLOGY[name].replicas)


def test_an_experiment_can_break_every_edge_and_nobody_else_can(rendered: dict[str, list[Document]]) -> None:
    experiments, trial = rendered["experiments"], rendered["trial"]
    proxies = {
        proxy["name"]
        for name in ("edge", *OURS)
        for proxy in json.loads(find(experiments, "ConfigMap", f"{name}-faultproxy")["data"][f"{name}.json"])
    }
    edges = {
        f"{edge.client}→{edge.label}" if edge.each_replica else edge.name
        for name in ("edge", *OURS)
        for edge in TOPOLOGY.edges_of(name)
        if not edge.label.endswith(":admin")
    }
    assert proxies == edges - ALONE
    for name in ("edge", *OURS):
        pod = find(experiments, "Deployment", name)["spec"]["template"]["spec"]
        sidecar = pod["initContainers"][0]  # before whatever else has an edge
        # it outlives the process, and listens where only this pod and whoever may forward ports gets
        assert sidecar["restartPolicy"] == "Always"
        assert "-host=127.0.0.1" in sidecar["args"]
        plain = find(trial, "Deployment", name)["spec"]["template"]["spec"]
        assert {k: v for k, v in pod["containers"][0].items() if k != "env"} == {
            k: v for k, v in plain["containers"][0].items() if k != "env"
        }, "a process under experiment is the process that runs otherwise"
    assert "faultproxy" not in json.dumps([rendered["trial"], rendered["production"]])


def test_production_brings_neither_servers_nor_secrets(rendered: dict[str, list[Document]]) -> None:
    production = rendered["production"]
    assert not {document["kind"] for document in production} & {"StatefulSet", "Secret"}
    external = {d["metadata"]["name"] for d in production if d.get("spec", {}).get("type") == "ExternalName"}
    assert external == {"postgres", "redis", "mail", "mail-api", "collector"}
    named = set(
        re.findall(r'"(?:secretName|name)": "([\w-]+-secrets)"', json.dumps([pod for _, _, pod in pods(production)]))
    )
    assert {name for name in named if "-secrets" in name} == FROM_OUTSIDE


def test_whoever_begins_traces_is_told_the_same_share(rendered: dict[str, list[Document]]) -> None:
    for documents in rendered.values():
        told = {environment(main_container(documents, name))["STORMGLASS_TELEMETRY_SAMPLE_RATIO"] for name in OURS}
        assert {float(share) for share in told} == {_traefik(documents, "traefik.yml")["tracing"]["sampleRate"]}


def test_our_image_is_this_version(rendered: dict[str, list[Document]]) -> None:
    version = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version is not None
    for documents in rendered.values():
        images = {c["image"] for c in kustomize.containers(documents) if "stormglass" in c["image"]}
        assert len(images) == 1
        assert images.pop().endswith(f"stormglass:{version[1]}")


def _traefik(documents: list[Document], name: str) -> Any:
    return yaml.safe_load(find(documents, "ConfigMap", "edge-config")["data"][name])


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_traefik_is_told_what_it_is_told_natively(
    rendered: dict[str, list[Document]], instance: Instance, overlay: str
) -> None:
    expected = yaml.safe_load(traefik.static(instance))
    told = _traefik(rendered[overlay], "traefik.yml")
    for name, port in (("edge", 8000), ("internal", 8001), ("admin", 9000)):
        entry = expected["entryPoints"][name]
        entry["address"] = f":{port}"
        # every node has to hear that a pod is about to end
        entry["transport"]["lifeCycle"]["requestAcceptGraceTimeout"] = "5s"
    expected["providers"] = {"file": {"filename": "/etc/traefik/dynamic.yml", "watch": False}}
    expected["tracing"]["otlp"]["http"]["endpoint"] = "http://collector:4318/v1/traces"
    expected["tracing"]["sampleRate"] = told["tracing"]["sampleRate"]  # has a test of its own
    assert told == expected


def test_traefik_routes_as_it_does_natively(rendered: dict[str, list[Document]], instance: Instance) -> None:
    expected = yaml.safe_load(traefik.dynamic(instance))["http"]
    told = _traefik(rendered["trial"], "dynamic.yml")["http"]
    for same in ("middlewares", "serversTransports"):
        assert told[same] == expected[same]
    # nobody asks for a replica by its name here
    assert told["routers"] == {name: r for name, r in expected["routers"].items() if not name.endswith("-by-name")}
    balanced = {"gateway": "edge", "users": "internal", "products": "internal", "orders": "internal"}
    assert told["services"] == {
        name: {
            "loadBalancer": {
                "servers": [{"url": f'http://{{{{ env "STORMGLASS_ADDRESS_{name.upper()}" }}}}'}],
                "serversTransport": transport,
            }
        }
        for name, transport in balanced.items()
    }


def _settings(text: str, separator: str) -> dict[str, str]:
    lines = [line.partition("#")[0].strip() for line in text.splitlines()]
    return {name.strip(): value.strip() for name, _, value in (line.partition(separator) for line in lines if line)}


def test_postgres_is_told_what_it_is_told_natively(rendered: dict[str, list[Document]], instance: Instance) -> None:
    files = find(rendered["trial"], "ConfigMap", "postgres-config")["data"]
    told = _settings(files["postgresql.conf"], "=")
    expected = _settings(postgres.config(instance), "=")
    where = {"listen_addresses", "port", "unix_socket_directories", "hba_file"}
    assert {n: v for n, v in told.items() if n not in where} == {n: v for n, v in expected.items() if n not in where}
    natively = {tuple(line.split()[1:3]) for line in postgres.hba(instance).splitlines() if line.startswith("host")}
    lines = [line.split() for line in files["pg_hba.conf"].splitlines() if line.startswith("host")]
    assert {(database, role) for _, database, role, *_ in lines} == natively - {("postgres", "postgres-exporter")}
    assert {line[-1] for line in lines} == {"scram-sha-256"}


def test_redis_is_told_what_valkey_is_told_natively(rendered: dict[str, list[Document]], instance: Instance) -> None:
    told = _settings(find(rendered["trial"], "ConfigMap", "redis-config")["data"]["redis.conf"], " ")
    expected = _settings(valkey.config(instance), " ")
    where = {"bind", "port", "dir", "requirepass", "set-proc-title"}
    assert {n: v for n, v in told.items() if n not in where} == {n: v for n, v in expected.items() if n not in where}


def test_the_set_up_makes_the_topologys_databases_and_migrates_them(rendered: dict[str, list[Document]]) -> None:
    sql = (MANIFESTS / "base" / "setup" / "provision.sql").read_text()
    wanted = {
        role: set(enters.split(","))
        for role, enters in re.findall(r"\('(\w+)', :'\w+_password', '\{([\w,]+)\}'\)", sql)
    }
    owners = [process for process in TOPOLOGY.processes if process.database]
    assert wanted == {process.name: {process.name, *process.shared_databases} for process in owners}
    for documents in rendered.values():
        pod = find(documents, "Job", "setup")["spec"]["template"]["spec"]
        steps = [*pod["initContainers"], *pod["containers"]]
        migrations = steps[1:]
        assert steps[0]["name"] == "provision"
        told = [environment(container) for container in migrations]
        assert [each["STORMGLASS_SERVICE"] for each in told] == [p.name for p in owners if p.migrations]
        for container, each in zip(migrations, told, strict=True):
            assert container["command"] == ["python", "-P", "-m", "stormglass.runtime.migrate"]
            assert each["STORMGLASS_ADDRESS_POSTGRES"] == "postgres:5432"
            assert container["volumeMounts"][0]["name"] == f"{each['STORMGLASS_SERVICE']}-secrets"


def test_who_has_a_database_waits_for_its_schema(rendered: dict[str, list[Document]]) -> None:
    for documents in rendered.values():
        for name in OURS:
            pod = find(documents, "Deployment", name)["spec"]["template"]["spec"]
            waiting = [each for each in pod.get("initContainers", ()) if each["name"] == "schema"]
            assert bool(waiting) == TOPOLOGY[name].database
            assert all(each["command"][-1] == "/etc/setup/await_schema.py" for each in waiting)
        assert "await_schema.py" in find(documents, "ConfigMap", "setup-config")["data"]


def _files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_every_secret_that_exists_natively_is_there(rendered: dict[str, list[Document]], instance: Instance) -> None:
    here = {
        f"{document['metadata']['name'].removesuffix('-secrets')}/{key}"
        for document in rendered["trial"]
        if document["kind"] == "Secret"
        for key in document["data"]
    }
    assert here == {name for name in _files(instance.secrets) if name.partition("/")[0] not in ON_LOOPBACK}


@pytest.mark.skipif(shutil.which("openssl") is None, reason="make-secrets needs openssl")
def test_secrets_are_made_once_and_fit(tmp_path: Path, instance: Instance) -> None:
    made = tmp_path / "made"
    command = ["sh", str(MANIFESTS / "make-secrets"), str(made)]
    subprocess.run(command, check=True)
    assert _files(made) == {name for name in _files(instance.secrets) if name.partition("/")[0] not in ON_LOOPBACK}
    first = {name: (made / name).read_text() for name in _files(made)}
    assert keyring.read(made / "users").keys
    assert len(set(first.values())) == len(first) - 4 - 5, "shared: one identity key by five, one password by six"
    assert {(made / name).stat().st_mode & 0o777 for name in first} == {0o600}
    subprocess.run(command, check=True)
    assert {name: (made / name).read_text() for name in _files(made)} == first


def _kustomize() -> list[str] | None:
    if shutil.which("kustomize"):
        return ["kustomize", "build"]
    return ["kubectl", "kustomize"] if shutil.which("kubectl") else None


@pytest.mark.skipif(_kustomize() is None, reason="neither kustomize nor kubectl is installed")
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_kustomize_itself_builds_the_same(tree: Path, rendered: dict[str, list[Document]], overlay: str) -> None:
    command = [*(_kustomize() or []), str(tree / "overlays" / overlay)]
    text = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout
    for document in yaml.safe_load_all(text):
        if document["kind"] in {"ConfigMap", "Secret"}:
            hashed = document["metadata"]["name"]
            text = text.replace(hashed, re.sub(r"-\w{10}$", "", hashed))
    theirs = {(d["kind"], d["metadata"]["name"]): d for d in yaml.safe_load_all(text)}
    assert theirs == {(d["kind"], d["metadata"]["name"]): d for d in rendered[overlay]}


@pytest.mark.skipif(shutil.which("kubeconform") is None, reason="kubeconform is not installed")
@pytest.mark.parametrize("version", [schema.OLDEST, schema.NEWEST])
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_kubeconform_agrees(tmp_path: Path, rendered: dict[str, list[Document]], overlay: str, version: str) -> None:
    for document in rendered[overlay]:
        group, _, number = document["apiVersion"].rpartition("/")
        name = "-".join(filter(None, (document["kind"].lower(), group.partition(".")[0], number)))
        made = schema.standalone(version, document["kind"], document["apiVersion"])
        (tmp_path / f"{name}.json").write_text(json.dumps(made))
    where = f"{tmp_path}/{{{{ .ResourceKind }}}}{{{{ .KindSuffix }}}}.json"
    done = subprocess.run(
        ["kubeconform", "-strict", "-summary", "-kubernetes-version", version, "-schema-location", where, "-"],
        input=yaml.safe_dump_all(rendered[overlay]),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert f"Valid: {len(rendered[overlay])}, Invalid: 0, Errors: 0, Skipped: 0" in done.stdout
