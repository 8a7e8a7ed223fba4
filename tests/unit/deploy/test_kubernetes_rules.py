"""The checks of the Kubernetes manifests find what they are for: each mistake is made in what is rendered, and seen."""

import copy
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.deploy import kubernetes_schema as schema
from tests.unit.deploy import kubernetes_tree
from tests.unit.deploy.kubernetes_build import Document, Unsupported, build, find
from tests.unit.deploy.kubernetes_references import references
from tests.unit.deploy.kubernetes_rules import RULES

Mistake = Callable[[list[Document]], object]


def _pod(documents: list[Document], name: str, kind: str = "Deployment") -> Document:
    pod: Document = find(documents, kind, name)["spec"]["template"]["spec"]
    return pod


def _process(documents: list[Document], name: str) -> Document:
    container: Document = _pod(documents, name)["containers"][0]
    return container


def _tell(name: str, variable: str, value: str) -> Mistake:
    def mistake(documents: list[Document]) -> None:
        told = _process(documents, name)["env"]
        told[:] = [entry for entry in told if entry["name"] != variable] + [{"name": variable, "value": value}]

    return mistake


def _without(kind: str, name: str) -> Mistake:
    return lambda documents: documents.remove(find(documents, kind, name))


def _proxy(**changes: str) -> Mistake:
    def mistake(documents: list[Document]) -> None:
        data = find(documents, "ConfigMap", "orders-faultproxy")["data"]
        proxies = json.loads(data["orders.json"])
        data["orders.json"] = json.dumps([proxies[0] | changes, *proxies[1:]])

    return mistake


MISTAKES: dict[str, tuple[str, Mistake]] = {
    "a probe asks a path that is not there": (
        "probes",
        lambda d: _process(d, "orders")["readinessProbe"]["httpGet"].update(path="/ready"),
    ),
    "a probe asks the traffic port": (
        "probes",
        lambda d: _process(d, "users")["livenessProbe"]["httpGet"].update(port="http"),
    ),
    "liveness depends on the database": (
        "probes",
        lambda d: _process(d, "users")["livenessProbe"]["httpGet"].update(path="/readyz"),
    ),
    "no startup probe": ("probes", lambda d: _process(d, "worker").pop("startupProbe")),
    "a variable that nobody reads": ("known_settings", _tell("orders", "STORMGLASS_DATABASE_POOLSIZE", "6")),
    "a value that is refused": ("known_settings", _tell("gateway", "STORMGLASS_TELEMETRY_SAMPLE_RATIO", "ten")),
    "an address that is none": ("known_settings", _tell("gateway", "STORMGLASS_ADDRESS_REDIS", "redis")),
    "an edge that the process does not have": (
        "known_settings",
        _tell("gateway", "STORMGLASS_ADDRESS_MAIL", "mail:1025"),
    ),
    "another service's name": ("known_settings", _tell("orders", "STORMGLASS_SERVICE", "users")),
    "a variable is used before it is set": (
        "known_settings",
        lambda d: _process(d, "orders")["env"].insert(0, {"name": "FIRST", "value": "$(POD_NAME)"}),
    ),
    "an address without a Service": (
        "edge_addresses",
        _tell("orders", "STORMGLASS_ADDRESS_INTERNAL", "edge-internal:8001"),
    ),
    "a Service of somebody else": ("edge_addresses", _tell("orders", "STORMGLASS_ADDRESS_POSTGRES", "redis:6379")),
    "a port that the Service does not have": (
        "edge_addresses",
        _tell("edge", "STORMGLASS_ADDRESS_USERS", "users:9000"),
    ),
    "a fault proxy of another name": ("edge_addresses", _proxy(name="orders→pg")),
    "a fault proxy that leads elsewhere": ("edge_addresses", _proxy(upstream="redis:6379")),
    "a fault proxy on another port": ("edge_addresses", _proxy(listen="127.0.0.1:1")),
    "no disruption budget": ("replicas", _without("PodDisruptionBudget", "worker")),
    "no autoscaler": ("replicas", _without("HorizontalPodAutoscaler", "gateway")),
    "a process is missing": ("processes", _without("Deployment", "users")),
    "fewer replicas than natively": (
        "replicas",
        lambda d: find(d, "HorizontalPodAutoscaler", "products")["spec"].update(minReplicas=1),
    ),
    "replicas beside an autoscaler": (
        "replicas",
        lambda d: find(d, "Deployment", "products")["spec"].update(replicas=2),
    ),
    "gateways share limits with one that is not there": (
        "replicas",
        _tell("gateway", "STORMGLASS_GATEWAY_REPLICAS", "5"),
    ),
    "another module": ("processes", lambda d: _process(d, "orders")["command"].append("services.users.app:create_app")),
    "root": ("locked_down", lambda d: _pod(d, "gateway")["securityContext"].update(runAsUser=0, runAsNonRoot=False)),
    "a writable root file system": (
        "locked_down",
        lambda d: _process(d, "edge")["securityContext"].update(readOnlyRootFilesystem=False),
    ),
    "a capability": (
        "locked_down",
        lambda d: _pod(d, "setup", "Job")["initContainers"][0]["securityContext"]["capabilities"].update(
            add=["NET_RAW"]
        ),
    ),
    "no seccomp profile": (
        "locked_down",
        lambda d: _pod(d, "redis", "StatefulSet")["securityContext"].pop("seccompProfile"),
    ),
    "a token of the cluster": ("locked_down", lambda d: _pod(d, "worker").pop("automountServiceAccountToken")),
    "memory without a limit": ("locked_down", lambda d: _process(d, "orders")["resources"].pop("limits")),
    "any version of an image": ("locked_down", lambda d: _process(d, "edge").update(image="traefik:latest")),
    "killed before it has drained": (
        "drains",
        lambda d: _pod(d, "orders").update(terminationGracePeriodSeconds=10),
    ),
    "no drain": ("drains", _tell("products", "STORMGLASS_DRAIN_SECONDS", "0")),
    "a pod that anybody may talk to": ("network", _without("NetworkPolicy", "postgres")),
    "a client too many": (
        "network",
        lambda d: find(d, "NetworkPolicy", "orders")["spec"]["ingress"][0]["from"].append(
            {"podSelector": {"matchLabels": {"app.kubernetes.io/name": "users"}}}
        ),
    ),
    "a port for everybody": ("network", lambda d: find(d, "NetworkPolicy", "redis")["spec"]["ingress"][0].pop("from")),
    "a Service that finds no pod": (
        "references",
        lambda d: find(d, "Service", "orders")["spec"]["selector"].update({"app.kubernetes.io/name": "order"}),
    ),
    "a Service for a port that is not there": (
        "references",
        lambda d: find(d, "Service", "orders")["spec"]["ports"][0].update(targetPort="web"),
    ),
    "a volume that is not there": (
        "references",
        lambda d: _process(d, "orders")["volumeMounts"].append({"name": "cache", "mountPath": "/cache"}),
    ),
    "a Secret that nobody makes": (
        "references",
        lambda d: _pod(d, "redis", "StatefulSet")["volumes"][1]["secret"].update(secretName="redis"),
    ),
    "a key that the ConfigMap does not have": (
        "references",
        lambda d: find(d, "ConfigMap", "orders-faultproxy").update(data={"order.json": "[]"}),
    ),
    "an autoscaler of nothing": (
        "references",
        lambda d: find(d, "HorizontalPodAutoscaler", "orders")["spec"]["scaleTargetRef"].update(name="order"),
    ),
}


