"""The one thing in the compose files that is not written by hand: ports of fault proxies. The rest stays as it is."""

import re
from pathlib import Path

import pytest

from stormglass.containers import handwritten
from stormglass.containers.engine import ROOT


@pytest.mark.parametrize("name", handwritten.FILES)
def test_every_port_is_counted_anew_and_nothing_else_is_touched(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    moved, count = re.subn(r"(?<=faultproxy:)\d+", "17999", text)
    assert count == text.count("faultproxy:1") > 1
    assert handwritten.renumbered(moved) == text


def test_whoever_else_names_the_proxy_is_left_alone() -> None:
    text = "# faultproxy:1\n" + "".join(
        f"  {key}:\n    environment:\n      {line}\n"
        for key, line in (
            ("orders-2", "STORMGLASS_ADDRESS_PARCELS: faultproxy:17999  # no edge of theirs"),
            ("orders-1", "AN_ADDRESS: faultproxy:17999  # which of their edges is not said"),
            ("parcels-1", "STORMGLASS_ADDRESS_POSTGRES: faultproxy:17999  # nobody's"),
            ("gateway", "depends_on: {faultproxy: {condition: service_healthy}}"),
        )
    )
    assert handwritten.renumbered(text) == text


def test_a_checkout_is_written_to_only_where_a_port_moved(tmp_path: Path) -> None:
    (tmp_path / "observability").mkdir()
    for name in handwritten.FILES:
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    assert handwritten.write(tmp_path) == []
    path = tmp_path / "docker-compose.yml"
    path.write_text(re.sub(r"faultproxy:\d+", "faultproxy:17999", path.read_text(), count=1))
    assert handwritten.write(tmp_path) == [path]
    assert path.read_bytes() == (ROOT / path.name).read_bytes()
