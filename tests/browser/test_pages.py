"""What is rendered, in a real browser: it is drawn, it complains of nothing, it asks for nothing."""

import json
import re
from pathlib import Path

import pytest

from observability.dashboards.definition import Shape
from observability.dashboards.pages import PAGES
from stormglass.testing import Platform, eventually
from tests.browser.chromium import Tab

UID = re.compile(r"[0-9a-f]{32}")

LINES = ".scatterlayer .trace, .heatmaplayer .hm"
"""What plotly.js makes of a line and of states."""


@pytest.fixture(scope="module")
def folder(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All pages of a platform that has something to show."""
    platform.run("load", "--seconds", "8", "--rate", "10")

    def shown() -> bool:
        found = json.loads(platform.run("dashboards", "check", "--json", check=False))
        return all(each["series"] for each in found if each["page"] == "overview" and not each["moves_under"])

    eventually(shown, seconds=60, every=2, what="the overview's queries answered")
    directory = tmp_path_factory.mktemp("pages")
    platform.run("dashboards", "render", "--all", str(directory), "--minutes", "5")
    return directory


async def test_every_page_is_drawn_without_a_complaint_or_a_request(tab: Tab, folder: Path) -> None:
    for page in PAGES:
        await tab.open((folder / f"{page.uid}.html").as_uri())
        assert tab.complaints == []
        assert [url for url in tab.asked if not url.startswith(("file:", "data:"))] == []
        titles = await tab.run("[...document.querySelectorAll('.panel h3')].map(each => each.textContent)")
        assert [title.removesuffix(" →") for title in titles] == [panel.title for panel in page.panels()]
        drawn = await tab.run(f"[...document.querySelectorAll('.chart')].map(each => !!each.querySelector('{LINES}'))")
        assert drawn
        assert all(drawn)
        # nothing runs out of a page of 1280 pixels
        assert await tab.run("document.documentElement.scrollWidth") <= 1280


async def test_the_overview_shows_the_load_in_its_colours(tab: Tab, folder: Path) -> None:
    await tab.open((folder / "overview.html").as_uri())
    served = "[...document.querySelectorAll('.panel')].find(each => each.textContent.includes('Requests by status'))"
    layers = await tab.run(f"{served}.querySelectorAll('.scatterlayer path.js-fill').length")
    assert layers >= 1
    numbers = await tab.run("[...document.querySelectorAll('.number')].map(each => each.textContent)")
    assert len(numbers) == sum(panel.shape is Shape.NUMBER for panel in PAGES[0].panels())
    assert all(re.search(r"\d", number) for number in numbers)


async def test_pages_lead_to_each_other_and_to_the_slowest_traces(tab: Tab, folder: Path) -> None:
    await tab.open((folder / "index.html").as_uri())
    await tab.open((folder / "journey.html").as_uri())
    ways = set(await tab.run("[...document.querySelectorAll('a')].map(each => each.getAttribute('href'))"))
    assert {f"{page.uid}.html" for page in PAGES if page.uid != "journey"} <= ways
    traces = [way for way in ways if way.startswith("traces/")]
    assert traces
    for way in ways:
        assert (folder / way).is_file(), way
    await tab.open((folder / traces[0]).as_uri())
    assert UID.search(traces[0])[0] in await tab.run("document.body.textContent")  # type: ignore[index] # it is one


async def test_a_traces_page_shows_every_span_the_critical_path_and_log_lines(
    tab: Tab, platform: Platform, tmp_path: Path
) -> None:
    platform.run("order")
    told = json.loads(platform.run("trace", "--last", "--json", "--wait", "20"))
    file = tmp_path / "trace.html"
    platform.run("trace", told["trace_id"], "--html", str(file))
    await tab.open(file.as_uri())
    assert tab.complaints == []
    assert [url for url in tab.asked if not url.startswith("file:")] == []
    shown = await tab.run("document.body.innerText")
    for span in told["spans"]:
        assert span["name"] in shown
    assert "critical path" in shown
    assert int(re.search(r"(\d+) log lines?", shown)[1]) > 0  # type: ignore[index] # it says so
    # shut until somebody wants to know more: a click shows what there is to know about a span
    heights = "[...document.querySelectorAll('details')].map(each => each.offsetHeight)"
    before = await tab.run(heights)
    await tab.run("document.querySelector('summary').click()")
    assert (await tab.run(heights))[0] > before[0]
