"""The page in a real browser: on a phone and a desk, light and dark, by keyboard, read aloud, on paper.

Needs Chromium.
"""

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.reporting.test_page import make_page
from tests.support.chromium import CHROMIUM, Page, browser

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
WIDTHS = (360, 1440)
RUNS = {
    "detection": "detection",
    "segmentation": "segmentation",
    "landmarks": "landmarks",
    **{f"retrieval_{variant}": "retrieval" for variant in ("class", "pose", "mask", "pose_class", "mask_class")},
}

FILTERS = """(() => {
  const gallery = document.querySelector("[data-gallery]");
  const form = gallery.querySelector("form");
  const figures = () => [...gallery.querySelectorAll("figure")];
  const shown = () => figures().filter((figure) => figure.offsetParent).map((figure) => ({...figure.dataset}));
  const choose = (name, value) => {
    form.elements[name].value = value;
    form.elements[name].dispatchEvent(new Event("change", {bubbles: true}));
  };
  const report = {all: shown()};
  form.querySelector("button[value=worst]").click();
  report.worst = shown();
  report.output = form.querySelector("output").textContent;
  form.querySelector("button[value='']").click();
  for (const name of ["categories", "subsets", "errors"]) {
    const value = form.elements[name].options[1].value;
    choose(name, value);
    report[name] = {value, shown: shown()};
    choose(name, "");
  }
  choose("order", "1");
  report.ordered = shown();
  choose("order", "");
  return report;
})()"""

CONTRAST = """(() => {
  const parse = (text) => (text.match(/[\\d.]+/g) || [0, 0, 0, 0]).map(Number);
  const light = (rgb) => {
    const linear = (v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    const [r, g, b] = rgb.slice(0, 3).map((v) => linear(v / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const color = parse(getComputedStyle(e).backgroundColor);
      if (color.length === 3 || color[3] === 1) return color;
    }
    return [255, 255, 255];
  };
  const ratio = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  const kinds = "h1,h2,h3,h4,p,th,summary,dt,dd,figcaption,label,button,nav a,b,em,.crop span";
  const texts = [...document.querySelectorAll(kinds)].filter((e) => e.offsetParent && e.textContent.trim());
  const named = (e) => [e.tagName, e.className, e.textContent.trim().slice(0, 40)];
  return texts.map((e) => [ratio(light(parse(getComputedStyle(e).color)), light(behind(e))), ...named(e)])
    .filter(([value]) => value < 4.5);
})()"""

