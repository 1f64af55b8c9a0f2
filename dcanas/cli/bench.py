"""`dcanas bench`: baselines x limits x seeds on published tables, in which finished searches compete."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from dcanas.basics.errors import UserError, unknown
from dcanas.basics.files import write_text
from dcanas.cli.terminal import make_console

LIMITS = tuple(f"{device}.latency_ms:p{percent}" for device in ("edgegpu", "raspi4", "eyeriss")
               for percent in (50, 25, 10))


@dataclass(frozen=True)
class Bench:
    """The options of `dcanas bench`; every value is a text as typed, lists are separated by commas."""

    baselines: str = ""  # default: all
    limits: str = ",".join(LIMITS)
    seeds: str = "5"
    reference: str = "largest_params"
    files: str = ""  # Python files that register further baselines
    runs: str = ""  # directories of finished searches
    out: str = "runs/bench"

    @classmethod
    def parse(cls, arguments: Sequence[str]) -> Bench:
        """Return the options; raises `UserError` for a key or a number of seeds that makes no sense."""
        known = [field.name for field in fields(cls)]
        values: dict[str, str] = {}
        for text in arguments:
            key, equals, value = text.partition("=")
            if not equals:
                raise UserError(f"`dcanas bench` takes key=value with {', '.join(known)}, got {text!r}.")
            if key not in known:
                raise unknown("setting of bench", key, known)
            values[key] = value
        options = cls(**values)
        if not options.seeds.isdigit() or int(options.seeds) < 1:
            raise UserError(f"seeds must be a whole number from 1, got {options.seeds!r}.")
        return options


def main(command: str, arguments: Sequence[str]) -> int:
    """Evaluate the baselines, print the leaderboard and write it to a file."""
    from dcanas.benchmarks.baselines import baselines
    from dcanas.benchmarks.benchmark import BenchmarkRow, add_file, add_run, evaluate
    from dcanas.benchmarks.leaderboard import leaderboard_markdown

    options, console, oracles = Bench.parse(arguments), make_console(), {}
    added = [name for text in _list(options.files) for name in add_file(Path(text).expanduser())]
    added += [add_run(Path(text).expanduser()) for text in _list(options.runs)]
    names = list(dict.fromkeys([*(_list(options.baselines) or baselines), *added, options.reference]))

    def on_row(row: BenchmarkRow) -> None:
        if row["limits"] not in oracles:
            oracles[row["limits"]] = row["oracle"]
            console.print(f"{row['limits']}: oracle {row['oracle']:.2f} %", soft_wrap=True)

    folder = Path(options.out).expanduser()
    rows = evaluate(names, _list(options.limits), int(options.seeds), folder / "bench.jsonl", on_row)
    text = leaderboard_markdown(rows, options.reference, " ".join(["dcanas bench", *arguments]))
    write_text(folder / "bench.md", text)
    console.print(text, markup=False, soft_wrap=True)
    console.print(f"Written to {folder / 'bench.md'}; every answer in {folder / 'bench.jsonl'}.", soft_wrap=True)
    return 0


def _list(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
