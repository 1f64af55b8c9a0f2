"""How well training-free proxies predict robust accuracy: the study of Lukasik et al. on the published tables.

    python -m tools study_robustness [docs=docs]

Writes the part of docs/robustness.md between its two marks, and two figures. Accuracies on CIFAR-10; attacks within
L-inf 1/255; the first code of each of NAS-Bench-201's classes that has proxies. Minutes on one core; `jobs` uses more.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from dcanas.basics.files import write_text
from dcanas.benchmarks.robustness_features import Features, cell_features
from dcanas.benchmarks.robustness_prediction import ablation, importances, kendall_matrix, predictability, split_classes
from dcanas.benchmarks.robustness_tables import load_robustness_table
from dcanas.hardware.latency.table_files import tables_folder
from dcanas.report.figures.candidates import bars
from dcanas.spaces import load_space
from tools.figures import heat_map, save
from tools.markdown import grid

SIZES = (32, 128, 1024)
TARGETS = ("clean", "fgsm", "pgd", "apgd", "square")
PAPER = {(1024, "clean"): ".93", (1024, "fgsm"): ".84", (1024, "pgd"): ".56", (1024, "apgd"): ".56",
         (1024, "square"): ".63", (128, "pgd"): ".36", (128, "apgd"): ".24"}
CATEGORIES = {"Jacobian": ["epe_nas", "grad_norm", "jacov", "nwot"], "pruning": ["fisher", "grasp", "snip", "synflow"],
              "piecewise linear": ["zen"], "baseline": ["flops", "l2_norm", "params", "plain"]}
START, END = "<!-- study: start -->", "<!-- study: end -->"
Cells = dict[tuple[int, str], list]  # (n, target) -> qualities of the splits


def main(*, docs: Path = Path("docs"), jobs: int = 1) -> None:
    """Write the page and the figures.

    Args:
        docs: folder of robustness.md
        jobs: processes
    """
    table, every = (load_robustness_table(tables_folder(), every_code=each) for each in (False, True))
    cells = cell_features(load_space("nasbench201"), table.architectures)
    start = time.process_time()
    proxies, wide = ({(n, name): [q[0] for q in predictability(features, table.target(name), table.classes, n,
                                                               jobs=jobs)] for n in SIZES for name in TARGETS}
                     for features in (table.proxies, table.proxies.beside(cells)))
    seconds = time.process_time() - start
    joint = {name: predictability(table.proxies, table.targets.only(["clean", name]).values, table.classes, 1024,
                                  jobs=jobs) for name in TARGETS[1:]}
    ablations = {name: ablation(table.proxies, table.target(name), table.classes, 1024, CATEGORIES, jobs=jobs)
                 for name in TARGETS}
    split = split_classes(table.classes, 1024, 0)
    weights = {name: importances(table.proxies, table.target(name), split, jobs=jobs) for name in TARGETS}
    across = {label: [mean([q[0] for q in predictability(every.proxies, every.target(name), classes, 1024, jobs=jobs)])
                      for name in TARGETS]
              for label, classes in (("classes stay together", every.classes), ("classes cut by the split",
                                                                                every.indices))}
    targets = table.targets.only(TARGETS)
    ranks = kendall_matrix(Features(TARGETS + table.proxies.names, np.hstack([targets.values, table.proxies.values])),
                           targets)
    text = "\n\n".join([
        f"{len(table.indices):,} networks, {len(table.proxies.names)} proxies, {len(cells.names)} features of the "
        f"cell, 5 splits, 100 trees. The first table took {seconds:.0f} s of processor time.",
        "**Test R2** (mean and deviation over splits) by number of networks learnt from:",
        by_target("n", quality_rows(proxies, wide)),
        "**One forest for two targets**, n = 1024, test R2:",
        grid(["", *joint], [
            ["clean, together with it", *(f"{mean([q[0] for q in both]):.2f}" for both in joint.values())],
            ["attack, together with clean", *(f"{mean([q[1] for q in both]):.2f}" for both in joint.values())],
            ["attack alone", *(f"{mean(proxies[1024, name]):.2f}" for name in joint)]]),
        "**Which proxies are needed**, n = 1024, test R2:",
        by_target("proxies", ([label, *(f"{ablations[name][label]:.2f}" for name in TARGETS)]
                              for label in ablations["clean"])),
        "**The most important proxies**, n = 1024:", by_target("", importance_rows(weights)),
        "![Importances](robustness_importance.svg)", "![Rank correlations](robustness_kendall.svg)",
        "**All codes that have proxies, duplicates among them**, n = 1024, test R2:",
        by_target("", ([label, *(f"{value:.2f}" for value in found)] for label, found in across.items()))])
    page = docs / "robustness.md"
    before, after = page.read_text(encoding="utf-8").split(START)[0], page.read_text(encoding="utf-8").split(END)[1]
    write_text(page, f"{before}{START}\n\n{text}\n\n{END}{after}")
    save(heat_map(ranks, [*TARGETS, *table.proxies.names], TARGETS, "Kendall's tau on all networks"),
         docs / "robustness_kendall.svg")
    save(bars(table.proxies.names, {name: [weights[name]["permutation"][proxy] for proxy in table.proxies.names]
                                    for name in TARGETS}, "loss of R2 when a proxy is shuffled, n = 1024"),
         docs / "robustness_importance.svg")
    print(text)


def mean(qualities: Sequence, field: str = "r2") -> float:
    return float(np.mean([getattr(q, field) for q in qualities]))


def by_target(first: str, rows: Iterator[list[str]]) -> str:
    """Return a table with a column per target."""
    return grid([first, *TARGETS], rows)


def quality_rows(proxies: Cells, wide: Cells) -> Iterator[list[str]]:
    for n in SIZES:
        yield [f"{n}, paper", *(PAPER.get((n, name), "–") for name in TARGETS)]
        for label, cells in (("13 proxies", proxies), ("with cell features", wide)):
            found = [cells[n, name] for name in TARGETS]
            yield [f"{n}, {label}", *(f"{mean(q):.2f} ± {np.std([each.r2 for each in q]):.2f}" for q in found)]
            yield [f"{n}, {label}: Kendall, out-of-bag R2",
                   *(f"{mean(q, 'kendall'):.2f}, {mean(q, 'out_of_bag'):.2f}" for q in found)]


def importance_rows(weights: Mapping[str, Mapping[str, Mapping[str, float]]]) -> Iterator[list[str]]:
    for kind in ("impurity", "permutation"):
        ordered = [sorted(weights[name][kind].items(), key=lambda item: -item[1])[:4] for name in TARGETS]
        for place, found in enumerate(zip(*ordered, strict=True), start=1):
            yield [f"{kind} {place}", *(f"{proxy} {value:.2f}" for proxy, value in found)]
