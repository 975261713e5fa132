"""The page in a real browser: no error, nothing fetched, no sideways scrolling, filters that work. Needs Chromium."""

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from test_page import make_page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--virtual-time-budget=3000", "--dump-dom"),
]

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")

LISTENER = """<script>
const errors = [];
addEventListener("error", (event) => errors.push(String(event.message || event.target.outerHTML)), true);
addEventListener("securitypolicyviolation", (event) => errors.push(event.blockedURI));
</script>"""

PROBE = """<script>
addEventListener("load", () => {
  const gallery = document.querySelector("[data-gallery]");
  const form = gallery.querySelector("form");
  const figures = () => [...gallery.querySelectorAll("figure")];
  const shown = () => figures().filter((figure) => figure.offsetParent).map((figure) => ({...figure.dataset}));
  const choose = (name, value) => {
    form.elements[name].value = value;
    form.elements[name].dispatchEvent(new Event("change", {bubbles: true}));
  };
  const report = {errors, all: shown()};
  report.wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  report.inner = innerWidth;
  report.broken = [...document.images].filter((image) => image.loading !== "lazy" && !image.naturalWidth).length;
  report.fetched = performance.getEntriesByType("resource").map((e) => e.name).filter((n) => !n.startsWith("data:"));
  form.querySelector("button[value=worst]").click();
  report.worst = shown();
  report.output = form.querySelector("output").textContent;
  form.querySelector("button[value='']").click();
  const category = form.elements.categories.options[1].value;
  choose("categories", category);
  report.category = category;
  report.ofCategory = shown();
  choose("categories", "");
  choose("errors", "missed");
  report.missed = shown();
  choose("errors", "");
  choose("order", "1");
  report.ordered = shown();
  parent.postMessage(JSON.stringify(report), "*");
});
</script>"""


def _visit(folder: Path, width: int) -> dict[str, Any]:
    """What a page of this width tells of itself; a frame is used since a window cannot be as narrow as a phone."""
    text = (folder / "reports/index.html").read_text()
    probed = text.replace("<head>", f"<head>{LISTENER}").replace("</body>", f"{PROBE}</body>")
    (folder / "probed.html").write_text(probed)
    frame = folder / f"frame{width}.html"
    frame.write_text(
        f'<body><pre id="out"></pre><iframe src="probed.html" style="width:{width}px;height:800px;border:0"></iframe>'
        '<script>onmessage = (e) => { document.getElementById("out").textContent = e.data; }</script></body>'
    )
    command = [str(CHROMIUM), *FLAGS, f"--user-data-dir={folder / 'profile'}", "--window-size=1600,900", frame.as_uri()]
    dom = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    found = re.search(r'<pre id="out">(.+?)</pre>', dom, re.DOTALL)
    assert found, dom[:500]
    report: dict[str, Any] = json.loads(html.unescape(found[1]))
    return report


@pytest.fixture(scope="module", params=[360, 1440])
def visit(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("page with space")
    make_page(folder)
    report = _visit(folder, request.param)
    assert report["inner"] == request.param
    return report


def test_it_loads_without_errors_and_without_fetching_anything(visit: dict[str, Any]) -> None:
    assert visit["errors"] == []
    assert visit["fetched"] == []
    assert visit["broken"] == 0


def test_it_does_not_scroll_sideways(visit: dict[str, Any]) -> None:
    assert visit["wide"] <= 0


def test_the_gallery_can_be_filtered_and_ordered(visit: dict[str, Any]) -> None:
    everything = visit["all"]
    assert len(everything) == 6
    assert [figure["pick"] for figure in visit["worst"]] == ["worst"] * 2
    assert visit["output"] == "2 shown"
    assert visit["ofCategory"] == [f for f in everything if visit["category"] in f["categories"].split("|")]
    assert visit["missed"] == [f for f in everything if "missed" in f["errors"].split("|")]
    qualities = [float(figure["quality"]) for figure in visit["ordered"]]
    assert qualities == sorted(qualities)
    assert len(qualities) == 6
