"""`dcanas profile device=NAME space=NAME [data=...]`: a table of the space's operations, measured on the device.

With `check=true` ten rows of the device's tables are measured again, and their drift is told.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dcanas.basics.errors import UserError, unknown
from dcanas.cli.display import Display
from dcanas.costs import Domain
from dcanas.hardware import Device, load_device
from dcanas.hardware.latency.operation_table import OperationTable, Quality, quality, table_costs
from dcanas.hardware.latency.table_measuring import (
    marginal_ms,
    measure_operations,
    measure_table,
    operations_to_measure,
)
from dcanas.hardware.latency.table_store import load_table, save_table, table_conditions, table_path, tables_folder_of
from dcanas.pipeline.devices import require_board
from dcanas.spaces import Space, load_space, load_space_file

CHECKED = 10  # rows
DRIFT = 0.05  # of the median row: more, and the table should be measured again


@dataclass(frozen=True)
class Asked:
    """Which networks a table is to speak of."""

    space: Space
    domain: Domain
    device: Device
    space_file: str | None
    seed: int


def main(arguments: list[str]) -> int:
    own = {"input": "", "classes": "", "check": ""}
    others = []
    for text in arguments:
        key, _, value = text.partition("=")
        if key == "--check":
            own["check"] = "true"
        elif key in own:
            own[key] = value
        elif text.startswith("-"):
            raise unknown("option of `dcanas profile`", text, ["--check"])
        else:
            others.append(text)
    if own["check"] not in ("", "true", "false"):
        raise UserError(f"check must be true or false, got {own['check']!r}.")
    torch.set_num_threads(1)
    display = Display()
    try:
        return _check(others, display) if own["check"] == "true" else _make(others, own, display)
    except KeyboardInterrupt:
        print("dcanas: Stopped; what was measured is kept, the same command goes on from there.", file=sys.stderr)
        return 130


def _make(overrides: list[str], own: dict[str, str], display: Display) -> int:
    for asked in _asked(overrides, own):
        require_board(asked.device, "dcanas profile")
        stated = table_conditions(asked.device, asked.space_file)
        path = table_path(asked.device, asked.domain, stated)
        with display.stage(f"Operations of {asked.space.name} on {asked.device.name}") as bar:
            table = measure_table(asked.space, asked.device, asked.domain, stated, path.with_suffix(""), bar.update,
                                  asked.seed)
        costs, fits = table_costs(asked.space, table)
        save_table(path, table)
        show_table(display, table, quality(asked.space, table))
        fit = fits["latency_ms"]
        scale, per_step = fit.per_option
        upper = costs["latency_ms"].relative_error  # type: ignore[attr-defined]
        display.say(f"latency = {fit.base:.4g} ms + {scale:.3g} x rows + {1e3 * per_step:.3g} us per step; "
                    f"upper bound +{100 * upper:.0f} %.\n"
                    f"Table: {path}\n`dcanas run` uses it for these networks where budget.latency_ms is limited.")
    return 0


def show_table(display: Display, table: OperationTable, found: Quality | None) -> None:
    """Print the rows, how many could not be repeated, and the error on networks that were not fitted to."""
    rows = [[text, f"{ms:.4g}", "noisy" if text in table.noisy else ""] for text, ms in table.rows.items()]
    display.table(f"{table.domain.space} on {table.device}: {len(rows)} operations", ["operation", "ms", ""], rows)
    if table.noisy:
        display.say(f"The machine was too noisy for {len(table.noisy)} of {len(rows)} rows, which may be off by more "
                    "than 5 %; measure again when nothing else runs.")
    display.say(quality_line(found))


def quality_line(found: Quality | None) -> str:
    if found is None:
        return "Its error is not known: no networks were left out."
    return (f"On {found.n} networks it was not fitted to: Spearman {found.spearman:.3f}, mean error "
            f"{100 * found.mape:.1f} %; a line in MACs fitted to the same networks: {found.macs_spearman:.3f}, "
            f"{100 * found.macs_mape:.1f} %.")


def _asked(overrides: list[str], own: dict[str, str]) -> list[Asked]:
    """Return one question per device; the data set says input and classes unless they are stated."""
    from dcanas.cli.configure import configure, jobs

    if len(jobs(overrides)) > 1:
        raise UserError("One table at a time: name one space and one data set, and devices as device=[A,B].")
    settings, options = configure(overrides)
    stated = settings.space
    space = load_space_file(stated.file) if stated.file else load_space(stated.name)
    space = space.within(stated.search_skeleton)
    if own["input"] or own["classes"]:
        if not (own["input"] and own["classes"]):
            raise UserError("Input and classes belong together: state both, input=3x32x32 classes=10, or a data set.")
        found = re.fullmatch(r"(\d+)x(\d+)x(\d+)", own["input"])
        if not found or not own["classes"].isdigit() or min(*map(int, found.groups()), int(own["classes"])) < 1:
            raise UserError(f"Expected input=CHANNELSxHEIGHTxWIDTH and a whole number of classes, got "
                            f"input={own['input']} classes={own['classes']}.")
        shape, classes = [int(size) for size in found.groups()], int(own["classes"])
    else:
        from dcanas.training import load_data

        dataset = load_data(settings.data, Path(options.root) / "cache")
        shape, classes = list(dataset.shape), len(dataset.classes)
    skeleton = space.delivered_skeleton(space.complete_skeleton(stated.final_skeleton))
    return [Asked(space, Domain.of(space, shape, classes, name, **skeleton), load_device(name), stated.file_sha256,
                  settings.seed) for name in settings.device]


def _check(overrides: list[str], display: Display) -> int:
    """Measure rows of every table of the device again; tables made under other conditions are named and left alone."""
    values: dict[str, Any] = {"device": "local-cpu", "space": ""}
    for text in overrides:
        key, _, value = text.partition("=")
        if key not in values:
            raise unknown("setting of `dcanas profile --check`", key, values)
        values[key] = value
    device = load_device(values["device"])
    require_board(device, "dcanas profile --check")
    paths = sorted(tables_folder_of(device).glob(f"{values['space'] or '*'}-*.yaml"))
    if not paths:
        raise UserError(f"{device.name} has no operation table to check{' for ' if values['space'] else ''}"
                        f"{values['space']}; `dcanas profile device={device.name} space=NAME` makes one.")
    for path in paths:
        _check_one(path, device, display)
    return 0


def _check_one(path: Path, device: Device, display: Display) -> None:
    table = load_table(path)
    stated = table_conditions(device, table.conditions.get("space_file"))
    changed = [f"{name} {table.conditions.get(name)}, now {value}" for name, value in stated.items()
               if value is not None and table.conditions.get(name) != value]
    if changed:
        display.say(f"{path} was made under other conditions ({'; '.join(changed)}): its rows are not compared; "
                    "measure a new table.")
        return
    if table.conditions.get("space_file"):
        display.say(f"{path} is of a space of one's own, whose file is not kept: not checked.")
        return
    space = load_space(table.domain.space)
    known = [op for op in operations_to_measure(space, table.domain) if table.rows.get(op.text, 0) > 0]
    rng = np.random.default_rng()
    some = [known[i] for i in sorted(rng.choice(len(known), min(CHECKED, len(known)), replace=False))]
    again = f"-check-{rng.integers(1 << 40):x}"
    with display.measuring(f"Checking {len(some)} of {len(known)} rows of {path.name}"):
        pairs = measure_operations(some, device, path.with_suffix(""), again=again)
    ratios = np.array([marginal_ms(*pairs[op.text]) / table.rows[op.text] for op in some])
    noisy = [any(profile.noisy for profile in pairs[op.text]) for op in some]
    display.table(f"{path.name}: then and now", ["operation", "ms then", "ms now", "drift", ""],
                  [[op.text, f"{table.rows[op.text]:.4g}", f"{table.rows[op.text] * r:.4g}", f"{100 * (r - 1):+.1f} %",
                    "noisy" if n else ""] for op, r, n in zip(some, ratios, noisy, strict=True)])
    drift = float(np.median(ratios) - 1)
    verdict = "the machine is too noisy now to tell" if sum(noisy) > len(some) / 2 else \
        f"the device has drifted: measure a new table (delete {path} and its folder first)" if abs(drift) > DRIFT else \
        "the table still holds"
    single = 100 * float(np.median(abs(ratios - 1)))
    display.say(f"Median drift {100 * drift:+.1f} % (single rows differ by {single:.1f} % in the median): {verdict}.")
