"""`dcanas front`: accuracy against costs on a device: the non-dominated trials, their hypervolume and the knee."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from dcanas.basics.errors import UserError
from dcanas.basics.files import write_json
from dcanas.pipeline.context import Context
from dcanas.pipeline.run import run_until
from dcanas.search.pareto import hypervolume, knee, non_dominated

ACCURACY = "accuracy"


def main(command: str, run: Context) -> None:
    costs = tuple(getattr(run.settings.search, "front", ()))
    if not costs:
        raise UserError("A Pareto front needs a multi-objective search; use search=nsga2 and list its costs in "
                        "search.front.")
    if len(run.devices) > 1:
        raise UserError(f"A front belongs to one device, got {', '.join(d.name for d in run.devices)}; name one in "
                        "device.")
    found = front_of(run_until(run, "search")["trials"], costs)
    folder = run.search_folder
    write_json(folder / "front.json", found)
    _draw(folder / "front.svg", found["front"], costs)
    names = (ACCURACY, *costs)
    rows = [[row["architecture"], *(f"{row[name]:,.6g}" for name in names), "knee" if row["knee"] else ""]
            for row in found["front"]]
    run.hooks.table("Not dominated", ["architecture", *names, ""], rows)
    run.hooks.message(f"Hypervolume {found['hypervolume']:.4f} of the box between the best and the worst of "
                      f"{found['trials']} trials in each objective.")
    run.hooks.message(f"Front: {folder / 'front.json'}, {folder / 'front.svg'}")


def _draw(path: Path, front: list[dict[str, Any]], costs: tuple[str, ...]) -> None:
    from dcanas.report.figures import canvas, studying  # here: matplotlib takes a second

    path.write_bytes(canvas.svg_file(studying.unbeaten(front, costs)))


def front_of(trials: list[dict[str, Any]], costs: tuple[str, ...]) -> dict[str, Any]:
    """Return the non-dominated trials by falling accuracy, their hypervolume and the knee, as JSON types.

    The hypervolume is a share of the box from the best to the worst value of each objective over all trials; an
    objective with a single value is left out.

    Args:
        trials: rows of `study.json`.
        costs: names of the objectives after accuracy.
    """
    done = [row for row in trials if row["state"] == "complete"]
    losses = np.array([[-row["values"][0], *row["values"][1:]] for row in done], dtype=float)
    low, high = losses.min(0), losses.max(0)
    scaled = (losses - low) / np.where(high > low, high - low, 1.0)
    kept = np.flatnonzero(non_dominated(losses))
    kept = kept[np.argsort(losses[kept, 0], kind="stable")]
    bend = knee(losses[kept])
    rows = [{"architecture": done[i]["architecture"], ACCURACY: float(-losses[i, 0]),
             **{name: float(losses[i, 1 + n]) for n, name in enumerate(costs)}, "knee": position == bend}
            for position, i in enumerate(kept)]
    volume = hypervolume(scaled[:, high > low], np.ones(int((high > low).sum()))) if (high > low).any() else 0.0
    return {"trials": len(done), "hypervolume": volume, "front": rows,
            "box": {name: [float(a), float(b)] for name, a, b in zip(("-accuracy", *costs), low, high, strict=True)}}
