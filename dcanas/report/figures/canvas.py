"""Where figures are drawn, and how they become part of a page. The only module that imports matplotlib.

In an SVG every colour of a figure becomes a CSS variable, so that one drawing serves light and dark pages. Series
differ by dash and marker as well as by colour, and their colours differ in lightness, so that a greyscale print keeps
them apart.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any, TypeVar

import matplotlib
from markupsafe import Markup, escape
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, MaxNLocator

from dcanas.costs import cost_unit
from dcanas.report.words import cost_words

Draw = TypeVar("Draw", bound=Callable)
WIDTH = 4.2  # inches: a telephone shows letters of 8 points as 10 pixels; wider pages enlarge a figure up to WIDEST
WIDEST = 620  # CSS pixels
INK, FAINT, GRID, SHADE, PAPER = "#1b1f24", "#5b6470", "#d8dde3", "#e8eef5", "#fffffe"
SERIES = ("#0b5cad", "#d1620f", "#3a8f5c", "#9c3f8f", "#7a5c01", "#30363d", "#8a939e")
VARIABLES = {INK: "var(--ink)", FAINT: "var(--faint)", GRID: "var(--grid)", SHADE: "var(--shade)",
             PAPER: "var(--paper)",
             **{colour: f"var(--s{number})" for number, colour in enumerate(SERIES, start=1)}}
HEAT = LinearSegmentedColormap.from_list("heat", ["#f4f7fb", "#9cc3e6", "#0b5cad", "#062b52"])  # pale to dark
DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1, 1.5)), (0, (6, 2, 1, 2)), (0, (3, 1)), (0, (8, 3)), (0, (1, 3)))
MARKERS = "osD^vPX"
NOT_YET = float("nan")  # of alphas during warm-up
STYLE: Any = {
    "svg.fonttype": "none", "svg.hashsalt": "dcanas", "font.size": 9, "font.family": "DejaVu Sans",
    "axes.titlesize": 9, "axes.titlelocation": "left", "axes.labelsize": 9, "legend.fontsize": 8,
    "xtick.labelsize": 8, "ytick.labelsize": 8, "legend.frameon": False,
    "axes.edgecolor": GRID, "axes.labelcolor": FAINT, "xtick.color": FAINT, "ytick.color": FAINT, "text.color": INK,
    "axes.titlecolor": INK, "grid.color": GRID, "grid.linewidth": 0.6, "axes.grid": True, "axes.axisbelow": True,
    "axes.spines.top": False, "axes.spines.right": False, "figure.facecolor": "none", "axes.facecolor": "none",
    "text.parse_math": False,  # a name with $ is a name
    "lines.linewidth": 1.6, "lines.markersize": 4.5, "path.simplify_threshold": 0.3,
}


def styled(draw: Draw) -> Draw:
    """Make a function draw in this project's style (decorator)."""

    @wraps(draw)
    def drawn(*arguments: Any, **options: Any) -> Any:
        with matplotlib.rc_context(STYLE):
            return draw(*arguments, **options)

    return drawn  # type: ignore[return-value]


def axes(rows: int = 1, height: float = 2.4, columns: int = 1, **options: Any) -> tuple[Figure, Any]:
    """Return a figure of page width and its axes: one `Axes`, or an array of them."""
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    return figure, figure.subplots(rows, columns, **options)


