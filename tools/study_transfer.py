"""How an architecture found for one device does on the others, on the published tables of NAS-Bench-201.

    python -m tools study_transfer [figure=docs/figures/transfer.svg] [matrix=true]

For every device and limit (p10, p25, p50 of its own latencies over the 9,444 members) the member of the best CIFAR-10
validation accuracy within the limit is taken, and looked at on every other device under that one's limit of the same
percentile: does it break the limit (violation), and where it keeps it, how much better is the best that does (regret,
points of validation accuracy; of test accuracy for the report, which decides nothing). Every latency of HELP (27
devices and batch sizes) and of HW-NAS-Bench (six, four of them in both) counts as a device: 29.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from dcanas.benchmarks.table_problem import make_problem, test_accuracies
from dcanas.hardware import load_tables
from dcanas.report.figures.canvas import styled
from tools.figures import save
from tools.markdown import grid, print_table
from tools.tables import NO_LIMIT, validation_accuracies

PERCENTILES = (10, 25, 50)
SHOWN = ("1080ti_1", "titan_rtx_1", "gold_6226", "silver_4114", "pixel2", "pixel3", "samsung_s7", "raspi4", "edgegpu",
         "edgetpu", "eyeriss", "fpga")  # of the short table: one of each kind


@dataclass(frozen=True)
class Transfer:
    """One percentile. Shape: all (from, to).

    excess: latency / limit - 1 on the other device. regret, test_regret: accuracy of the other's own best within its
    limit less that of the one brought along, in points.
    """

    percent: int
    excess: np.ndarray
    regret: np.ndarray
    test_regret: np.ndarray

    def summary(self) -> list[str]:
        """Return a row: violations, how far limits are broken, regret where they are kept."""
        others = ~np.eye(len(self.excess), dtype=bool)
        broken, kept = others & (self.excess > 0), others & (self.excess <= 0)
        over = self.excess[broken & np.isfinite(self.excess)]
        return [f"p{self.percent}", f"{100 * broken.sum() / others.sum():.0f} %", f"{100 * np.median(over):.0f} %",
                f"{100 * over.max():.0f} %", f"{self.regret[kept].mean():.2f}", f"{self.regret[kept].max():.2f}",
                f"{self.test_regret[kept].mean():.2f}"]

    def matrix(self, names: list[str], shown: Sequence[str]) -> str:
        """Return a table, from (rows) x to (columns): excess over the limit, or regret in points if it is kept."""
        index = [names.index(name) for name in shown]
        return grid([f"p{self.percent}: found for", *shown],
                    [[names[i], *("–" if i == j else self._cell(i, j) for j in index)] for i in index])

    def _cell(self, i: int, j: int) -> str:
        if not np.isfinite(self.excess[i, j]):
            return "**none**"
        return f"**+{100 * self.excess[i, j]:.0f} %**" if self.excess[i, j] > 0 else f"{self.regret[i, j]:.2f}"


def transfer(latencies: np.ndarray, percent: int) -> Transfer:
    """Return what becomes of every device's best on every device. Shape: latencies (devices, members), inf = none."""
    validation, test = validation_accuracies(), test_accuracies()
    limits = np.array([np.percentile(row[np.isfinite(row)], percent) for row in latencies])
    best = np.argmax(np.where(latencies <= limits[:, None], validation, -np.inf), axis=1)
    excess = latencies[:, best].T / limits - 1
    return Transfer(percent, excess, validation[best] - validation[best][:, None],
                    test[best] - test[best][:, None])


@styled
def drawn(names: list[str], found: Sequence[Transfer]) -> Figure:
    """Return one matrix per percentile: red by how far the limit is broken, blue by the regret where it is kept."""
    figure = Figure(figsize=(5.4 * len(found), 6.4), layout="constrained")
    axes = figure.subplots(1, len(found))
    order = np.argsort(names)
    labels = [names[i] for i in order]
    for axis, one in zip(axes, found, strict=True):
        excess, regret = one.excess[np.ix_(order, order)], one.regret[np.ix_(order, order)]
        broken = np.ma.masked_where(excess <= 0, np.minimum(100 * excess, 100))
        red = axis.imshow(broken, cmap="Reds", vmin=-20, vmax=100)
        blue = axis.imshow(np.ma.masked_where(excess > 0, np.clip(regret, 0, 5)), cmap="Blues", vmin=0, vmax=5)
        axis.set(title=f"limit p{one.percent} of each device", xlabel="used on", ylabel="found for",
                 xticks=range(len(labels)), yticks=range(len(labels)))
        axis.set_xticklabels(labels, rotation=90, fontsize=6)
        axis.set_yticklabels(labels, fontsize=6)
        axis.grid(visible=False)
    for image, label in ((red, "latency above the limit, % (100: that or more, or it cannot run)"),
                         (blue, "limit kept: regret, points of validation accuracy")):
        figure.colorbar(image, ax=axes, label=label, location="bottom", shrink=0.4, aspect=40)
    return figure


def main(*, figure: Path | None = None, matrix: bool = False) -> None:
    """Print the tables.

    Args:
        figure: SVG file to draw the matrices into
        matrix: print the whole matrices, not those of a few devices
    """
    choices = make_problem(NO_LIMIT).choices
    tables = {name.removesuffix(".latency_ms"): cost.values(choices)
              for name, cost in load_tables().items() if name.endswith(".latency_ms")}
    names = list(tables)
    found = [transfer(np.stack(list(tables.values())), percent) for percent in PERCENTILES]
    print(f"{len(names)} devices, {len(names) * (len(names) - 1)} pairs")
    print_table(["limit", "break the other's limit", "by (median)", "by (most)", "regret where kept, mean", "most",
                 "test, mean"], [one.summary() for one in found])
    for one in found:
        print("\n" + one.matrix(names, sorted(names) if matrix else SHOWN))
    if figure:
        save(drawn(names, found), figure)
