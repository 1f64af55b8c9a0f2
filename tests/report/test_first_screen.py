"""The first screen in a real browser: for six kinds of run, what can be seen without scrolling answers who decides.

The runs are made by the real pipeline; what is read is held against their certificates and `run.bundle`.
"""

from __future__ import annotations

import contextlib
import io
import shutil
from pathlib import Path

import pytest
from kinds import KINDS, boards
from shortcuts import quick

import dcanas
from dcanas.cli.main import main
from dcanas.report.amounts import quantity, share

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="needs Chromium and its driver: apt-get install chromium chromium-driver")]
SEEN = """
const inside = (box) => box.width > 0 && box.top >= 0 && box.left >= 0 && box.bottom <= innerHeight
  && box.right <= innerWidth;
const clipped = (e) => { for (let p = e; p && p !== document.body; p = p.parentElement) {
  const style = getComputedStyle(p), box = p.getBoundingClientRect(), own = e.getBoundingClientRect();
  if (style.visibility === "hidden" || style.display === "none" || Number(style.opacity) === 0) return true;
  if (style.overflow !== "visible" && (own.bottom > box.bottom + 1 || own.right > box.right + 1)) return true; }
  return false; };
return [...document.querySelectorAll(".card, .decide tbody tr")].map((card) => [
  card.dataset.answer || "row", [...card.querySelectorAll("h2, p, pre, td")]
    .filter((e) => inside(e.getBoundingClientRect()) && !clipped(e)).map((e) => e.textContent).join(" | "),
  [...card.querySelectorAll("a")].map((a) => a.getAttribute("href"))]);"""


@pytest.fixture(scope="module")
def browser():
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM or ""
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    driver = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return a function that makes a kind of run once."""
    base, found = tmp_path_factory.mktemp("kinds"), {}
    boards(base / "devices")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DCANAS_DEVICES", str(base / "devices"))

        def make(kind: str) -> dcanas.Run:
            if kind not in found:
                with quick():
                    found[kind] = KINDS[kind](base / kind)
            return found[kind]

        yield make


def seen(browser, run: dcanas.Run, width: int) -> list[list]:
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                            {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500})
    browser.get((run.directory / "report.html").as_uri())
    found: list[list] = browser.execute_script(SEEN)
    return [[name, text.replace("\u00a0", " "), links] for name, text, links in found]


SAYS = {  # kind -> what the answers hold: does it fit, is it better
    "default": ("Yes, every limit is kept", "Not compared"),
    "rival": ("Yes, the limit is kept", "over the searched network"),
    "over-limit": ("No: outside its limit of robust accuracy", "Not compared"),
    "unverified": ("Not verified: latency", "Not compared"),
    "robust": ("Yes, the limit is kept", "Not compared"),
}


@pytest.mark.parametrize("kind", SAYS)
def test_the_first_screen_answers(browser, made, kind):
    run = made(kind)
    fits, better = SAYS[kind]
    cards = {name: (text, links) for name, text, links in seen(browser, run, 1280)}
    text, links = cards["ship"]
    assert "bundle/ beside this page" in text
    assert [(run.directory / link).exists() for link in links] == [True] * len(links)
    assert {run.bundle, run.onnx} <= {run.directory / link.rstrip("/") for link in links}
    assert fits in cards["limits"][0]
    assert better in cards["rival"][0]
    if better == "Not compared":  # the line to type, and its price
        assert f"dcanas run source={run.directory} baseline=true" in cards["rival"][0]
        assert " min, type" in cards["rival"][0]
    accuracy = run.certificate.accuracy
    assert share(accuracy.value) in cards["accuracy"][0]
    assert f"{100 * accuracy.low:.1f} to {100 * accuracy.high:.1f} %" in cards["accuracy"][0]
    latency = run.certificate["latency_ms"]
    known = latency.measured if latency.measured is not None else latency.predicted
    assert quantity(known, "ms", [latency.limit]) in cards["latency"][0]
    assert quantity(run.onnx.stat().st_size, "B") in cards["size"][0]
    assert ("robustness" in cards) == (kind in ("robust", "over-limit"))
    if "robustness" in cards:
        assert "correct under every attack of 2/255" in cards["robustness"][0]
    small = {name: text for name, text, _ in seen(browser, run, 400)}
    assert "bundle/" in small["ship"]
    assert fits in small["limits"]


def test_the_rival_is_shipped_if_it_is_better(made):
    run = made("rival")
    assert run.which == "rival"
    assert run.certificate.sha256 == run.rival.certificate.sha256 != run.searched.certificate.sha256


def test_the_first_screen_has_a_row_per_device(browser, made):
    run = made("two-devices")
    rows = seen(browser, run, 1280)
    assert len(rows) == 2
    for device, (_, text, links) in zip(run.devices, rows, strict=True):
        own = run[device]
        assert text.startswith(device)
        assert own.bundle in {run.directory / link.rstrip("/") for link in links}
        for words in ("every limit is kept" if len(own.certificate.budget) > 1 else "the limit is kept",
                      "Not compared", share(own.certificate.accuracy.value),
                      quantity(own.certificate["latency_ms"].measured, "ms")):
            assert words in text
    assert "derived/local-cpu/bundle/" in seen(browser, run, 400)[0][1]


@pytest.mark.parametrize("kind", KINDS)
def test_terminal_page_certificate_and_python_name_the_same_bundle(made, kind):
    run = made(kind)
    for device in run.devices:
        own = run[device]
        assert own.bundle.is_dir()
        top = run.directory if len(run.devices) == 1 else run.directory / "derived" / device
        certificate = dcanas.load(run.directory)[device].certificate.content
        assert top / certificate["bundle"] == own.bundle
        assert f'href="{own.bundle.relative_to(run.directory).as_posix()}/"' in \
            (run.directory / "report.html").read_text(encoding="utf-8")
        printed = io.StringIO()
        with quick(), contextlib.redirect_stdout(printed):
            assert main(["report", f"source={run.directory}"]) == 0
        ships = [line.rpartition(": ")[2] for line in printed.getvalue().splitlines() if "Ship " in line]
        assert str(own.bundle) in ships
        assert len(ships) == len(run.devices)


def test_the_certificate_at_the_top_is_that_of_what_is_shipped(made):
    import json

    for kind in ("default", "rival"):
        run = made(kind)
        content = json.loads((run.directory / "certificate.json").read_text())
        assert (content["bundle"], content["onnx"]) == ("bundle", "bundle/model.onnx")
        assert content["sha256"] == run.certificate.sha256
        assert Path(run.directory / "certificate.md").read_text().count(content["sha256"]) == 1
