"""Boards, command lines and tables that are not as they should be: each ends in one sentence, or is harmless and why.

    python -m tools fuzz kind=boards count=200 seed=0 out=fuzz
    python -m tools fuzz kind=commands count=2000 seed=0 out=fuzz

boards: a scripted board answers wrongly, babbles, stalls or dies; what is believed is checked. commands:
`dcanas COMMAND --cfg` with bad values; nothing is started, what is accepted must be shown. tables: a CSV table with a
damaged byte, cell or line; what is accepted must be the numbers that were written. Every case is a line of
OUT/KIND-SEED.jsonl; the same command goes on with the first that is missing.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Literal

import numpy as np

from dcanas.basics.errors import UserError
from tools.fuzz_cases import Case, Outcome, boards, commands, tables
from tools.fuzz_files import files, older

KINDS: dict[str, Callable[[np.random.Generator, Path, int], Case]] = {
    "boards": boards, "commands": commands, "tables": tables, "files": files, "older": older}
LONGEST_S = 240.0  # that one case may take
BAD = ("traceback", "hang", "wrong", "executed")


class Hang(BaseException):
    """A case took longer than `LONGEST_S`."""


def main(*, kind: Literal["boards", "commands", "tables", "files", "older"], count: int = 200, seed: int = 0,
         out: Path = Path("fuzz")) -> None:
    """Run cases and print how they ended.

    Args:
        kind: boards, commands or tables.
        count: cases.
        seed: of all of them; case number N is the same whatever the count.
        out: folder of the report.

    Raises:
        UserError: one ended in a traceback, a hang, a result that is silently different, or was executed.
    """
    out.mkdir(parents=True, exist_ok=True)
    path, work = out / f"{kind}-{seed}.jsonl", (out / "work").absolute()
    rows = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    signal.signal(signal.SIGALRM, _hang)
    with path.open("a") as file:
        for number in range(len(rows), count):
            case = KINDS[kind](np.random.default_rng([seed, number]), work, number)
            rows.append({"number": number, **_tried(case, work)})
            file.write(json.dumps(rows[-1]) + "\n")
            file.flush()
    found = Counter((row["family"], row["outcome"]) for row in rows[:count])
    for (family, outcome), times in sorted(found.items()):
        print(f"  {family:<24}{outcome:<12}{times:>6}")
    print(f"{count} {kind}, seed {seed}: {dict(Counter(row['outcome'] for row in rows[:count]))}, the slowest "
          f"{max(row['seconds'] for row in rows[:count]):.1f} s")
    if bad := [row for row in rows[:count] if row["outcome"] in BAD]:
        raise UserError(f"{len(bad)} of {count} ended badly, the first: {json.dumps(bad[0])[:2000]}")


def _tried(case: Case, work: Path) -> dict[str, object]:
    """Return how a case ended, as a row of the report."""
    begin, before = time.monotonic(), Path.cwd()
    work.mkdir(parents=True, exist_ok=True)
    os.chdir(work)  # where a payload that is executed leaves its mark, here or in a folder of it
    signal.setitimer(signal.ITIMER_REAL, LONGEST_S)
    try:
        outcome = case.run()
    except Hang:
        outcome = Outcome("hang", "")
    except BaseException:  # whatever it is, a user would see it
        outcome = Outcome("traceback", traceback.format_exc()[-1500:])
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        os.chdir(before)
    for mark in work.rglob("executed"):
        mark.unlink()
        outcome = Outcome("executed", outcome.text)
    return {"family": case.family, "case": case.text[:500], "outcome": outcome.kind, "text": outcome.text[:1500],
            "seconds": round(time.monotonic() - begin, 2)}


def _hang(number: int, frame: FrameType | None) -> None:
    print("a case takes too long", file=sys.stderr)
    raise Hang