def series(number: int, points: int = 0) -> dict[str, Any]:
    """Return colour, dash and marker of the line with this number; `points`: of the line, 0 for no markers."""
    look = {"color": SERIES[number % len(SERIES)], "linestyle": DASHES[number % len(DASHES)]}
    return look | ({"marker": MARKERS[number % len(MARKERS)], "markevery": max(1, points // 8)} if points else {})


def epochs(axis: Axes) -> None:
    """Label an axis of epochs, in whole numbers."""
    axis.set_xlabel("epoch")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))


def history(axis: Axes, rows: Sequence[Mapping[str, Any]], key: str, label: str | None, number: int,
            factor: float = 1.0) -> None:
    """Plot one quantity by epoch.

    Args:
        rows: epochs, with `epoch` and, unless it is not known yet, `key`.
        label: for the legend; None: the line is not listed.
        number: of the line, which decides its look.
        factor: by which the values are multiplied.
    """
    axis.plot([row["epoch"] for row in rows], [factor * row.get(key, NOT_YET) for row in rows], label=label,
              **series(number, len(rows)))


def cost_axis(axis: Axes, cost: str) -> None:
    """Label the horizontal axis with a cost; large numbers are written as 120k and 1.5M."""
    unit, words = cost_unit(cost), cost_words(cost)
    axis.set_xlabel(f"{words} ({unit})" if unit not in ("", "MAC") else words)
    if unit not in ("ms", "mJ"):
        axis.xaxis.set_major_formatter(EngFormatter(sep=""))


def ring(axis: Axes, point: tuple[float, float] | None, label: str) -> None:
    """Draw a ring around a point, if there is one."""
    if point is not None:
        axis.scatter(*point, s=130, facecolors="none", edgecolors=INK, linewidths=1.6, label=label, zorder=9)


def limit_line(axis: Axes, limit: float | None) -> None:
    """Mark the limit on the cost along the horizontal axis, if there is one."""
    if limit is not None:
        axis.axvline(limit, color=INK, linewidth=1, linestyle=(0, (4, 2)))
        axis.annotate("limit", (limit, 1), xycoords=("data", "axes fraction"), xytext=(-3, -2),
                      textcoords="offset points", ha="right", va="top", fontsize=8)


HANDLE, LETTER = 48, 5  # points: a legend's mark with its margins, and a letter


def legend(figure: Figure, columns: int = 3) -> None:
    """Put the legend under the axes, where it covers nothing, in as many columns as its texts leave room for."""
    longest = max((len(label) for axis in figure.axes for label in axis.get_legend_handles_labels()[1]), default=0)
    columns = max(1, min(columns, int(72 * WIDTH / (HANDLE + LETTER * longest))))
    figure.legend(loc="outside lower left", ncols=columns, handlelength=3)


def captioned(figure: Figure, name: str, title: str, description: str, caption: str = "") -> Markup:
    """Return the figure as inline SVG that follows the page's colours, with a text alternative and a caption.

    Args:
        name: unique on the page.
        title, description: text alternative of what the figure shows.
        caption: below the figure; empty: the description.
    """
    text = _svg(figure, transparent=True).decode()
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg"):], flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->\n?", "", text)
    width, height = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', text).groups()  # type: ignore[union-attr]
    opening = (f'<svg viewBox="0 0 {width} {height}" role="img" aria-labelledby="{name}-t {name}-d" '
               f'style="max-width:{WIDEST}px" xmlns:xlink="http://www.w3.org/1999/xlink">'
               f'<title id="{name}-t">{escape(title)}</title><desc id="{name}-d">{escape(description)}</desc>')
    body = text[text.index(">") + 1:]
    body = re.sub(r'\bid="', f'id="{name}-', body)
    body = re.sub(r"url\(#", f"url(#{name}-", body)
    body = re.sub(r'href="#', f'href="#{name}-', body)
    body = re.sub(r"(\.\d\d)\d+", r"\1", body)
    body = re.sub(r"font: ([^;'\"]*?)'DejaVu Sans'[^;'\"]*", r"font: \1var(--sans)", body)
    for colour, variable in VARIABLES.items():
        body = body.replace(colour, variable)
    return Markup("<figure>{}<figcaption>{}</figcaption></figure>").format(
        Markup(opening + re.sub(r">\n\s*<", "><", body)), caption or description)


def svg_file(figure: Figure) -> bytes:
    """Return the figure as an SVG file of its own, the same bytes for the same numbers."""
    return _svg(figure, facecolor="white")


def _svg(figure: Figure, **options: Any) -> bytes:
    """Return the figure as SVG, in which texts stay texts: whoever shows it has the fonts of their script or not."""
    content = io.BytesIO()
    with matplotlib.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # of the font that only measures how wide a text is
        warnings.filterwarnings("ignore", "Matplotlib currently does not support")  # the shaping of some scripts
        figure.savefig(content, format="svg", metadata={"Date": None}, **options)
    return content.getvalue()