@pytest.fixture(scope="module")
def experiments(tmp_path_factory: pytest.TempPathFactory) -> list[Document]:
    return build(kubernetes_tree.copied(tmp_path_factory.mktemp("kubernetes")) / "overlays" / "experiments")


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_found(experiments: list[Document], mistake: str) -> None:
    check, make = MISTAKES[mistake]
    rule = {**RULES, "references": references}[check]
    documents = copy.deepcopy(experiments)
    assert rule(documents) == []
    make(documents)
    assert rule(documents)


@pytest.mark.parametrize("version", [schema.OLDEST, schema.NEWEST])
@pytest.mark.parametrize(
    ("kind", "name", "change"),
    [
        ("Deployment", "orders", {"replica": 2}),
        ("Service", "orders", {"ports": "8000"}),
        ("HorizontalPodAutoscaler", "orders", {"maxReplicas": "six"}),
        ("PodDisruptionBudget", "orders", {"maxUnavailable": [1]}),
        ("NetworkPolicy", "orders", {"ingress": [{"ports": [{"ports": 8000}]}]}),
        ("Job", "setup", {"completionMode": 3}),
    ],
)
def test_what_a_server_would_refuse_is_found(
    experiments: list[Document], kind: str, name: str, change: Document, version: str
) -> None:
    document = copy.deepcopy(find(experiments, kind, name))
    assert schema.faults(document, version) == []
    document["spec"].update(change)
    assert schema.faults(document, version)


def test_deep_in_a_pod_as_well(experiments: list[Document]) -> None:
    document = copy.deepcopy(find(experiments, "Deployment", "orders"))
    probe = document["spec"]["template"]["spec"]["containers"][0]["readinessProbe"]
    probe["failureTreshold"] = probe.pop("failureThreshold")
    (fault,) = schema.faults(document, schema.NEWEST)
    assert "readinessProbe" in fault
    assert "failureTreshold" in fault


def test_a_kind_that_the_version_does_not_have_is_found(experiments: list[Document]) -> None:
    document = {**find(experiments, "HorizontalPodAutoscaler", "orders"), "apiVersion": "autoscaling/v2beta2"}
    assert schema.faults(document, schema.OLDEST) == [
        "Kubernetes 1.33.0 has no autoscaling/v2beta2 HorizontalPodAutoscaler"
    ]


@pytest.mark.parametrize(
    "content",
    [
        "namePrefix: my-\n",
        "resources: [a.yaml]\nlabels:\n  - pairs: {a: b}\n    includeSelectors: true\n",
        "configMapGenerator:\n  - name: a\n    literals: [a=b]\n",
        "resources: [a.yaml]\npatches:\n  - patch: '[{op: remove, path: /spec}]'\n    target: {kind: Service}\n",
        "resources: [a.yaml]\npatches:\n  - patch: '{spec: {$patch: delete}}'\n    target: {kind: Service}\n",
        "resources: [a.yaml]\npatches:\n  - patch: '{spec: {}}'\n    target: {annotationSelector: a=b}\n",
    ],
)
def test_what_only_kustomize_can_do_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.yaml").write_text("apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: []}\n")
    (tmp_path / "kustomization.yaml").write_text(content)
    with pytest.raises(Unsupported):
        build(tmp_path)
