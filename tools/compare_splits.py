"""Are the splits of these folders bit by bit those of another version of dcanas?

    git worktree add ../earlier COMMIT
    python -m tools compare_splits earlier=../earlier folders=[photos/trash,photos/grocery] named=[digits]

Each version reads every set by its defaults, at 32 pixels, in a process of its own. Compared are pixels and labels of
each split, in order. Where two files have equal pixels the later version keeps them together, so splits may differ.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from dcanas.basics.errors import UserError
from dcanas.training import DataSpec, load_data
from tools.markdown import print_table

SIZE = 32
SPLITS = ("train", "validation", "test")


def main(*, earlier: Path, folders: str = "", named: str = "digits") -> None:
    """Print a row for each set of images.

    Args:
        earlier: a checkout of the other version.
        folders: of images, separated by commas.
        named: data sets by name, separated by commas.

    Raises:
        UserError: a set without equal pixels is split otherwise.
    """
    rows, wrong = [], []
    for folder, name in [*((None, name) for name in named.split(",") if name),
                         *((Path(folder).absolute(), "folder") for folder in folders.strip("[]").split(",") if folder)]:
        now, before = read(folder, name), _read_by(earlier, folder, name)
        same = {part: now[part] == before[part] for part in ("classes", *SPLITS)}
        rows.append([folder.name if folder else name, *(str(len(now[part])) for part in SPLITS), str(now["equal"]),
                     "the same" if all(same.values()) else "other: " + ", ".join(p for p in same if not same[p])])
        wrong += [rows[-1][0]] if not all(same.values()) and not now["equal"] else []
    print_table(["images", *SPLITS, "files with the pixels of another", "splits"], rows)
    if wrong:
        raise UserError(f"Split otherwise than before: {', '.join(wrong)}.")


def read(folder: Path | None, name: str) -> dict[str, Any]:
    """Return the classes of a set, hashes of pixels and label of each image by split, and how many images are copies.
    """
    dataset = load_data(DataSpec(name) if folder is None else DataSpec(name, str(folder), size=SIZE))
    found: dict[str, Any] = {
        part: [hashlib.sha256(bytes([int(dataset.labels[i])]) + dataset.images[i].tobytes()).hexdigest()
               for i in getattr(dataset, part)] for part in SPLITS}
    times = Counter(digest for part in SPLITS for digest in found[part])
    return {**found, "classes": list(dataset.classes), "equal": sum(count - 1 for count in times.values())}


def _read_by(checkout: Path, folder: Path | None, name: str) -> dict[str, Any]:
    """Return what `read` does with the package of another checkout."""
    program = (f"import importlib.util, json, pathlib; spec = importlib.util.spec_from_file_location('s', {__file__!r})"
               "; module = importlib.util.module_from_spec(spec); spec.loader.exec_module(module); "
               f"folder = {str(folder) if folder else None!r}; "
               f"print(json.dumps(module.read(folder and pathlib.Path(folder), {name!r})))")
    done = subprocess.run([sys.executable, "-c", program], cwd=checkout, capture_output=True, text=True, check=False,
                          env={**os.environ, "PYTHONPATH": str(checkout.absolute())})
    if done.returncode:
        raise UserError(f"The version in {checkout} could not read {folder or name}: {done.stderr.strip()[-300:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
