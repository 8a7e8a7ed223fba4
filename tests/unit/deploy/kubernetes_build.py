"""`kustomize build`, as far as platform/deploy/kubernetes needs it: what it does not know, it refuses.

It exists so that the manifests are checked wherever there is Python. Where the real program is at hand, a test holds
this one to it, document by document. The hashes that Kustomize adds to generated names are left out.
"""

import base64
import copy
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

Document = dict[str, Any]

KNOWN = {
    "apiVersion",
    "kind",
    "namespace",
    "resources",
    "components",
    "labels",
    "patches",
    "configMapGenerator",
    "secretGenerator",
    "images",
}

KEYS = {
    "containers": ("name",),
    "initContainers": ("name",),
    "env": ("name",),
    "volumes": ("name",),
    "volumeMounts": ("mountPath",),
    "ports": ("containerPort", "port"),
    "topologySpreadConstraints": ("topologyKey",),
}
"""Lists that a strategic merge joins item by item; every other list is replaced."""


class Unsupported(ValueError):
    """The kustomization uses something that only the real program can do."""


def build(directory: Path) -> list[Document]:
    """Every document of a kustomization, in no order that matters."""
    documents: list[Document] = []
    _accumulate(directory, documents)
    return documents


def _accumulate(directory: Path, documents: list[Document]) -> None:
    wanted = yaml.safe_load((directory / "kustomization.yaml").read_text(encoding="utf-8"))
    if unknown := set(wanted) - KNOWN:
        raise Unsupported(f"{directory.name}: {', '.join(sorted(unknown))}")
    for name in wanted.get("resources", ()):
        documents += _resource(directory / name)
    for name in wanted.get("components", ()):
        _accumulate(directory / name, documents)
    for kind, field in (("ConfigMap", "configMapGenerator"), ("Secret", "secretGenerator")):
        for generator in wanted.get(field, ()):
            _generate(directory, kind, generator, documents)
    for patch in wanted.get("patches", ()):
        _patch(directory, patch, documents)
    _namespace(wanted.get("namespace"), documents)
    for labels in wanted.get("labels", ()):
        _label(labels, documents)
    for image in wanted.get("images", ()):
        for container in containers(documents):
            _image(image, container)


def _resource(path: Path) -> list[Document]:
    return build(path) if path.is_dir() else _documents(path.read_text(encoding="utf-8"))


def _documents(text: str) -> list[Document]:
    # an anchor is shared by all who name it: each gets its own
    return [copy.deepcopy(document) for document in yaml.safe_load_all(text) if document]


def _generate(directory: Path, kind: str, generator: Document, documents: list[Document]) -> None:
    if unknown := set(generator) - {"name", "files", "behavior"}:
        raise Unsupported(f"{generator['name']}: {', '.join(sorted(unknown))}")
    contents = {Path(name).name: (directory / name).read_bytes() for name in generator["files"]}
    if kind == "Secret":
        data = {name: base64.b64encode(content).decode() for name, content in contents.items()}
    else:
        data = {name: content.decode() for name, content in contents.items()}
    if generator.get("behavior", "create") == "merge":
        find(documents, kind, generator["name"])["data"].update(data)
        return
    made: Document = {"apiVersion": "v1", "kind": kind, "metadata": {"name": generator["name"]}, "data": data}
    documents.append(made | ({"type": "Opaque"} if kind == "Secret" else {}))


def find(documents: list[Document], kind: str, name: str) -> Document:
    """The one document of this kind and name."""
    (found,) = (d for d in documents if (d["kind"], d["metadata"]["name"]) == (kind, name))
    return found


def _patch(directory: Path, patch: Document, documents: list[Document]) -> None:
    text = patch["patch"] if "patch" in patch else (directory / patch["path"]).read_text(encoding="utf-8")
    for change in _documents(text):
        if not isinstance(change, dict) or "$patch" in text:
            raise Unsupported("a patch that is no plain strategic merge")
        if "target" not in patch:
            targets = [find(documents, change["kind"], change["metadata"]["name"])]
        else:
            targets = [document for document in documents if _selected(patch["target"], document)]
        for target in targets:
            identity = target["metadata"]["name"]
            merged = _merge(target, change)
            merged["metadata"]["name"] = identity
            target.clear()
            target.update(merged)


def _selected(target: Document, document: Document) -> bool:
    if unknown := set(target) - {"kind", "name", "labelSelector"}:
        raise Unsupported(f"a target with {', '.join(sorted(unknown))}")
    label, _, value = target.get("labelSelector", "").partition("=")
    return (
        target.get("kind", document["kind"]) == document["kind"]
        and re.fullmatch(target.get("name", ".*"), document["metadata"]["name"]) is not None
        and (not label or document["metadata"].get("labels", {}).get(label) == value)
    )


def _merge(old: Any, new: Any, field: str = "") -> Any:
    if isinstance(old, dict) and isinstance(new, dict):
        merged = {**old, **{name: _merge(old.get(name), value, name) for name, value in new.items()}}
        return {name: value for name, value in merged.items() if new.get(name, value) is not None}
    if isinstance(old, list) and isinstance(new, list) and field in KEYS:
        return _merge_items(old, new, KEYS[field])
    return copy.deepcopy(new)


def _merge_items(old: list[Any], new: list[Any], keys: tuple[str, ...]) -> list[Any]:
    """What the patch names comes first, in its order, as Kustomize has it."""

    def identity(item: Document) -> Any:
        return next(item[key] for key in keys if key in item)

    known = {identity(item): item for item in old}
    changed = [_merge(known.get(identity(item), {}), item) for item in new]
    named = {identity(item) for item in new}
    return changed + [item for item in old if identity(item) not in named]


def _namespace(name: str | None, documents: list[Document]) -> None:
    if name is None:
        return
    for document in documents:
        if document["kind"] == "Namespace":
            document["metadata"]["name"] = name
        else:
            document["metadata"]["namespace"] = name


def _label(labels: Document, documents: list[Document]) -> None:
    if set(labels) != {"pairs", "includeTemplates"} or not labels["includeTemplates"]:
        raise Unsupported("labels other than pairs with their templates")
    for document in documents:
        document["metadata"].setdefault("labels", {}).update(labels["pairs"])
        if "template" in document.get("spec", {}):
            document["spec"]["template"]["metadata"].setdefault("labels", {}).update(labels["pairs"])
        for claim in document.get("spec", {}).get("volumeClaimTemplates", ()):
            claim["metadata"].setdefault("labels", {}).update(labels["pairs"])


def containers(documents: list[Document]) -> Iterator[Document]:
    """Every container of every pod, those that go before included."""
    for document in documents:
        pod = document.get("spec", {}).get("template", {}).get("spec", {})
        yield from pod.get("initContainers", ())
        yield from pod.get("containers", ())


def _image(image: Document, container: Document) -> None:
    name, _, _ = container["image"].partition(":")
    if name == image["name"]:
        container["image"] = f"{image.get('newName', name)}:{image['newTag']}"
