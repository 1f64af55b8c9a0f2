"""How well training-free proxies predict robust accuracy: the study of Lukasik et al. on the published tables.

    uv run python tools/study_robustness.py [--docs docs]

Reads the tables in DCANAS_TABLES, writes the part of docs/robustness.md between its two marks, and two figures.
Accuracies on CIFAR-10; attacks within L-inf 1/255; the first code of each of NAS-Bench-201's classes that has proxies.
Minutes on one core; `--jobs` uses more.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

import numpy as np
from robustness_figures import bars, heat_map

from dcanas.basics.files import write_text
from dcanas.benchmarks.robustness_features import Features, cell_features
from dcanas.benchmarks.robustness_prediction import ablation, importances, kendall_matrix, predictability, split_classes
from dcanas.benchmarks.robustness_tables import RobustnessTable, load_robustness_table
from dcanas.spaces import load_space

SIZES = (32, 128, 1024)
TARGETS = ("clean", "fgsm", "pgd", "apgd", "square")
PAPER = {(1024, "clean"): ".93", (1024, "fgsm"): ".84", (1024, "pgd"): ".56", (1024, "apgd"): ".56",
         (1024, "square"): ".63", (128, "pgd"): ".36", (128, "apgd"): ".24"}
CATEGORIES = {"Jacobian": ["epe_nas", "grad_norm", "jacov", "nwot"], "pruning": ["fisher", "grasp", "snip", "synflow"],
              "piecewise linear": ["zen"], "baseline": ["flops", "l2_norm", "params", "plain"]}
START, END = "<!-- study: start -->", "<!-- study: end -->"
Cells = dict[tuple[int, str], list]


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", type=Path, default=os.environ.get("DCANAS_TABLES"))
    parser.add_argument("--docs", type=Path, default=Path("docs"))
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args(arguments)
    if options.tables is None:
        parser.error("DCANAS_TABLES does not name the folder of published tables; give --tables")
    table = load_robustness_table(options.tables)
    both = table.proxies.beside(cell_features(load_space("nasbench201"), table.architectures))
    start = time.process_time()
    proxies = measured(table, table.proxies, options.jobs)
    wide = measured(table, both, options.jobs)
    seconds = time.process_time() - start
    joint = {name: predictability(table.proxies, table.targets.only(["clean", name]).values, table.classes, 1024,
                                  jobs=options.jobs) for name in TARGETS[1:]}
    ablations = {name: ablation(table.proxies, table.target(name), table.classes, 1024, CATEGORIES,
                                jobs=options.jobs) for name in TARGETS}
    split = split_classes(table.classes, 1024, 0)
    weights = {name: importances(table.proxies, table.target(name), split, jobs=options.jobs) for name in TARGETS}
    every = load_robustness_table(options.tables, every_code=True)
    across = {name: [predictability(every.proxies, every.target(name), classes, 1024, jobs=options.jobs)
                     for classes in (every.classes, every.indices)] for name in TARGETS}
    ranks = kendall_matrix(Features(TARGETS + table.proxies.names, np.hstack([
        table.targets.only(TARGETS).values, table.proxies.values])), table.targets.only(TARGETS))
    text = "\n\n".join([
        f"{len(table.indices):,} networks, {len(table.proxies.names)} proxies, "
        f"{len(both.names) - len(table.proxies.names)} features of the cell, 5 splits, 100 trees. The first table took "
        f"{seconds:.0f} s of processor time.",
        quality_table(proxies, wide), joint_table(joint, proxies), ablation_table(ablations), importance_table(weights),
        "![Importances](robustness_importance.svg)", "![Rank correlations](robustness_kendall.svg)",
        duplicates_table(across), conclusions(proxies, wide, ablations, ranks)])
    write_docs(options.docs / "robustness.md", text)
    write_text(options.docs / "robustness_kendall.svg", heat_map(
        ranks, [*TARGETS, *table.proxies.names], TARGETS, "Kendall's tau on all networks"))
    write_text(options.docs / "robustness_importance.svg", bars(
        {name: weights[name]["permutation"] for name in TARGETS}, "Loss of R2 when a proxy is shuffled, n = 1024"))
    print(text)


def measured(table: RobustnessTable, features: Features, jobs: int) -> Cells:
    """Return the qualities of the splits by (n, target)."""
    return {(n, name): [q[0] for q in predictability(features, table.target(name), table.classes, n, jobs=jobs)]
            for n in SIZES for name in TARGETS}


def mean(qualities: list, field: str = "r2") -> float:
    return float(np.mean([getattr(q, field) for q in qualities]))


def spread(qualities: list) -> str:
    return f"{mean(qualities):.2f} ± {np.std([q.r2 for q in qualities]):.2f}"


def grid(header: list[str], rows: list[list[str]]) -> str:
    return "\n".join(["| " + " | ".join(row) + " |" for row in (header, ["---"] * len(header), *rows)])


def quality_table(proxies: Cells, wide: Cells) -> str:
    rows = []
    for n in SIZES:
        rows.append([f"{n}, paper", *(PAPER.get((n, name), "–") for name in TARGETS)])
        for label, cells in (("13 proxies", proxies), ("with cell features", wide)):
            rows.append([f"{n}, {label}", *(spread(cells[n, name]) for name in TARGETS)])
            further = ((mean(cells[n, name], "kendall"), mean(cells[n, name], "out_of_bag")) for name in TARGETS)
            rows.append([f"{n}, {label}: Kendall, out-of-bag R2", *(f"{tau:.2f}, {oob:.2f}" for tau, oob in further)])
    return "**Test R2** (mean and deviation over splits) by number of networks learnt from:\n\n" + grid(
        ["n", *TARGETS], rows)


def joint_table(joint: dict, proxies: Cells) -> str:
    rows = [["clean, together with it", *(f"{np.mean([q[0].r2 for q in joint[name]]):.2f}" for name in joint)],
            ["attack, together with clean", *(f"{np.mean([q[1].r2 for q in joint[name]]):.2f}" for name in joint)],
            ["attack alone", *(f"{mean(proxies[1024, name]):.2f}" for name in joint)]]
    return "**One forest for two targets**, n = 1024, test R2:\n\n" + grid(["", *joint], rows)


def ablation_table(ablations: dict) -> str:
    rows = [[label, *(f"{ablations[name][label]:.2f}" for name in TARGETS)] for label in ablations["clean"]]
    return "**Which proxies are needed**, n = 1024, test R2:\n\n" + grid(["proxies", *TARGETS], rows)


def importance_table(weights: dict) -> str:
    rows = []
    for kind in ("impurity", "permutation"):
        ordered = {name: sorted(weights[name][kind].items(), key=lambda item: -item[1])[:4] for name in TARGETS}
        rows += [[f"{kind} {place + 1}", *(f"{ordered[name][place][0]} {ordered[name][place][1]:.2f}"
                                           for name in TARGETS)] for place in range(4)]
    return "**The most important proxies**, n = 1024:\n\n" + grid(["", *TARGETS], rows)


def duplicates_table(across: dict) -> str:
    rows = [[label, *(f"{np.mean([q[0].r2 for q in across[name][k]]):.2f}" for name in TARGETS)]
            for k, label in enumerate(("classes stay together", "classes cut by the split"))]
    return "**All codes that have proxies, duplicates among them**, n = 1024, test R2:\n\n" + grid(["", *TARGETS], rows)


def conclusions(proxies: Cells, wide: Cells, ablations: dict, ranks: np.ndarray) -> str:
    """Return each conclusion of the paper with what is found here."""
    r2 = {name: mean(proxies[1024, name]) for name in TARGETS}
    more = {name: mean(wide[1024, name]) for name in TARGETS}
    pgd, clean = ablations["pgd"], ablations["clean"]
    found = [
        ("One proxy alone predicts clean accuracy, but not accuracy under PGD (R2 below 0.05)",
         clean["top 1"] > 0.5 and pgd["top 1"] < 0.05, f"clean {clean['top 1']:.2f}, PGD {pgd['top 1']:.2f}"),
        ("No single proxy is needed: without the best one PGD stays within 0.08 of all",
         pgd["all"] - pgd["all but top 1"] < 0.08, f"{pgd['all']:.2f} against {pgd['all but top 1']:.2f}"),
        ("Robustness is harder: clean > FGSM > Square > PGD, APGD",
         r2["clean"] > r2["fgsm"] > r2["square"] > max(r2["pgd"], r2["apgd"]),
         ", ".join(f"{name} {value:.2f}" for name, value in r2.items())),
        ("One category alone (zen) does not predict PGD", pgd["only piecewise linear"] < 0.1,
         f"{pgd['only piecewise linear']:.2f}"),
        ("Features of the cell help, most of all under PGD and APGD",
         all(more[n] > r2[n] for n in TARGETS) and min(more["pgd"] - r2["pgd"], more["apgd"] - r2["apgd"]) > 0.1,
         ", ".join(f"{name} {value:.2f}" for name, value in more.items())),
        ("Clean accuracy says little about PGD and the opposite about APGD (Kendall's tau)",
         abs(ranks[0, 2]) < 0.3 and ranks[0, 3] < 0, f"{ranks[0, 2]:.2f} and {ranks[0, 3]:.2f}"),
    ]
    return "**The paper's conclusions, one by one:**\n\n" + grid(
        ["conclusion", "holds here", "numbers"], [[text, "yes" if holds else "no", why] for text, holds, why in found])


def write_docs(path: Path, text: str) -> None:
    """Put the text between the two marks of the page."""
    page = path.read_text(encoding="utf-8") if path.is_file() else f"{START}\n{END}\n"
    before, after = page.split(START)[0], page.split(END)[1]
    write_text(path, f"{before}{START}\n\n{text}\n\n{END}{after}")


if __name__ == "__main__":
    main(sys.argv[1:])
