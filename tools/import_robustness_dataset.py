"""Import the published robustness data set of NAS-Bench-201 (Jung, Lukasik & Keuper, ICLR 2023).

    python -m tools import_robustness_dataset robustness-data tables [data=cifar10]

The data set is a folder of JSON: `meta.json` (`ids`: id -> `nb201-string` and the `isomorph` id that was evaluated;
`epsilons`: key -> list, in 1/255) and `<data>/<key>_accuracy.json` ({data: {key: {"accuracy": {id: number or one number
per eps}}}}), accuracies from 0 to 1. Corruption files have one number per severity. Written is
`nasbench201_robustness_<data>.csv.gz`: a row per NAS-Bench-201 code in the benchmark's order, accuracies in percent.
Only JSON is read; nothing is unpickled or executed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from dcanas.basics.errors import UserError
from dcanas.spaces import load_space
from tools.importing import entry, write_csv

ATTACKS = {"aa_apgd-ce@Linf": "apgd_ce", "aa_square@Linf": "square", "fgsm@Linf": "fgsm", "pgd@Linf": "pgd"}
CORRUPTIONS = ("brightness", "contrast", "defocus_blur", "elastic_transform", "fog", "frost", "gaussian_noise",
               "glass_blur", "impulse_noise", "jpeg_compression", "motion_blur", "pixelate", "shot_noise", "snow",
               "zoom_blur")
PUBLISHED = "of the published layout"


def main(source: Path, folder: Path, *, data: Literal["cifar10", "cifar100", "ImageNet16-120"] = "cifar10") -> None:
    """Write the table; raises `UserError` naming file and entry that cannot be used.

    Args:
        source: the folder that holds meta.json
        folder: where the table goes
    """
    path = source / "meta.json"
    meta, space = _read(path), load_space("nasbench201")
    evaluated = {space.parse(entry(network, path, ["nb201-string"], PUBLISHED)): entry(
        network, path, ["isomorph"], PUBLISHED) for network in entry(meta, path, ["ids"], PUBLISHED).values()}
    labels = {"clean": ["clean"], **{key: [f"{name}_eps{float(eps)}" for eps in entry(
        meta, path, ["epsilons", key], PUBLISHED)] for key, name in ATTACKS.items()},
        **{key: [f"{key}_severity{k}" for k in range(1, 6)] for key in CORRUPTIONS}}
    columns: dict[str, dict[str, str]] = {}
    for key, names in labels.items():
        path = source / data / f"{key}_accuracy.json"
        if key in CORRUPTIONS and not path.is_file():
            continue  # ImageNet16-120 has none
        found = entry(_read(path), path, [data, key, "accuracy"], PUBLISHED)
        for network in set(evaluated.values()):
            values = _percents(entry(found, path, [network], PUBLISHED), len(names), path, network)
            for name, value in zip(names, values, strict=True):
                columns.setdefault(name, {})[network] = f"{value:.2f}"
    rows = [[index, space.format(arch), *(column[evaluated[arch]] for column in columns.values())]
            for index, arch in enumerate(space.enumerate()) if arch in evaluated]
    write_csv(folder / f"nasbench201_robustness_{data}.csv.gz", ["index", "architecture", *columns], rows)


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UserError(f"There is no {path}; give the folder that holds meta.json and the folders of the data sets.") \
            from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is not a JSON file ({error}); fetch it again.") from error


def _percents(value: Any, count: int, path: Path, network: str) -> list[float]:
    """Return `count` accuracies in percent; raises `UserError` for anything else."""
    values = value if isinstance(value, list) else [value]
    good = [v for v in values if isinstance(v, (int, float)) and not isinstance(v, bool) and 0 <= v <= 1]
    if len(values) != count or len(good) != count:
        raise UserError(f"{path}: network {network} should have {count} accuracies from 0 to 1, found {value!r}.")
    return [100 * float(v) for v in values]
