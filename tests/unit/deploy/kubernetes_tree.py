"""The manifests as they are in the repository, with secrets beside them that are nobody else's."""

import shutil
from pathlib import Path

import yaml

from tests.unit.deploy.kubernetes_build import Document, build

ROOT = Path(__file__).parents[3]
MANIFESTS = ROOT / "platform" / "deploy" / "kubernetes"
OVERLAYS = ("trial", "experiments", "production")


def copied(folder: Path) -> Path:
    """A copy in a temporary folder, complete enough to be built: its secrets are placeholders."""
    tree = folder / "kubernetes"
    shutil.copytree(MANIFESTS, tree, ignore=shutil.ignore_patterns("files"))
    component = tree / "components" / "secrets"
    for generator in yaml.safe_load((component / "kustomization.yaml").read_text())["secretGenerator"]:
        for name in generator["files"]:
            path = component / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{path.parent.name}'s {path.name}\n")
    return tree


def rendered(tree: Path) -> dict[str, list[Document]]:
    """Every document of every overlay."""
    return {name: build(tree / "overlays" / name) for name in OVERLAYS}
