"""Import accuracies of NATS-Bench's topology space: python tools/import_nats_bench.py DIR FOLDER

Dong et al., TPAMI 2021. DIR is the unpacked `NATS-tss-v1_0-...-simple`: meta.pickle.pbz2 and one file per architecture.
Writes nasbench201_accuracy.csv.gz: test accuracies after 200 epochs (mean over the runs) and, of training on half of
the data, the validation accuracy. The pickles are read by a restricted reader: nothing in them runs.
"""

from __future__ import annotations

import bz2
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from import_hw_nas_bench import write_csv
from importing import run_importer
from restricted import read_pickle

from dcanas.basics.errors import UserError
from dcanas.spaces import load_space

EPOCHS = "200"
COLUMNS = {"cifar10_test": ("cifar10", "ori-test"), "cifar100_test": ("cifar100", "x-test"),
           "cifar10_val": ("cifar10-valid", "x-valid")}  # column -> (data set of the runs, split evaluated)


def import_folder(source: Path, folder: Path) -> Path:
    """Return the file written; raises `UserError` naming the file that is missing or no plain data."""
    space = load_space("nasbench201")
    texts = [space.format(arch) for arch in space.enumerate()]
    published = list(_read(source / "meta.pickle.pbz2")["meta_archs"])
    if published != texts[:len(published)] or len(published) != len(texts):
        raise UserError(f"{source}/meta.pickle.pbz2 lists other architectures than NAS-Bench-201's {len(texts):,}.")
    rows = [[i, text, *accuracies(_read(source / f"{i:06d}.pickle.pbz2"), f"{source}/{i:06d}.pickle.pbz2")]
            for i, text in enumerate(texts)]
    path = folder / "nasbench201_accuracy.csv.gz"
    write_csv(path, ["index", "architecture", *COLUMNS], rows)
    return path


def accuracies(content: Any, where: str) -> list[str]:
    """Return the columns of one architecture, in per cent with 4 digits."""
    found = []
    for column, (data, split) in COLUMNS.items():
        try:
            runs = content[EPOCHS]["all_results"]
            values = [_last(result, split) for (name, _), result in runs.items() if name == data]
            found.append(f"{sum(values) / len(values):.4f}")
        except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
            raise UserError(f"{where} has no {column} ({split} of {data} after {EPOCHS} epochs): it is not a file of "
                            "NATS-Bench's topology space.") from error
    return found


def _last(result: Mapping[str, Any], split: str) -> float:
    return float(result["eval_acc1es"][f"{split}@{int(result['epochs']) - 1}"])


def _read(path: Path) -> Any:
    try:
        return read_pickle(bz2.decompress(path.read_bytes()), str(path))
    except (OSError, ValueError, EOFError) as error:
        raise UserError(f"{path} cannot be read ({error}); unpack the published archive again.") from error


if __name__ == "__main__":
    sys.exit(run_importer(__doc__, lambda source, folder: [import_folder(source, folder)]))
