"""The page in a real browser (Chromium with its driver): silent, within its width, its sliders choose rightly."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from synthetic import make_run

from dcanas.report.compare import write_comparison
from dcanas.report.page import page
from dcanas.report.record import read_run

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="needs Chromium and its driver: apt-get install chromium chromium-driver")]
TOO_WIDE = """return [...document.querySelectorAll("body *")]
  .filter((e) => !e.closest("thead") && (!e.closest("svg") || e.tagName === "svg"))
  .filter((e) => e.getBoundingClientRect().right > document.documentElement.clientWidth + 1
    || (["auto", "scroll", "hidden"].includes(getComputedStyle(e).overflowX) && e.scrollWidth > e.clientWidth))
  .map((e) => e.outerHTML.slice(0, 120))"""
LETTERS = """return [...document.querySelectorAll("svg")].flatMap((drawing) => {
  const scale = drawing.getBoundingClientRect().width / drawing.viewBox.baseVal.width;
  return [...drawing.querySelectorAll("text")].map((text) => scale * parseFloat(getComputedStyle(text).fontSize)); })"""
CUT = """return [...document.querySelectorAll("svg text")].filter((text) => {
  const inner = text.getBoundingClientRect(), outer = text.closest("svg").getBoundingClientRect();
  return inner.left < outer.left - 1 || inner.right > outer.right + 1 || inner.top < outer.top - 1
    || inner.bottom > outer.bottom + 1; }).map((text) => text.textContent)"""
OPEN = "document.querySelectorAll('details').forEach((e) => { e.open = true; })"


@pytest.fixture(scope="module")
def browser():
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM or ""
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> Path:
    folder = make_run(tmp_path_factory.mktemp("browser") / "run")
    path = folder / "report.html"
    path.write_text(page(read_run(folder)), encoding="utf-8")
    return path


def test_no_errors_and_no_requests(browser, written):
    browser.get_log("performance")
    browser.get(written.as_uri())
    assert browser.get_log("browser") == []
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
    assert [url for url in asked if not url.startswith("data:")] == [written.as_uri()]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400])
def test_nothing_is_cut_off(browser, written, width, scheme):
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                            {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500})
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia",
                            {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
    browser.get(written.as_uri())
    browser.execute_script(OPEN)
    assert browser.execute_script("return innerWidth") == width
    assert browser.execute_script("return document.scrollingElement.scrollWidth") <= width
    assert browser.execute_script(TOO_WIDE) == []  # no table is scrolled sideways either
    assert browser.execute_script(CUT) == []
    assert min(browser.execute_script(LETTERS)) >= 9  # pixels
    paper = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert paper == {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 23, 26)"}[scheme]


@pytest.mark.parametrize("width", [1280, 400])
def test_a_comparison_is_not_cut_off(browser, tmp_path, width):
    path = tmp_path / "comparison.html"
    write_comparison([make_run(tmp_path / f"run-{seed}", seed=seed) for seed in range(5)], path)
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                            {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500})
    browser.get(path.as_uri())
    browser.execute_script(OPEN)
    assert browser.execute_script("return document.scrollingElement.scrollWidth") <= width
    assert browser.execute_script(TOO_WIDE) == []
    assert browser.execute_script(CUT) == []


def test_sliders_choose_what_brute_force_chooses(browser, written):
    browser.get(written.as_uri())
    data = json.loads(browser.execute_script("return document.querySelector('.front script').textContent"))
    costs = browser.execute_script(
        "return [...document.querySelectorAll('.front input')].map((slider) => slider.dataset.cost)")
    rng, nothing = np.random.default_rng(0), 0
    for _ in range(20):
        positions = {cost: int(rng.integers(len(data["values"][cost]))) for cost in costs}
        shown = browser.execute_script("""
            for (const slider of document.querySelectorAll(".front input")) {
              slider.value = arguments[0][slider.dataset.cost]; slider.dispatchEvent(new Event("input")); }
            return document.querySelector(".front .answer").textContent""", positions)
        within = [member for member in data["members"] if all(
            member["costs"][cost] <= data["values"][cost][position] for cost, position in positions.items())]
        if not within:
            nothing += 1
            assert shown == "Nothing that was judged is within these limits."
            continue
        best = max(member["accuracy"] for member in within)
        chosen = [member for member in within if member["architecture"] in shown]
        assert [member["accuracy"] for member in chosen] == [best]
        assert f"{100 * best:.2f} %" in shown
    assert nothing < 15


def test_text_of_others_runs_nothing(browser, tmp_path):
    """A class, an architecture, a board and a command that hold markup: shown as text, as it is."""
    mark = "document.title='executed'"
    attack = f"</title></script><img src=x onerror=\"{mark}\"><script>{mark}</script>"
    folder = make_run(tmp_path / "run")
    for path in (folder / "run.json", *(folder / "derived/local-cpu").glob("*.json")):
        text = path.read_text()
        for was in ("a processor", "<b>8</b>", "dcanas run seed=0", "stopped after step 5 of 9", '"3"'):
            text = text.replace(json.dumps(was)[1:-1] if was != '"3"' else was,
                                json.dumps(attack) if was == '"3"' else json.dumps(attack)[1:-1])
        path.write_text(text)
    path = tmp_path / "report.html"
    path.write_text(page(read_run(folder)), encoding="utf-8")
    plain = tmp_path / "plain.html"
    plain.write_text(page(read_run(make_run(tmp_path / "plain"))), encoding="utf-8")
    count = "return ['script', 'img[onerror]'].map((e) => document.querySelectorAll(e).length)"
    browser.get(plain.as_uri())
    scripts, _ = browser.execute_script(count)
    browser.get_log("browser")
    browser.get(path.as_uri())
    assert "onerror=" in browser.execute_script("return document.body.textContent")
    assert browser.execute_script(count) == [scripts, 0]
    assert browser.title != "executed"
    assert browser.get_log("browser") == []
