"""What must hold for the rendered manifests beyond their schema. Each rule returns what is wrong, in words."""

import json
import re
from collections.abc import Iterator
from typing import Any

from stormglass.settings import address_variable
from stormglass.topology import TOPOLOGY, Edge, Kind
from tests.unit.deploy.kubernetes_build import Document, containers, find
from tests.unit.deploy.kubernetes_settings import KNOWN, misread

TRAFFIC, ADMIN, PROXIES = 8000, 9000, 18000
"""Ports in containers, as with docker compose."""

OURS = ("gateway", "users", "products", "orders", "worker")
"""Processes that there is a Deployment of, beside the edge's; all others are servers, or for one machine only."""

SERVERS = ("traces", "mail")
"""Processes of ours that stand in for servers while one tries it out."""

PROCESS_USER, SERVER_USER = 10001, 999

ALONE = {"edge→traces"}
"""Edges that no experiment can break: where spans go, Traefik reads in its static configuration."""


def pods(documents: list[Document]) -> Iterator[tuple[str, str, Document]]:
    """Kind and name of everything that makes pods, and the pods' specification."""
    for document in documents:
        if document["kind"] in {"Deployment", "StatefulSet", "Job"}:
            yield document["kind"], document["metadata"]["name"], document["spec"]["template"]["spec"]


def main_container(documents: list[Document], name: str) -> Document:
    """The container that is the process."""
    kind = "StatefulSet" if name in SERVERS else "Deployment"
    (container,) = find(documents, kind, name)["spec"]["template"]["spec"]["containers"]
    return dict(container)


def environment(container: Document) -> dict[str, str]:
    """What a container is told in plain values."""
    return {entry["name"]: entry["value"] for entry in container.get("env", ()) if "value" in entry}


def has(documents: list[Document], kind: str, name: str) -> bool:
    """Whether there is such a document."""
    return any((d["kind"], d["metadata"]["name"]) == (kind, name) for d in documents)


def processes(documents: list[Document]) -> list[str]:
    """The topology's processes, started by the modules that start them natively."""
    deployed = {name for kind, name, _ in pods(documents) if kind == "Deployment"}
    if deployed != {"edge", *OURS}:
        return [f"there are Deployments of {sorted(deployed)}"]
    found = []
    for name in (*OURS, *(name for name in SERVERS if has(documents, "StatefulSet", name))):
        process = TOPOLOGY[name]
        module = ["stormglass.service", process.target] if process.kind is Kind.APP else [process.target]
        if main_container(documents, name)["command"] != ["python", "-P", "-m", *module]:
            found.append(f"{name} is not started by its module {process.target}")
    return found


def replicas(documents: list[Document]) -> list[str]:
    """Each process has room to grow and a budget for disruptions, and no fewer replicas than natively."""
    found = []
    for name in ("edge", *OURS):
        if not has(documents, "PodDisruptionBudget", name):
            found.append(f"{name} has no PodDisruptionBudget")
        fixed = find(documents, "Deployment", name)["spec"].get("replicas")
        fewest = fixed
        if has(documents, "HorizontalPodAutoscaler", name):
            fewest = find(documents, "HorizontalPodAutoscaler", name)["spec"]["minReplicas"]
            if fixed is not None:
                found.append(f"{name}: each deployment would undo what the autoscaler did")
        elif name != "worker":
            found.append(f"{name} has no HorizontalPodAutoscaler")
        if (fewest or 0) < TOPOLOGY[name].replicas:
            found.append(f"{name} has fewer replicas than natively")
        told = environment(main_container(documents, name)).get("STORMGLASS_GATEWAY_REPLICAS")
        if name == "gateway" and told != str(fewest):
            found.append(f"without Redis, limits are shared among {told} gateways, and there are {fewest}")
    return found


def probes(documents: list[Document]) -> list[str]:
    """Liveness asks whether the process answers, readiness whether it should be asked; both on the admin port."""
    found = []
    paths = {"startupProbe": "/livez", "livenessProbe": "/livez", "readinessProbe": "/readyz"}
    names = ["edge", *OURS, *(name for name in SERVERS if has(documents, "StatefulSet", name))]
    for name in names:
        container = main_container(documents, name)
        ports = {port["name"]: port["containerPort"] for port in container["ports"]}
        wanted = {"admin": ADMIN}
        if name != "worker":
            wanted["http"] = TRAFFIC
        if not wanted.items() <= ports.items():
            found.append(f"{name} listens on {ports}, not on {wanted}")
        for probe, path in paths.items():
            asked = container.get(probe, {}).get("httpGet", {})
            expected = "/ping" if name == "edge" else path
            if (asked.get("path"), ports.get(asked.get("port"), asked.get("port"))) != (expected, ADMIN):
                found.append(f"{name}: {probe} asks {asked}, not {expected} on {ADMIN}")
    return found


