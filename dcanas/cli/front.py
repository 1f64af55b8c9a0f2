"""`dcanas front`: accuracy or loss against costs on a device: what is not dominated, its hypervolume and the knee."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from dcanas.basics.errors import UserError
from dcanas.basics.files import write_json
from dcanas.pipeline.context import Context
from dcanas.pipeline.run import run_until
from dcanas.search.pareto import hypervolume, knee, non_dominated
from dcanas.search.slices.slice_search import SliceSearch

ACCURACY, LOSS = "accuracy", "loss"


def main(command: str, run: Context) -> None:
    if len(run.devices) > 1:
        raise UserError(f"A front belongs to one device, got {', '.join(d.name for d in run.devices)}; name one in "
                        "device.")
    if isinstance(run.method, SliceSearch):
        _of_slices(run, run.method)
    else:
        _of_trials(run)


def _of_trials(run: Context) -> None:
    """Print and store the front of a study's trials."""
    costs = tuple(getattr(run.settings.search, "front", ()))
    if not costs:
        raise UserError("A Pareto front needs a multi-objective search, or slices of a pretrained network; use "
                        "search=nsga2 and list its costs in search.front, or search=slices.")
    found = front_of(run_until(run, "search")["trials"], costs)
    _show(run, found, (ACCURACY, *costs))


def _of_slices(run: Context, method: SliceSearch) -> None:
    """Print and store the front of slices by inherited loss, its ends and its knee fine-tuned."""
    costs = tuple(name for name in run.book(run.devices[0]).budget if not name.endswith("_min"))
    if not costs:
        raise UserError("A front of slices needs limits, shares of which are tried; state the largest, such as "
                        "budget.latency_ms=2.")
    run_until(run, "search")
    target = run.book(run.devices[0]).target
    with run.stage("Front") as hooks:
        task = run.task(hooks)
        rows = method.front(task, target, run.search_folder)
        found = front_of([{"state": "complete", "values": [-row[LOSS], *(row[cost] for cost in costs)], **row}
                          for row in rows], costs, LOSS)
        kinds = {row["architecture"]: row["kind"] for row in rows}
        front = found["front"]
        ends = sorted({0, next(i for i, row in enumerate(front) if row["knee"]), len(front) - 1})
        for i in ends:
            front[i]["fine_tuned_accuracy"] = method.fine_tuned(task, front[i]["architecture"],
                                                                run.search_folder)["validation_accuracy"]
    found["judged"] = rows
    for row in front:
        row["kind"] = kinds[row["architecture"]]
    _show(run, found, (LOSS, *costs), ("kind", "fine_tuned_accuracy"))


def _show(run: Context, found: dict[str, Any], objectives: tuple[str, ...], further: tuple[str, ...] = ()) -> None:
    """Store, draw and print a front; further: columns of the table beside the objectives."""
    folder, rows, names = run.search_folder, found["front"], (*objectives, *further)
    write_json(folder / "front.json", found)
    _draw(folder / "front.svg", rows, objectives[0], objectives[1:], found.get("judged", []))
    run.hooks.table("Not dominated", ["architecture", *names, ""], [
        [row["architecture"], *(_cell(row.get(name, "")) for name in names), "knee" if row["knee"] else ""]
        for row in rows])
    run.hooks.message(f"Hypervolume {found['hypervolume']:.4f} of the box between the best and the worst of "
                      f"{found['trials']} networks in each objective.")
    run.hooks.message(f"Front: {folder / 'front.json'}, {folder / 'front.svg'}")


def _cell(value: Any) -> str:
    return value if isinstance(value, str) else f"{value:,.6g}"


def _draw(path: Path, front: list[dict[str, Any]], quality: str, costs: tuple[str, ...],
          others: list[dict[str, Any]]) -> None:
    from dcanas.report.figures import canvas, studying  # here: matplotlib takes a second

    path.write_bytes(canvas.svg_file(studying.unbeaten(front, costs, quality, others)))


def front_of(trials: list[dict[str, Any]], costs: tuple[str, ...], quality: str = ACCURACY) -> dict[str, Any]:
    """Return the non-dominated trials from the best to the cheapest, their hypervolume and the knee, as JSON types.

    The hypervolume is a share of the box from the best to the worst value of each objective over all trials; an
    objective with a single value is left out.

    Args:
        trials: rows of `study.json`.
        costs: names of the objectives after the first.
        quality: name of the first, which is an accuracy or the negative of a loss.
    """
    done = [row for row in trials if row["state"] == "complete"]
    losses = np.array([[-row["values"][0], *row["values"][1:]] for row in done], dtype=float)
    low, high = losses.min(0), losses.max(0)
    scaled = (losses - low) / np.where(high > low, high - low, 1.0)
    kept = np.flatnonzero(non_dominated(losses))
    kept = kept[np.argsort(losses[kept, 0], kind="stable")]
    bend = knee(losses[kept])
    sign = -1 if quality == ACCURACY else 1
    rows = [{"architecture": done[i]["architecture"], quality: float(sign * losses[i, 0]),
             **{name: float(losses[i, 1 + n]) for n, name in enumerate(costs)}, "knee": position == bend}
            for position, i in enumerate(kept)]
    volume = hypervolume(scaled[:, high > low], np.ones(int((high > low).sum()))) if (high > low).any() else 0.0
    names = ("-accuracy" if sign < 0 else quality, *costs)
    return {"trials": len(done), "hypervolume": volume, "front": rows,
            "box": {name: [float(a), float(b)] for name, a, b in zip(names, low, high, strict=True)}}
