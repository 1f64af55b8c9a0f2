"""Feasibility: the share of the space within the budget, before anything is trained."""

from __future__ import annotations

from dcanas.basics.hooks import Hooks
from dcanas.basics.keys import plain
from dcanas.basics.manifest import write_result
from dcanas.costs import Budget, Feasibility
from dcanas.costs.feasibility import possible, select_costs
from dcanas.costs.members import as_architecture
from dcanas.hardware import Device
from dcanas.hardware.devices.device import Ssh
from dcanas.hardware.transport.parallel import on_all
from dcanas.pipeline.context import Context
from dcanas.pipeline.duration import announce_duration
from dcanas.pipeline.preflight import preflight
from dcanas.report.amounts import amount, share
from dcanas.report.words import limit_words

TRIED = 3  # candidates that are measured where bounds alone leave a limit uncertain


def feasibility(run: Context) -> dict[str, Feasibility]:
    """Show and store the feasibility of every device's budget, and announce a long run.

    Raises:
        BudgetError: no architecture is within a budget.
        UserError: networks of the space cannot become the file that a device needs.
    """
    if not (run.folder / "feasibility.json").exists():
        preflight(run)
    if len(run.devices) > 1:
        measure_boards(run)
    found = {device.name: run.book(device).feasibility for device in run.devices}
    write_result(run.folder, run.folder / "feasibility.json", plain(found), "feasibility")
    for name, answer in found.items():
        show_feasibility(run.hooks.details, name, answer)
        run.hooks.message(in_a_line(name, answer))
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


def answer_feasibility(run: Context, device: Device, measure: bool) -> None:
    """Show what a device's budget leaves of the space; nothing is measured unless asked.

    Raises:
        BudgetError: no architecture is within the budget, by what is counted or known, whatever a measurement says.
    """
    book, hooks = run.book(device), run.hooks
    answer = book.feasibility if measure else book.feasibility_unmeasured()
    show_feasibility(hooks, device.name, answer)
    for name in answer.unmeasured:
        hooks.message(f"{device.name}: nothing was measured, so the limit on {name} is not judged; measure=true "
                      "measures a few members and judges it.")
    if answer.feasible:
        return
    budget, sources = Budget(answer.budget), book.latency.by_cost
    costs = select_costs([*book.counted, *(source.model for name, source in sources.items()
                                           if name not in answer.unmeasured)], budget)
    candidates = [as_architecture(run.space, row) for row in possible(run.space, costs, budget, run.settings.seed)]
    if not candidates:
        answer.require()
    told = "; ".join(f"{cost.name} predicted {amount(cost.value(candidates[0]))}, bound "
                     f"{amount(cost.upper(candidates[0]))}, limit {amount(budget[cost.name])}"
                     for cost in costs if cost.upper(candidates[0]) > budget[cost.name])
    if not measure or not book.latency.measures:
        hooks.message(f"{device.name}: {told}: uncertain, and no measurement settles it; loosen the limit, or choose "
                      "a device that can be measured.")
        return
    tried = candidates[:TRIED]
    kept = [arch for arch in tried if not book.latency.broken(arch, budget)]
    hooks.message(f"{device.name}: {told}: uncertain; of {len(tried)} candidates measured, {len(kept)} are within "
                  "every limit" + (f", the first of them {run.space.format(kept[0])}." if kept else "."))
    if not kept:
        answer.require()


def in_a_line(device: str, answer: Feasibility) -> str:
    """Return in a line what the budget of a device leaves of the space."""
    drawn = "networks drawn at random" if answer.sampled else "network" if answer.members == 1 else "networks"
    whole = f"{device}: {answer.members:,} {drawn} of {answer.space}"
    if not answer.budget:
        return f"{whole}, no limit."
    limits = ", ".join(limit_words(*item) for item in answer.budget.items())
    return f"{whole}, {share(answer.share)} of them within {limits}."


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
