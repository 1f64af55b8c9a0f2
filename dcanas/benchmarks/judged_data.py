"""What accuracies the benchmark judges by, and which others its prior may be fitted to."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np

from dcanas.basics.errors import UserError
from dcanas.basics.typed_path import typed_path
from dcanas.costs import TabularCost
from dcanas.costs.members import as_architecture, member_choices
from dcanas.hardware.latency.table_files import read_rows, tables_folder
from dcanas.proxies.columns import read_column, read_columns
from dcanas.proxies.prior import FEWEST
from dcanas.proxies.rank_aggregation import oriented
from dcanas.spaces import Architecture, Space, load_space

PUBLISHED = {"cifar10": 10, "cifar100": 100}  # data set -> classes; NATS-Bench's columns are `NAME_test`
PROXIES = ("params", "flops", "l2_norm", "synflow", "nwot", "snip", "grad_norm", "fisher", "jacov", "epe_nas", "grasp",
           "plain", "zen")
SAME = 0.005  # points of accuracy by which equal tables may differ by rounding


@dataclass(frozen=True, eq=False)
class JudgedData:
    """A data set with accuracies of members of NAS-Bench-201.

    Attributes:
        name: of the data set, or of a file of one's own with its column and a hash of its content.
        test: accuracies in percent that judge, NaN if there is none. Shape: (members,).
        validation: accuracies in percent of one training each, of all codes, or None.
        scores: training-free scores, larger is better, NaN if there is none; name -> (members,).
        chance: accuracy in percent of what must not be delivered.
        published: data set whose latencies and sizes are taken.
        priors: accuracies of other data sets in percent, NaN if there is none; name -> (members,).
    """

    name: str
    test: np.ndarray
    validation: TabularCost | None
    scores: dict[str, np.ndarray]
    chance: float
    published: str
    own_scores: tuple[str, ...] = ()
    priors: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def tables(self) -> str:
        """Where everything is from, in one sentence."""
        scores = "scores of CIFAR-10's table" + (f" but for its own {', '.join(self.own_scores)}" if self.own_scores
                                                 else "")
        prior = f"the prior is fitted to {' and '.join(self.priors)}" if self.priors else "there is no prior"
        return f"NAS-Bench-201, {self.name}; latencies of {self.published}, {scores}; {prior}."


@lru_cache(maxsize=8)
def judged_data(data: str = "cifar10", column: str = "accuracy", prior: tuple[str, ...] = ()) -> JudgedData:
    """Return the accuracies of a data set, and those that a prior may be fitted to.

    Args:
        data: "cifar10", "cifar100" (test accuracies only), or a CSV file with the column `architecture`.
        column: of the file, accuracies in percent.
        prior: data sets that a prior is fitted to; none: all published ones but the judged.

    Raises:
        UserError: a table, a column or a name is missing, fewer than 50 members are listed, the accuracies are no
            percents, or the prior is to be fitted to the judged data.
    """
    space = load_space("nasbench201")
    known = {name: _published(name) for name in PUBLISHED}
    for name in prior:
        if name not in known:
            raise UserError(f"A prior is fitted to published accuracies of {' or '.join(known)}, got prior={name}.")
    scores, own = _scores(space), {}
    if data in known:
        name, published, chance, test = data, data, 100 / PUBLISHED[data], known[data]
        same = {data}
    else:
        path = typed_path(data)
        if not path.is_file():
            raise UserError(f"There is no data set {data!r}: data= is {', '.join(known)}, or a CSV file with the "
                            "columns architecture and accuracy.")
        test = _column(space, path, column)
        name = f"{path.name}:{column}:{hashlib.sha256(path.read_bytes()).hexdigest()[:8]}"
        published, chance = "cifar10", float(np.nanmin(test))
        same = {other for other, theirs in known.items() if _same(test, theirs)}
        own = {proxy: oriented(proxy, _spread(space, values)) for proxy, values in read_columns(path, space).items()
               if proxy in PROXIES and proxy != column}
    if same & set(prior):
        raise UserError(f"The prior is to be fitted to {', '.join(sorted(same))}, the data it is judged on: it would "
                        f"be looking up the answer; take prior={' or '.join(o for o in known if o not in same)}.")
    priors = {other: theirs for other, theirs in known.items() if other not in same and (not prior or other in prior)}
    return JudgedData(name, test, _validation() if data == "cifar10" else None, scores | own, chance, published,
                      tuple(own), priors)


def _column(space: Space, path: Path, column: str) -> np.ndarray:
    values = _spread(space, read_column(path, column, space)[1])
    known = values[~np.isnan(values)]
    if len(known) < FEWEST:
        raise UserError(f"{path}: {len(known)} members of {space.name} have a number in column {column}; at least "
                        f"{FEWEST} are needed.")
    if known.min() < 0 or known.max() > 100 or known.max() <= 1:
        raise UserError(f"{path}: column {column} should be accuracies in percent, 0 to 100, and goes from "
                        f"{known.min():g} to {known.max():g}.")
    return values


def _spread(space: Space, values: Mapping[Architecture, float]) -> np.ndarray:
    return np.array([values.get(as_architecture(space, row), np.nan) for row in member_choices(space)])


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    """Return whether most accuracies that both tables have are equal."""
    off = np.abs(one - other)
    off = off[~np.isnan(off)]
    return bool(len(off)) and float(np.mean(off <= SAME)) > 0.5


@lru_cache(maxsize=4)
def _accuracies(column: str) -> dict[Architecture, float]:
    space = load_space("nasbench201")
    codes = list(space.enumerate())
    found = read_rows(tables_folder() / "nasbench201_accuracy.csv.gz", [column], [space.format(a) for a in codes])
    return dict(zip(codes, found[column].tolist(), strict=True))


@lru_cache(maxsize=2)
def _published(data: str) -> np.ndarray:
    return _spread(load_space("nasbench201"), _accuracies(f"{data}_test"))


@lru_cache(maxsize=1)
def _validation() -> TabularCost:
    table = np.empty([len(slot.options) for slot in load_space("nasbench201").slots])
    for arch, value in _accuracies("cifar10_val").items():
        table[arch.choices] = value
    return TabularCost(table, "accuracy", "%", "looked up")


@lru_cache(maxsize=1)
def _scores(space: Space) -> dict[str, np.ndarray]:
    columns = read_columns(tables_folder() / "nasbench201_proxies_cifar10.csv.gz", space)
    return {name: oriented(name, _spread(space, columns.get(name, {}))) for name in PROXIES}