def locked_down(documents: list[Document]) -> list[str]:
    """No root, nothing writable, no capabilities, no token of the cluster; bounded memory, images of one version."""
    found = []
    for kind, name, pod in pods(documents):
        where = f"{kind} {name}"
        context = pod.get("securityContext", {})
        user = SERVER_USER if name in {"postgres", "redis"} else PROCESS_USER
        if (context.get("runAsNonRoot"), context.get("runAsUser"), context.get("fsGroup")) != (True, user, user):
            found.append(f"{where} runs as {context.get('runAsUser')}")
        if context.get("seccompProfile") != {"type": "RuntimeDefault"}:
            found.append(f"{where} has no seccomp profile")
        if pod.get("automountServiceAccountToken") is not False:
            found.append(f"{where} gets a token, below /run/secrets, which is read-only")
        for container in (*pod.get("initContainers", ()), *pod["containers"]):
            own = container.get("securityContext", {})
            expected = {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            if own != expected:
                found.append(f"{where}: {container['name']} may do more than it needs: {own}")
            resources = container.get("resources", {})
            if set(resources.get("requests", {})) != {"cpu", "memory"} or "memory" not in resources.get("limits", {}):
                found.append(f"{where}: {container['name']} has no bounds: {resources}")
            if not re.search(r":v?\d[\w.]*$", container["image"]):
                found.append(f"{where}: {container['image']} names no version")
    return found


def known_settings(documents: list[Document]) -> list[str]:
    """Every variable is one that the process reads, with a value that it takes; every edge has its address."""
    found = []
    for name in (*OURS, *(name for name in SERVERS if has(documents, "StatefulSet", name))):
        told = environment(main_container(documents, name))
        ours = {variable: value for variable, value in told.items() if variable.startswith("STORMGLASS_")}
        addresses = {variable for variable in ours if variable.startswith("STORMGLASS_ADDRESS_")}
        edges = {address_variable(edge.label) for edge in TOPOLOGY.edges_of(name)}
        if addresses != edges:
            found.append(f"{name}: {sorted(addresses ^ edges)} are not the edges that it has")
        found += [f"{name}: nobody reads {variable}" for variable in sorted(set(ours) - addresses - KNOWN)]
        found += [f"{name}: {fault}" for fault in misread(ours)]
        expected = {
            "STORMGLASS_SERVICE": name,
            "STORMGLASS_PORT": str(TRAFFIC if name != "worker" else 0),
            "STORMGLASS_ADMIN_PORT": str(ADMIN),
            "STORMGLASS_HOST": "0.0.0.0",
        }
        found += [
            f"{name}: {wrong} should be {expected[wrong]}" for wrong in expected if ours.get(wrong) != expected[wrong]
        ]
    for container in containers(documents):
        seen: set[str] = set()
        for entry in container.get("env", ()):
            used = set(re.findall(r"\$\((\w+)\)", entry.get("value", "")))
            if used - seen:
                found.append(f"{container['name']}: {entry['name']} uses {used - seen}, which is not set before it")
            seen.add(entry["name"])
    return found


def edge_addresses(documents: list[Document]) -> list[str]:
    """Each address leads to a Service of these manifests, or through the fault proxy of this very edge to one."""
    found = []
    for name in ("edge", *OURS):
        told = environment(main_container(documents, name))
        for edge in _edges(name):
            address = told.get(address_variable(edge.label), "")
            if address.startswith("127.0.0.1:"):
                address, fault = _through_proxy(documents, name, edge, address)
                found += [fault] if fault else []
            if not _service_listens(documents, address, edge.label):
                found.append(f"{edge.name} leads to {address!r}, which no Service is for")
    return found


def _edges(name: str) -> list[Edge]:
    """Edges with an address of their own; behind each of the edge's stands a Service instead of replicas."""
    return [
        edge
        for edge in TOPOLOGY.edges_of(name)
        if name != "edge" or (edge.each_replica and edge.replica == 1 and not edge.label.endswith(":admin"))
    ]


def _name(edge: Edge) -> str:
    return f"{edge.client}→{edge.label}" if edge.each_replica else edge.name


def _through_proxy(documents: list[Document], name: str, edge: Edge, address: str) -> tuple[str, str]:
    if not has(documents, "ConfigMap", f"{name}-faultproxy"):
        return "", f"{name} has no fault proxy, but {edge.name} leads to one"
    proxies = json.loads(find(documents, "ConfigMap", f"{name}-faultproxy")["data"][f"{name}.json"])
    expected = {"name": _name(edge), "listen": f"127.0.0.1:{TOPOLOGY.proxy_port(PROXIES, edge)}", "enabled": True}
    for proxy in proxies:
        if proxy["listen"] == address:
            fault = "" if expected.items() <= proxy.items() else f"{edge.name}: {proxy} should be {expected}"
            return str(proxy["upstream"]), fault
    return "", f"{edge.name}: nothing listens on {address}"


def _service_listens(documents: list[Document], address: str, label: str) -> bool:
    """Whether there is such a Service, and behind it the process that listens on `label`."""
    host, _, port = address.partition(":")
    for service in (d for d in documents if d["kind"] == "Service" and d["metadata"]["name"] == host):
        if service["spec"].get("type") == "ExternalName":
            return port.isdecimal()
        owner = service["spec"]["selector"]["app.kubernetes.io/name"]
        return owner == TOPOLOGY.owner(label).name and int(port) in {p["port"] for p in service["spec"]["ports"]}
    return False


def drains(documents: list[Document]) -> list[str]:
    """Nobody is killed while it still finishes what it has, and no balancer is surprised."""
    found = []
    for name in OURS:
        pod = find(documents, "Deployment", name)["spec"]["template"]["spec"]
        told = environment(main_container(documents, name))
        drain = float(told["STORMGLASS_DRAIN_SECONDS"])
        needed = max(drain + 8 + 3, TOPOLOGY[name].stop_seconds)  # requests in flight, the last export of spans
        if drain < TOPOLOGY[name].drain_seconds:
            found.append(f"{name} drains for {drain:g} s, natively for {TOPOLOGY[name].drain_seconds:g}")
        if pod["terminationGracePeriodSeconds"] < needed:
            found.append(f"{name} is killed after {pod['terminationGracePeriodSeconds']} s, needs {needed:g}")
        strategy = find(documents, "Deployment", name)["spec"]["strategy"]["rollingUpdate"]
        if strategy != {"maxUnavailable": 0, "maxSurge": 1}:
            found.append(f"{name} has fewer replicas while it is deployed")
    return found


def network(documents: list[Document]) -> list[str]:
    """NetworkPolicies let in the clients of the topology's edges, and nobody else."""
    found = []
    labels = {
        "http": None,
        "internal": "internal",
        "admin": None,
        "postgres": "postgres",
        "redis": "redis",
        "smtp": "mail",
    }
    for kind, name, _ in pods(documents):
        if not has(documents, "NetworkPolicy", name):
            found.append(f"{kind} {name} has no NetworkPolicy")
            continue
        spec = find(documents, "NetworkPolicy", name)["spec"]
        if spec["podSelector"] != {"matchLabels": {"app.kubernetes.io/name": name}} or spec["policyTypes"] != [
            "Ingress"
        ]:
            found.append(f"the NetworkPolicy {name} is not about {name}")
        for rule in spec["ingress"]:
            (port,) = (entry["port"] for entry in rule["ports"])
            label = labels[port] or ({"mail": "mail-api"}.get(name, name) + (":admin" if port == "admin" else ""))
            clients = {edge.process for edge in TOPOLOGY.edges if edge.label == label and edge.process in TOPOLOGY}
            if port == "admin":  # the kubelet asks for health in the edge's place
                clients = {"prometheus"}
            if label == "postgres":
                clients = clients & set(OURS) | {"setup"}
            allowed = {peer["podSelector"]["matchLabels"]["app.kubernetes.io/name"] for peer in rule.get("from", ())}
            if allowed != clients & {*OURS, "edge", "setup", "prometheus"}:
                found.append(f"{name} lets {sorted(allowed)} in on {port}, not {sorted(clients)}")
    return found


RULES: dict[str, Any] = {
    rule.__name__: rule
    for rule in (processes, replicas, probes, locked_down, known_settings, edge_addresses, drains, network)
}
