"""`dcanas bench`: the referee on published tables, strategies x limits x seeds, with the blunt rules beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from dcanas.basics.errors import UserError, unknown
from dcanas.basics.files import write_text
from dcanas.benchmarks.baselines import contestants
from dcanas.benchmarks.referee import Row, Standing, add_file, add_run, compete, standings
from dcanas.cli.terminal import make_console

LIMITS = tuple(f"{device}.latency_ms:p{percent}" for device in ("edgegpu", "raspi4", "eyeriss")
               for percent in (50, 25, 10))


@dataclass(frozen=True)
class Bench:
    """What `dcanas bench` is asked; every value is a text as typed, lists are separated by commas."""

    contestants: str = ""  # default: all
    limits: str = ",".join(LIMITS)
    seeds: str = "5"
    reference: str = "largest_params"
    files: str = ""  # Python files that register further contestants
    runs: str = ""  # directories of finished searches
    out: str = "runs/bench"

    @classmethod
    def parse(cls, arguments: list[str]) -> Bench:
        """Raises `UserError` for a key that does not exist."""
        known = [field.name for field in fields(cls)]
        values: dict[str, Any] = {}
        for text in arguments:
            key, equals, value = text.partition("=")
            if not equals:
                raise UserError(f"`dcanas bench` takes key=value with {', '.join(known)}, got {text!r}.")
            if key not in known:
                raise unknown("setting of bench", key, known)
            values[key] = value
        return cls(**values)


def main(command: str, arguments: Sequence[str]) -> int:
    asked = Bench.parse(arguments)
    added = [name for text in _list(asked.files) for name in add_file(Path(text).expanduser())]
    added += [add_run(Path(text).expanduser()) for text in _list(asked.runs)]
    names = list(dict.fromkeys([*(_list(asked.contestants) or contestants), *added, asked.reference]))
    if not asked.seeds.isdigit() or int(asked.seeds) < 1:
        raise UserError(f"seeds must be a whole number from 1, got {asked.seeds!r}.")
    folder = Path(asked.out).expanduser()
    rows = compete(names, _list(asked.limits), int(asked.seeds), folder / "bench.jsonl", _told())
    text = report(rows, asked.reference, f"dcanas bench {' '.join(arguments)}".strip())
    write_text(folder / "bench.md", text)
    make_console().print(text, markup=False, soft_wrap=True)
    make_console().print(f"Written to {folder / 'bench.md'}; every answer in {folder / 'bench.jsonl'}.", soft_wrap=True)
    return 0


def report(rows: list[Row], reference: str, command: str) -> str:
    """Return the tables in Markdown."""
    limits = list(dict.fromkeys(row["limits"] for row in rows))
    seeds = len({row["seed"] for row in rows})
    table = standings(rows, reference)
    lines = [f"    {command}", "", f"NAS-Bench-201, CIFAR-10, published tables; {len(limits)} sets of limits, {seeds} "
             "seeds. Regret: points of test accuracy to the best feasible network. Differences (negative is better) "
             f"are paired with {reference}, with a 95 % interval over limits.", "",
             "| contestant | feasible | mean regret | difference (95 %) | trainings | seconds |",
             "|---|---|---|---|---|---|"]
    lines += [_line(each) for each in table]
    lines += ["", f"| limits | oracle | {' | '.join(each.contestant for each in table)} |",
              f"|---|---|{'---|' * len(table)}"]
    for text in limits:
        of = [row for row in rows if row["limits"] == text]
        mean = {each.contestant: [row["test"] for row in of if row["contestant"] == each.contestant]
                for each in table}
        lines.append(f"| {text} | {of[0]['oracle']:.2f} | "
                     + " | ".join(f"{sum(values) / len(values):.2f}" for values in mean.values()) + " |")
    return "\n".join(lines) + "\n"


def _line(each: Standing) -> str:
    low, high = each.interval
    spread = f" ({low:+.2f} to {high:+.2f})" if low == low else ""
    return (f"| {each.contestant} | {each.feasible}/{each.played} | {each.regret:.2f} | {each.difference:+.2f}{spread} "
            f"| {each.trainings:.0f} | {each.seconds:.2f} |")


def _told() -> Any:
    console, seen = make_console(), set()

    def tell(row: Row) -> None:
        if row["limits"] not in seen:
            seen.add(row["limits"])
            console.print(f"{row['limits']}: oracle {row['oracle']:.2f} %", soft_wrap=True)

    return tell


def _list(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
