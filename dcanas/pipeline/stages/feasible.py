"""Feasibility: what the budget leaves of the space, before anything is trained."""

from __future__ import annotations

from dcanas.basics.files import write_json
from dcanas.basics.keys import plain
from dcanas.costs import Feasibility
from dcanas.pipeline.session import Session
from dcanas.report.amounts import amount


def check_feasibility(session: Session) -> None:
    """Show and store the feasibility of every device's budget; raises `BudgetError` where nothing is within it."""
    session.measure_boards()
    found = {device.name: session.feasibility(device) for device in session.devices}
    write_json(session.folder / "feasibility.json", plain(found))
    for name, answer in found.items():
        show(session, name, answer)
        answer.require()


def show(session: Session, device: str, answer: Feasibility) -> None:
    """Print ranges, limits and the share of the space within the budget."""
    rows = []
    for cost in answer.ranges:
        limit = answer.budget.get(cost.name)
        rows.append([cost.name, *(amount(v) for v in (cost.minimum, cost.median, cost.maximum, limit)),
                     cost.source])
    drawn = "members drawn at random" if answer.sampled else "members"
    session.display.table(f"{answer.space} for {device}: {answer.members:,} {drawn}",
                          ["cost", "min", "median", "max", "limit", "source"], rows)
    if answer.budget and answer.feasible:
        session.display.say(f"{100 * answer.share:.1f} % of them are within "
                            f"{'all limits' if len(answer.budget) > 1 else 'the limit'}.")
