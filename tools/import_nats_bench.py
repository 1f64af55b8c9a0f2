"""Import accuracies of NATS-Bench's topology space (Dong et al., TPAMI 2021).

    python -m tools import_nats_bench DIR FOLDER

DIR is the unpacked `NATS-tss-v1_0-...-simple`: meta.pickle.pbz2 and one file per architecture.
Writes nasbench201_accuracy.csv.gz: test accuracies after 200 epochs (mean over the runs) and, of training on half of
the data, the validation accuracy. The pickles are read by a restricted reader: nothing in them runs.
"""

from __future__ import annotations

import bz2
from pathlib import Path
from typing import Any

from dcanas.basics.errors import UserError
from dcanas.training.plain_pickle import read_plain_pickle
from tools.importing import notations, write_csv

EPOCHS = "200"
COLUMNS = {"cifar10_test": ("cifar10", "ori-test"), "cifar100_test": ("cifar100", "x-test"),
           "cifar10_val": ("cifar10-valid", "x-valid")}  # column -> (data set of the runs, split evaluated)


def main(source: Path, folder: Path) -> None:
    """Write the table; raises `UserError` naming the file that is missing or no plain data.

    Args:
        source: the unpacked benchmark
        folder: where the table goes
    """
    texts = notations()
    if list(_read(source / "meta.pickle.pbz2")["meta_archs"]) != texts:
        raise UserError(f"{source}/meta.pickle.pbz2 lists other architectures than NAS-Bench-201's {len(texts):,}.")
    files = [source / f"{i:06d}.pickle.pbz2" for i in range(len(texts))]
    rows = [[i, text, *accuracies(_read(path), str(path))]
            for i, (text, path) in enumerate(zip(texts, files, strict=True))]
    write_csv(folder / "nasbench201_accuracy.csv.gz", ["index", "architecture", *COLUMNS], rows)


def accuracies(content: Any, where: str) -> list[str]:
    """Return the columns of one architecture, in percent with 4 digits."""
    found = []
    for column, (data, split) in COLUMNS.items():
        try:
            values = [float(run["eval_acc1es"][f"{split}@{int(run['epochs']) - 1}"])
                      for (name, _), run in content[EPOCHS]["all_results"].items() if name == data]
            found.append(f"{sum(values) / len(values):.4f}")
        except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
            raise UserError(f"{where} has no {column} ({split} of {data} after {EPOCHS} epochs): it is not a file of "
                            "NATS-Bench's topology space.") from error
    return found


def _read(path: Path) -> Any:
    try:
        return read_plain_pickle(bz2.decompress(path.read_bytes()), path)
    except (OSError, ValueError, EOFError) as error:
        raise UserError(f"{path} cannot be read ({error}); unpack the published archive again.") from error
