"""`dcanas verify DIR`: whether the files of a run or a bundle are those that were certified."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from dcanas.basics.errors import UserError
from dcanas.basics.manifest import damaged_files, read_manifest, what_happened
from dcanas.basics.typed_path import typed_path
from dcanas.export import infer
from dcanas.export.bundle import SUMS

BUNDLES = ("bundle", "derived/*/bundle", "derived/*/baseline/bundle")


def main(command: str, arguments: Sequence[str]) -> int:
    """Check a run directory by its manifest and each of its bundles, or one bundle, by its own `infer.py --verify`."""
    if len(arguments) != 1:
        raise UserError(f"dcanas verify takes one directory, of a run or of a bundle, got {len(arguments)} arguments.")
    folder = typed_path(arguments[0].removeprefix("source="))
    if not folder.is_dir():
        raise UserError(f"There is no directory {folder}; name that of a run or of a bundle.")
    is_run = (folder / "settings.yaml").is_file()
    if not is_run and not (folder / "infer.py").is_file():
        raise UserError(f"{folder} is neither a run directory (it has no settings.yaml) nor a bundle (no infer.py).")
    wrong = _run(folder) if is_run else 0
    bundles = [folder] if not is_run else sorted(path for pattern in BUNDLES for path in folder.glob(pattern))
    wrong += sum(map(_bundle, bundles))
    if wrong:
        print(f"dcanas: {folder} is not as it was certified, see above.", file=sys.stderr)
    return 2 if wrong else 0


def _run(folder: Path) -> int:
    """Hold a run against its manifest and return the number of files that are not as they were written."""
    results = read_manifest(folder)
    if not results:
        print(f"{folder}: not checked, the run has no manifest (it was made by an older version of dcanas).")
        return 0
    damaged = list(damaged_files(folder))
    for result, path in damaged:
        print(f"{path} {what_happened(path)} since {result.stage} wrote it.")
    files = sum(len(result.files) for result in results)
    print(f"{folder}: {files} files in its manifest, {len(damaged)} of them changed or missing.")
    return len(damaged)


def _bundle(folder: Path) -> int:
    """Show what a bundle says of itself and return the number of things that are wrong."""
    print(f"\n{folder}:")
    if not (folder / SUMS).is_file() and not (folder / "certificate.json").is_file():
        print(f"  not checked: there is no {SUMS} (an older version of dcanas wrote the bundle).")
        return 0
    try:
        said, wrong = infer.verify(folder)  # type: ignore[no-untyped-call]
    except infer.InputError as error:
        said, wrong = [], [str(error)]
    print("\n".join(f"  {line}" for line in [*said, *wrong]))
    return len(wrong)