FOCUS = """(() => {
  const e = document.activeElement;
  const style = getComputedStyle(e);
  const box = e.getBoundingClientRect();
  return {tag: e.tagName, outline: style.outlineStyle, width: parseFloat(style.outlineWidth),
          place: [...document.querySelectorAll("*")].indexOf(e), seen: box.bottom > 0 && box.top < innerHeight};
})()"""


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page with space")
    make_page(folder, RUNS, sample=True)
    return folder / "reports/index.html"


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browser(tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.fixture(params=WIDTHS)
def page(request: pytest.FixtureRequest, opened: Page, path: Path) -> Page:
    opened.emulate(prefers_color_scheme="light")
    opened.open(path, request.param)
    assert opened.run("innerWidth") == request.param
    return opened


def _unfold(page: Page) -> None:
    page.run("for (const details of document.querySelectorAll('details')) details.open = true")


def test_it_loads_without_errors_and_without_fetching_anything(page: Page) -> None:
    _unfold(page)
    page.run("Promise.all([...document.images].map((image) => { image.loading = 'eager'; return image.decode(); }))")
    assert page.errors == []
    assert page.requests == []


def test_it_does_not_scroll_sideways(page: Page) -> None:
    _unfold(page)
    assert page.run("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0


def test_a_wide_table_scrolls_in_its_own_frame_and_keeps_its_first_column_in_sight(page: Page) -> None:
    found: dict[str, Any] = page.run(
        """(() => {
          const frame = document.querySelector("#detection .scroll");
          frame.scrollLeft = 200;
          const cell = [...frame.querySelectorAll("tbody th[scope=row]")][0].getBoundingClientRect();
          return {moved: frame.scrollLeft, cell: cell.left - frame.getBoundingClientRect().left, width: cell.width,
                  frame: frame.clientWidth};
        })()"""
    )
    assert found["moved"] > 0 or found["frame"] > 700
    assert abs(found["cell"]) <= 2
    assert found["width"] < 0.4 * found["frame"]


def test_the_gallery_can_be_filtered_and_ordered(page: Page) -> None:
    found = page.run(FILTERS)
    everything = found["all"]
    assert len(everything) == 6
    assert [figure["pick"] for figure in found["worst"]] == ["worst"] * 2
    assert found["output"] == "2 shown"
    for name in ("categories", "subsets", "errors"):
        value, shown = found[name]["value"], found[name]["shown"]
        assert shown == [figure for figure in everything if value in figure[name].split("|")]
    qualities = [float(figure["quality"]) for figure in found["ordered"]]
    assert qualities == sorted(qualities)
    assert len(qualities) == 6


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(page: Page, scheme: str) -> None:
    page.emulate(prefers_color_scheme=scheme)
    _unfold(page)
    ground = page.run("getComputedStyle(document.body).backgroundColor")
    assert ground == {"light": "rgb(252, 251, 249)", "dark": "rgb(21, 24, 28)"}[scheme]
    assert page.run(CONTRAST) == []


def test_everything_that_can_be_pressed_is_reached_by_the_keyboard_in_reading_order(page: Page) -> None:
    wanted = page.run(
        """[...document.querySelectorAll("a[href], button, select, summary, [tabindex='0']")]
             .filter((e) => e.checkVisibility()).length"""
    )
    page.emulate(prefers_reduced_motion="reduce")
    stops: list[dict[str, Any]] = []
    while len(stops) < wanted + 5:
        page.press("Tab")
        stops.append(page.run(FOCUS))
        if stops[-1]["tag"] == "BODY":
            stops.pop()
            break
    assert len(stops) == wanted
    places = [stop["place"] for stop in stops]
    assert places == sorted(places)
    assert [stop for stop in stops if stop["outline"] == "none" or stop["width"] < 2 or not stop["seen"]] == []


def test_a_pair_of_pictures_is_enlarged_by_the_keyboard_and_closed_again(page: Page) -> None:
    page.run("document.querySelector('[data-enlarge]').focus()")
    page.press("Enter")
    assert page.run("document.querySelector('dialog').open")
    assert page.run("document.querySelectorAll('dialog img').length") == 2
    page.press("Enter")
    assert not page.run("document.querySelector('dialog').open")
    assert page.run("document.activeElement === document.querySelector('[data-enlarge]')")


def test_a_reader_of_the_screen_hears_landmarks_headings_and_names(page: Page) -> None:
    _unfold(page)
    nodes = page.call("Accessibility.getFullAXTree")["nodes"]
    heard = [(n["role"]["value"], n.get("name", {}).get("value", "")) for n in nodes if not n["ignored"]]
    roles = Counter(role for role, _ in heard)
    assert roles["banner"] == roles["navigation"] == roles["main"] == roles["contentinfo"] == 1
    named = {"image", "img", "button", "link", "combobox", "table", "region", "form", "group", "figure", "dialog"}
    assert {role for role, name in heard if role in named - {"group", "figure"} and not name} == set()
    levels = page.run("[...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].map((h) => Number(h.tagName[1]))")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    headers = page.run("[...document.querySelectorAll('th')].filter((th) => !th.scope).length")
    assert headers == 0


def test_motion_is_for_those_who_do_not_ask_for_less(page: Page) -> None:
    behaviour = "getComputedStyle(document.documentElement).scrollBehavior"
    assert page.run(behaviour) == "smooth"
    page.emulate(prefers_reduced_motion="reduce")
    assert page.run(behaviour) == "auto"


def test_on_paper_nothing_is_folded_or_cut_off(opened: Page, path: Path) -> None:
    opened.emulate()
    opened.open(path, 1280)
    assert opened.pdf().startswith(b"%PDF")
    assert opened.run("document.querySelectorAll('details:not([open])').length") > 0
    opened.emulate("print", prefers_color_scheme="light")
    opened.run("dispatchEvent(new Event('beforeprint'))")
    opened.call("Emulation.setDeviceMetricsOverride", width=703, height=1000, deviceScaleFactor=1, mobile=False)
    assert opened.run("document.querySelectorAll('details:not([open])').length") == 0
    cut = "[...document.querySelectorAll('table')].filter((t) => t.scrollWidth > 703).map((t) => t.caption.textContent)"
    assert opened.run(cut) == []
    hidden = "[...document.querySelectorAll('nav, .filters')].filter((e) => e.checkVisibility()).length"
    assert opened.run(hidden) == 0
    opened.emulate()
