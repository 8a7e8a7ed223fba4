"""Every page of the documentation is in its index, and every link there leads somewhere."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_every_page_is_in_the_index_once() -> None:
    linked = re.findall(r"\]\(([a-z]+\.md)\)", (DOCS / "README.md").read_text(encoding="utf-8"))
    assert sorted(linked) == sorted(path.name for path in DOCS.glob("*.md") if path.name != "README.md")


@pytest.mark.parametrize("page", ["docs/README.md", "README.md", "CONTRIBUTING.md"])
def test_links_lead_somewhere(page: str) -> None:
    path = DOCS.parent / page
    links = re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text(encoding="utf-8"))
    assert links
    assert [link for link in links if not (path.parent / link).exists()] == []
