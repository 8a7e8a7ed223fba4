"""Names within the manifests lead somewhere: what a schema cannot know, and a cluster would only tell pod by pod."""

from tests.unit.deploy.kubernetes_build import Document, find
from tests.unit.deploy.kubernetes_rules import has, pods

FROM_OUTSIDE = {f"{name}-secrets" for name in ("gateway", "users", "products", "orders", "worker", "postgres")}
"""Secrets that production brings along."""


def references(documents: list[Document]) -> list[str]:
    """Every selector finds pods, every port, volume, key, ConfigMap and Secret that is named is there, once."""
    names = [(d["kind"], d["metadata"]["name"]) for d in documents]
    found = [f"there are several {kind} {name}" for kind, name in sorted({n for n in names if names.count(n) > 1})]
    labels = {
        name: find(documents, kind, name)["spec"]["template"]["metadata"]["labels"] for kind, name, _ in pods(documents)
    }
    for document in documents:
        where = f"{document['kind']} {document['metadata']['name']}"
        spec = document.get("spec", {})
        selector = _selector(document)
        chosen = [name for name, has_ in labels.items() if selector.items() <= has_.items()] if selector else []
        if selector and len(chosen) != 1:
            found.append(f"{where} selects the pods of {chosen}")
            continue
        if document["kind"] == "Service" and chosen:
            found += [
                f"{where}: {p['targetPort']} is no port"
                for p in spec["ports"]
                if p["targetPort"] not in _ports(documents, chosen[0])
            ]
        if document["kind"] == "NetworkPolicy" and chosen:
            asked = {entry["port"] for rule in spec["ingress"] for entry in rule["ports"]}
            found += [f"{where}: {port} is no port" for port in sorted(asked - _ports(documents, chosen[0]))]
        if document["kind"] == "HorizontalPodAutoscaler":
            target = spec["scaleTargetRef"]
            if not has(documents, target["kind"], target["name"]):
                found.append(f"{where} scales nothing")
    for kind, name, pod in pods(documents):
        found += [f"{kind} {name}: {fault}" for fault in _within(documents, kind, name, pod)]
    return found


def _selector(document: Document) -> dict[str, str]:
    spec = document.get("spec", {})
    if document["kind"] == "Service":
        return dict(spec.get("selector", {}))
    if document["kind"] == "NetworkPolicy":
        return dict(spec["podSelector"]["matchLabels"])
    if document["kind"] in {"Deployment", "StatefulSet", "PodDisruptionBudget"}:
        return dict(spec["selector"]["matchLabels"])
    return {}


def _ports(documents: list[Document], name: str) -> set[str]:
    (pod,) = (pod for _, owner, pod in pods(documents) if owner == name)
    return {port["name"] for container in pod["containers"] for port in container.get("ports", ())}


def _within(documents: list[Document], kind: str, name: str, pod: Document) -> list[str]:
    found = []
    volumes = {volume["name"]: volume for volume in pod.get("volumes", ())}
    claims = find(documents, kind, name)["spec"].get("volumeClaimTemplates", ())
    mounted = set()
    for container in (*pod.get("initContainers", ()), *pod["containers"]):
        mounts = container.get("volumeMounts", ())
        mounted |= {mount["name"] for mount in mounts}
        if len({mount["mountPath"] for mount in mounts}) != len(mounts):
            found.append(f"{container['name']} mounts twice at the same place")
    there = set(volumes) | {claim["metadata"]["name"] for claim in claims}
    found += [f"there is no volume {missing}" for missing in sorted(mounted - there)]
    found += [f"nobody mounts {unused}" for unused in sorted(there - mounted)]
    for volume in volumes.values():
        for source in (volume, *volume.get("projected", {}).get("sources", ())):
            found += _source(documents, source)
    return found


def _source(documents: list[Document], source: Document) -> list[str]:
    if "configMap" in source:
        name, items, kind = source["configMap"]["name"], source["configMap"].get("items", ()), "ConfigMap"
    elif "secret" in source:
        secret = source["secret"]
        name, items, kind = secret.get("secretName") or secret["name"], secret.get("items", ()), "Secret"
        if name in FROM_OUTSIDE and not has(documents, kind, name):
            return []
    else:
        return []
    if not has(documents, kind, name):
        return [f"there is no {kind} {name}"]
    keys = find(documents, kind, name)["data"]
    return [f"{kind} {name} has no {item['key']}" for item in items if item["key"] not in keys]
