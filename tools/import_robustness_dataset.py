"""Turns the published robustness data set's own files into the table that dcanas reads.

    uv run python tools/import_robustness_dataset.py robustness-data tables [--data cifar10]

The data set (Jung, Lukasik & Keuper, ICLR 2023) is a folder of JSON: `meta.json` (`ids`: id -> `nb201-string` and the
`isomorph` id that was evaluated; `epsilons`: key -> list, in 1/255) and `<data>/<key>_accuracy.json`
({data: {key: {"accuracy": {id: number or one number per eps}}}}), accuracies from 0 to 1. Written is
`nasbench201_robustness_<data>.csv.gz`: a row per NAS-Bench-201 code in the benchmark's order, accuracies in percent.
Only JSON is read; nothing is unpickled or executed. Corruption files have one number per severity.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import json
import sys
from pathlib import Path
from typing import Any

from dcanas.basics.errors import UserError
from dcanas.basics.files import write_bytes
from dcanas.spaces import load_space

ATTACKS = {"aa_apgd-ce@Linf": "apgd_ce", "aa_square@Linf": "square", "fgsm@Linf": "fgsm", "pgd@Linf": "pgd"}
CORRUPTIONS = ("brightness", "contrast", "defocus_blur", "elastic_transform", "fog", "frost", "gaussian_noise",
               "glass_blur", "impulse_noise", "jpeg_compression", "motion_blur", "pixelate", "shot_noise", "snow",
               "zoom_blur")


def read(path: Path) -> Any:
    """Return the content of a JSON file; raises `UserError` where it is none."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UserError(f"There is no {path}; give the folder that holds meta.json and the folders of the data sets.") \
            from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is no JSON file ({error}); fetch it again.") from error


def part(value: Any, path: Path, *keys: str) -> Any:
    """Return value[key][key]...; raises `UserError` naming the first key that is missing."""
    for key in keys:
        if not isinstance(value, dict) or key not in value:
            raise UserError(f"{path} has no entry {key!r}; it is not of the published layout.")
        value = value[key]
    return value


def percents(value: Any, count: int, path: Path, name: str) -> list[float]:
    """Return `count` accuracies in percent; raises `UserError` for anything else."""
    values = value if isinstance(value, list) else [value]
    good = [v for v in values if isinstance(v, (int, float)) and not isinstance(v, bool) and 0 <= v <= 1]
    if len(values) != count or len(good) != count:
        raise UserError(f"{path}: network {name} should have {count} accuracies from 0 to 1, found {value!r}.")
    return [100 * float(v) for v in values]


def convert(source: Path, data: str) -> tuple[list[str], list[list[str]]]:
    """Return header and rows of the table of one data set."""
    meta = read(source / "meta.json")
    space = load_space("nasbench201")
    evaluated = {}  # architecture -> the id under which it was evaluated
    for entry in part(meta, source / "meta.json", "ids").values():
        evaluated[space.parse(part(entry, source / "meta.json", "nb201-string"))] = \
            part(entry, source / "meta.json", "isomorph")
    columns: dict[str, dict[str, str]] = {}
    for key in ("clean", *ATTACKS, *CORRUPTIONS):
        path = source / data / f"{key}_accuracy.json"
        if key in CORRUPTIONS and not path.is_file():
            continue  # ImageNet16-120 has none
        found = part(read(path), path, data, key, "accuracy")
        if key == "clean":
            labels = ["clean"]
        elif key in ATTACKS:
            labels = [f"{ATTACKS[key]}_eps{float(eps)}" for eps in part(meta, source / "meta.json", "epsilons", key)]
        else:
            labels = [f"{key}_severity{k}" for k in range(1, 6)]
        for name in set(evaluated.values()):
            values = percents(part(found, path, name), len(labels), path, name)
            for label, value in zip(labels, values, strict=True):
                columns.setdefault(label, {})[name] = f"{value:.2f}"
    rows = [[str(index), space.format(arch), *(column[evaluated[arch]] for column in columns.values())]
            for index, arch in enumerate(space.enumerate()) if arch in evaluated]
    return ["index", "architecture", *columns], rows


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("destination", type=Path)
    parser.add_argument("--data", default="cifar10", choices=("cifar10", "cifar100", "ImageNet16-120"))
    options = parser.parse_args(arguments)
    try:
        header, rows = convert(options.source, options.data)
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([header, *rows])
        path = options.destination / f"nasbench201_robustness_{options.data}.csv.gz"
        write_bytes(path, gzip.compress(text.getvalue().encode(), mtime=0))
    except UserError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    print(f"{path}: {len(rows):,} networks, {len(header) - 2} accuracies each.")


if __name__ == "__main__":
    main(sys.argv[1:])
