"""`dcanas front`: accuracy against costs on a device: who is not beaten, what they cover, where it bends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from dcanas.basics.errors import UserError
from dcanas.basics.files import write_json
from dcanas.pipeline.session import Session
from dcanas.pipeline.sources import adopt
from dcanas.pipeline.stages.feasible import check_feasibility
from dcanas.pipeline.stages.searching import run_search, search_folder
from dcanas.search.ask_tell.pareto import hypervolume, knee, non_dominated
from dcanas.search.ask_tell.study_settings import StudySettings

ACCURACY = "accuracy"


def main(session: Session, command: str) -> int:
    settings = session.settings.search
    if not isinstance(settings, StudySettings) or not settings.front:
        raise UserError("A front needs a search with several objectives: search=nsga2, its costs in search.front.")
    if len(session.devices) > 1:
        raise UserError(f"A front is that of one device, got {', '.join(d.name for d in session.devices)}; name one in "
                        "device.")
    session.display.say(f"Run directory: {session.folder}")
    adopt(session, "search")
    check_feasibility(session)
    found = front_of(run_search(session)["trials"], settings.front)
    folder = search_folder(session)
    write_json(folder / "front.json", found)
    _draw(folder / "front.svg", found["front"], settings.front)
    names = (ACCURACY, *settings.front)
    rows = [[row["architecture"], *(f"{row[name]:,.6g}" for name in names), "knee" if row["knee"] else ""]
            for row in found["front"]]
    session.display.table("Not beaten", ["architecture", *names, ""], rows)
    session.display.say(f"Hypervolume {found['hypervolume']:.4f} of the box between the best and the worst of "
                        f"{found['trials']} trials in each objective.")
    session.display.say(f"Front: {folder / 'front.json'}, {folder / 'front.svg'}")
    return 0


def _draw(path: Path, front: list[dict[str, Any]], costs: tuple[str, ...]) -> None:
    from dcanas.report.figures import canvas, studying  # here: matplotlib takes a second

    path.write_bytes(canvas.svg_file(studying.unbeaten(front, costs)))


def front_of(trials: list[dict[str, Any]], costs: tuple[str, ...]) -> dict[str, Any]:
    """Return the non-dominated trials by falling accuracy, their share of the box and the knee, as JSON types.

    The box spans from the best to the worst value of each objective over all trials; a side of no length counts as 1.
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
