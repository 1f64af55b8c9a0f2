"""How an architecture found for one device does on the others, on the published tables of NAS-Bench-201.

    python tools/study_transfer.py [--figure docs/figures/transfer.svg] [--matrix]

For every device and limit (p10, p25, p50 of its own latencies over the 9,444 members) the member of the best CIFAR-10
validation accuracy within the limit is taken, and looked at on every other device under that one's limit of the same
percentile: does it break the limit (violation), and where it keeps it, how much better is the best that does (regret,
points of validation accuracy; of test accuracy for the report, which decides nothing). Every latency of HELP (27
devices and batch sizes) and of HW-NAS-Bench (six, four of them in both) counts as a device: 29.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dcanas.basics.files import write_bytes
from dcanas.costs.members import member_choices
from dcanas.hardware import load_tables
from dcanas.hardware.latency.table_files import read_rows, tables_folder
from dcanas.spaces import load_space

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

    @property
    def broken(self) -> np.ndarray:
        return self.excess > 0


def transfer(latencies: np.ndarray, validation: np.ndarray, test: np.ndarray, percent: int) -> Transfer:
    """Return what becomes of every device's best on every device. Shape: latencies (devices, members), inf = none."""
    limits = np.array([np.percentile(row[np.isfinite(row)], percent) for row in latencies])
    best = np.argmax(np.where(latencies <= limits[:, None], validation, -np.inf), axis=1)
    excess = latencies[:, best].T / limits - 1
    return Transfer(percent, excess, validation[best] - validation[best][:, None],
                    test[best] - test[best][:, None])


def load() -> tuple[list[str], np.ndarray, np.ndarray, np.ndarray]:
    """Return device names, latencies (devices, members), validation and test accuracy (members,) in per cent."""
    space = load_space("nasbench201")
    codes = list(space.enumerate())
    members = np.array([space.is_member(arch) for arch in codes])
    choices = member_choices(space)
    tables = {name.removesuffix(".latency_ms"): cost.values(choices)
              for name, cost in load_tables().items() if name.endswith(".latency_ms")}
    accuracy = read_rows(tables_folder() / "nasbench201_accuracy.csv.gz", ["cifar10_val", "cifar10_test"],
                         [space.format(arch) for arch in codes])
    return (list(tables), np.stack(list(tables.values())), accuracy["cifar10_val"][members],
            accuracy["cifar10_test"][members])


def others(values: np.ndarray) -> np.ndarray:
    """Return the entries of a square matrix off its diagonal."""
    return values[~np.eye(len(values), dtype=bool)]


def summary(found: Transfer) -> str:
    """Return one row: violations, how far limits are broken, regret where they are kept."""
    broken, excess, kept = others(found.broken), others(found.excess), ~others(found.broken)
    over = excess[broken & np.isfinite(excess)]
    return (f"| p{found.percent} | {100 * broken.mean():.0f} % | {100 * np.median(over):.0f} % "
            f"| {100 * over.max():.0f} % | {others(found.regret)[kept].mean():.2f} "
            f"| {others(found.regret)[kept].max():.2f} "
            f"| {others(found.test_regret)[kept].mean():.2f} |")


def matrix(names: list[str], found: Transfer, shown: tuple[str, ...]) -> str:
    """Return a table, from (rows) x to (columns): excess over the limit in per cent, or regret in points where kept."""
    index = [names.index(name) for name in shown]
    lines = [f"| p{found.percent}: found for | {' | '.join(shown)} |", "|---|" + "---:|" * len(shown)]
    for i in index:
        cells = ["–" if i == j else _cell(found, i, j) for j in index]
        lines.append(f"| {names[i]} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(found: Transfer, i: int, j: int) -> str:
    if not np.isfinite(found.excess[i, j]):
        return "**none**"
    return f"**+{100 * found.excess[i, j]:.0f} %**" if found.broken[i, j] else f"{found.regret[i, j]:.2f}"


def figure(names: list[str], all_found: list[Transfer], path: Path) -> None:
    """Draw one matrix per percentile: red by how far the limit is broken, blue by the regret where it is kept."""
    import io

    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams |= {"svg.hashsalt": "transfer", "svg.fonttype": "none"}  # equal numbers give an equal file
    import matplotlib.pyplot as plt

    order = np.argsort(names)
    labels = [names[i] for i in order]
    drawing, axes = plt.subplots(1, len(all_found), figsize=(5.4 * len(all_found), 6.4), layout="constrained")
    for axis, found in zip(axes, all_found, strict=True):
        excess, regret = found.excess[np.ix_(order, order)], found.regret[np.ix_(order, order)]
        broken = np.ma.masked_where(excess <= 0, np.minimum(100 * excess, 100))
        kept = np.ma.masked_where(excess > 0, np.clip(regret, 0, 5))
        red = axis.imshow(broken, cmap="Reds", vmin=-20, vmax=100)
        blue = axis.imshow(kept, cmap="Blues", vmin=0, vmax=5)
        axis.set(title=f"limit p{found.percent} of each device", xlabel="used on", ylabel="found for",
                 xticks=range(len(labels)), yticks=range(len(labels)))
        axis.set_xticklabels(labels, rotation=90, fontsize=6)
        axis.set_yticklabels(labels, fontsize=6)
    drawing.colorbar(red, ax=axes, label="latency above the limit, % (100: that or more, or it cannot run)",
                     location="bottom", shrink=0.4, aspect=40)
    drawing.colorbar(blue, ax=axes, label="limit kept: regret, points of validation accuracy", location="bottom",
                     shrink=0.4, aspect=40)
    content = io.BytesIO()
    drawing.savefig(content, format="svg", metadata={"Date": None})
    write_bytes(path, content.getvalue())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--figure", type=Path, help="SVG file to draw the matrices into")
    parser.add_argument("--matrix", action="store_true", help="print the whole matrices, not those of a few devices")
    options = parser.parse_args()
    names, latencies, validation, test = load()
    all_found = [transfer(latencies, validation, test, percent) for percent in PERCENTILES]
    print(f"{len(names)} devices, {len(names) * (len(names) - 1)} pairs\n\n"
          "| limit | break the other's limit | by (median) | by (most) | regret where kept, mean | most "
          "| test, mean |\n"
          "|---|---:|---:|---:|---:|---:|---:|")
    for found in all_found:
        print(summary(found))
    for found in all_found:
        print("\n" + matrix(names, found, tuple(sorted(names)) if options.matrix else SHOWN))
    if options.figure:
        figure(names, all_found, options.figure)


if __name__ == "__main__":
    main()
