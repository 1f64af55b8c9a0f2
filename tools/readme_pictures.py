"""Take the README's two pictures of a real run: what it printed at 80 columns, and the first screen of its page.

It needs Chromium with its driver. The run and what it printed are made by, in an empty folder:

    dcanas run > printed.txt
"""

from __future__ import annotations

import html
import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dcanas.basics.errors import UserError

COLUMNS = 80
WIDTH, HEIGHT = 1280, 800  # of the page's first screen, in pixels
TERMINAL = """<!DOCTYPE html><meta charset="utf-8"><style>body {{ margin: 0; width: max-content; background: #1e1e1e }}
pre {{ margin: 0; padding: 20px 24px; color: #e4e4e4; font: 20px/1.4 "DejaVu Sans Mono", monospace;
white-space: pre-wrap; overflow-wrap: anywhere; width: {columns}ch }} b {{ color: #8fd18f }}</style>
<pre><b>$ {command}</b>
{lines}</pre>"""


def main(run: str, printed: str, out: str = "docs/pictures") -> None:
    """Write terminal.png and report.png.

    Args:
        run: directory of the run.
        printed: file of what it printed.
        out: folder of the pictures.
    """
    folder, text = Path(run), Path(printed).read_text(encoding="utf-8").rstrip()
    command = json.loads((folder / "run.json").read_text(encoding="utf-8"))["command"]
    target = Path(out)
    target.mkdir(parents=True, exist_ok=True)
    with browser() as driver, tempfile.TemporaryDirectory() as place:
        page = Path(place) / "terminal.html"
        page.write_text(TERMINAL.format(columns=COLUMNS, command=html.escape(command), lines=html.escape(text)),
                        encoding="utf-8")
        size(driver, WIDTH, HEIGHT)
        driver.get(page.resolve().as_uri())
        size(driver, *driver.execute_script("const box = document.body.getBoundingClientRect();"
                                            "return [Math.ceil(box.width), Math.ceil(box.height)];"))
        driver.save_screenshot(str(target / "terminal.png"))
        size(driver, WIDTH, HEIGHT)
        driver.get((folder / "report.html").resolve().as_uri())
        driver.save_screenshot(str(target / "report.png"))


@contextmanager
def browser() -> Iterator[Any]:
    """Yield a headless Chromium; raises `UserError` if there is none."""
    from selenium import webdriver

    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (chromium and driver):
        raise UserError("Chromium and its driver are needed: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"):
        options.add_argument(argument)
    opened = webdriver.Chrome(options, webdriver.ChromeService(driver))
    try:
        yield opened
    finally:
        opened.quit()


def size(driver: Any, width: int, height: int) -> None:
    """Make the browser's view so large, in pixels."""
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                           {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False})
