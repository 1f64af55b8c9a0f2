"""`dcanas bench`: baselines and finished searches x limits x seeds on published tables."""

from __future__ import annotations

from collections.abc import Sequence

from dcanas.basics.errors import UserError
from dcanas.basics.files import write_text
from dcanas.basics.typed_path import typed_path
from dcanas.cli.key_values import key_values
from dcanas.cli.terminal import make_console

LIMITS = tuple(f"{device}.latency_ms:p{percent}" for device in ("edgegpu", "raspi4", "eyeriss")
               for percent in (50, 25, 10))


DEFAULTS = {  # lists are separated by commas
    "data": "cifar10",  # or cifar100, or a CSV file with the column architecture
    "column": "accuracy",  # of such a file, in percent
    "prior": "",  # data sets whose accuracies the prior is fitted to; all published ones but the judged
    "baselines": "",  # all
    "limits": ",".join(LIMITS),
    "seeds": "5",
    "reference": "largest_params",
    "files": "",  # Python files that register further baselines
    "runs": "",  # directories of finished searches
    "out": "runs/bench",
}


def main(command: str, arguments: Sequence[str]) -> int:
    """Evaluate the baselines, print the leaderboard and write it to a file."""
    from dcanas.benchmarks.baselines import TRAINED, baselines
    from dcanas.benchmarks.benchmark import Row, add_file, add_run, evaluate
    from dcanas.benchmarks.judged_data import judged_data
    from dcanas.benchmarks.leaderboard import leaderboard_markdown

    options, console, oracles = key_values("bench", arguments, DEFAULTS), make_console(), {}
    seeds, reference = options["seeds"], options["reference"]
    if not seeds.isdigit() or int(seeds) < 1:
        raise UserError(f"seeds must be a whole number from 1, got {seeds!r}.")
    added = [name for text in _list(options["files"]) for name in add_file(typed_path(text))]
    added += [add_run(typed_path(text)) for text in _list(options["runs"])]
    data = judged_data(options["data"], options["column"], tuple(_list(options["prior"])))
    played = [name for name in baselines if data.validation is not None or name not in TRAINED]
    names = list(dict.fromkeys([*(_list(options["baselines"]) or played), *added, reference]))

    def on_row(row: Row) -> None:
        if row["limits"] not in oracles:
            oracles[row["limits"]] = row["oracle"]
            console.print(f"{row['limits']}: oracle {row['oracle']:.2f} %", soft_wrap=True)

    folder = typed_path(options["out"])
    rows = evaluate(names, _list(options["limits"]), int(seeds), folder / "bench.jsonl", on_row, data)
    text = leaderboard_markdown(rows, reference, " ".join(["dcanas bench", *arguments]), data.tables)
    write_text(folder / "bench.md", text)
    console.print(text, markup=False, soft_wrap=True)
    console.print(f"Written to {folder / 'bench.md'}; every answer in {folder / 'bench.jsonl'}.", soft_wrap=True)
    return 0


def _list(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
