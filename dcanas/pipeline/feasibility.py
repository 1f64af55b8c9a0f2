"""Feasibility: the share of the space within the budget, before anything is trained."""

from __future__ import annotations

from dcanas.basics.files import write_json
from dcanas.basics.hooks import Hooks
from dcanas.basics.keys import plain
from dcanas.costs import Feasibility
from dcanas.hardware.devices.device import Ssh
from dcanas.hardware.transport.parallel import on_all
from dcanas.pipeline.context import Context
from dcanas.pipeline.duration import announce_duration
from dcanas.report.amounts import amount


def feasibility(run: Context) -> dict[str, Feasibility]:
    """Show and store the feasibility of every device's budget, and announce a long run.

    Raises:
        BudgetError: no architecture is within a budget.
    """
    if len(run.devices) > 1:
        measure_boards(run)
    found = {device.name: run.book(device).feasibility for device in run.devices}
    write_json(run.folder / "feasibility.json", plain(found))
    for name, answer in found.items():
        show_feasibility(run.hooks, name, answer)
        answer.require()
    announce_duration(run)
    return found


def measure_boards(run: Context) -> None:
    """Measure on several boards at once what latency limits need; a single board is measured when it is needed."""
    boards = [device for device in run.devices
              if isinstance(device.connection, Ssh) and run.book(device).latency.measures]
    if len(boards) < 2:
        return
    _ = run.folder  # made here, before threads ask for it
    names = ", ".join(device.name for device in boards)
    with run.hooks.stage(f"Measuring a few members of {run.space.name} on {names}"):
        on_all(boards, lambda device: run.book(device).latency.prepare())


def show_feasibility(hooks: Hooks, device: str, answer: Feasibility) -> None:
    """Show ranges of costs, limits and the share of the space within the budget; device: its name."""
    rows = []
    for cost in answer.ranges:
        limit = answer.budget.get(cost.name)
        rows.append([cost.name, *(amount(v) for v in (cost.minimum, cost.median, cost.maximum, limit)), cost.source])
    drawn = "members drawn at random" if answer.sampled else "members"
    hooks.table(f"{answer.space} for {device}: {answer.members:,} {drawn}",
                ["cost", "min", "median", "max", "limit", "source"], rows)
    if answer.budget and answer.feasible:
        hooks.message(f"{100 * answer.share:.1f} % of them are within "
                      f"{'all limits' if len(answer.budget) > 1 else 'the limit'}.")
