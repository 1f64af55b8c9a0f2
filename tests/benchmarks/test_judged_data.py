"""Data sets that the benchmark judges by, the user's own among them, and the prior that never saw them."""

from __future__ import annotations

import numpy as np
import pytest

from dcanas.basics.errors import UserError
from dcanas.benchmarks.benchmark import evaluate
from dcanas.benchmarks.judged_data import judged_data
from dcanas.benchmarks.table_problem import make_problem
from dcanas.cli.bench import LIMITS, main
from dcanas.costs.members import member_choices
from dcanas.spaces import load_space

SPACE = load_space("nasbench201")
LIMIT = "edgegpu.latency_ms:p50"


@pytest.fixture(scope="module", autouse=True)
def _tables(tables) -> None:
    """Everything here needs the published tables."""


def written(path, rows, header="architecture,accuracy"):
    path.write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n")
    return str(path)


def members(count):
    return [SPACE.format(SPACE.architecture(row.tolist())) for row in member_choices(SPACE)[:count]]


def test_cifar100_is_judged_by_its_own_column_under_its_own_limits(accuracy_rows, tmp_path) -> None:
    """CIFAR-100's classifier has 100 x 64 weights and 100 biases, CIFAR-10's 10 x 64 and 10: 5,850 fewer."""
    data = judged_data("cifar100")
    (row,) = evaluate(["largest_params"], [LIMIT], 1, tmp_path / "bench.jsonl", data=data)
    mine = next(r for r in accuracy_rows if r["architecture"] == row["architecture"])
    assert row["test"] == float(mine["cifar100_test"])
    assert (row["data"], row["prior"]) == ("cifar100", ["cifar10"])
    ours, theirs = (make_problem(LIMIT, judged_data(name)).sizes["params"] for name in ("cifar100", "cifar10"))
    assert (ours - theirs == 90 * 65).all()
    with pytest.raises(UserError, match="cifar100 has test accuracies only, and a baseline that trains"):
        evaluate(["random_trained"], [LIMIT], 1, tmp_path / "bench.jsonl", data=data)


def test_rows_of_another_data_set_are_no_answers(tmp_path) -> None:
    path = tmp_path / "bench.jsonl"
    rows = [evaluate(["largest_params"], [LIMIT], 1, path, data=judged_data(name))[0]
            for name in ("cifar10", "cifar100")]
    assert rows[0]["oracle"] > 90 > rows[1]["oracle"]
    assert len(path.read_text().splitlines()) == 2


def test_a_table_of_ones_own(tmp_path) -> None:
    """Only listed members compete; one's own scores and accuracies count; the prior is fitted to both published."""
    texts = members(60)
    accuracies = np.random.default_rng(0).permutation(60) + 20.0
    path = written(tmp_path / "mine.csv", [(t, a, -a) for t, a in zip(texts, accuracies, strict=True)],
                   "architecture,accuracy,synflow")
    data = judged_data(path)
    assert tuple(data.priors) == ("cifar10", "cifar100")
    assert data.own_scores == ("synflow",)
    (row,) = evaluate(["best_synflow"], ["params:2e6"], 1, tmp_path / "bench.jsonl", data=data)
    assert (row["oracle"], row["test"], row["regret"]) == (79.0, 20.0, 59.0)
    assert np.isnan(data.test).sum() == 9444 - 60


def test_a_copy_of_a_published_table_is_known_for_what_it_is(accuracy_rows, tmp_path) -> None:
    path = written(tmp_path / "copy.csv", [(r["architecture"], r["cifar10_test"]) for r in accuracy_rows[:300]])
    assert tuple(judged_data(path).priors) == ("cifar100",)
    with pytest.raises(UserError, match=r"fitted to cifar10, the data it is judged on: .* take prior=cifar100"):
        judged_data(path, "accuracy", ("cifar10",))


def test_what_is_refused(tmp_path) -> None:
    texts = members(60)
    for arguments, message in [
            (["data=cifar10", "prior=cifar10"], "it would be looking up the answer; take prior=cifar100"),
            (["prior=svhn"], "A prior is fitted to published accuracies of cifar10 or cifar100, got prior=svhn"),
            (["data=cifar11"], "There is no data set 'cifar11': data= is cifar10, cifar100, or a CSV file"),
            ([f"data={written(tmp_path / 'a.csv', [(t, 50) for t in texts[:49]])}"],
             "49 members of nasbench201 have a number in column accuracy; at least 50 are needed"),
            ([f"data={tmp_path / 'a.csv'}", "column=acuracy"],
             "Unknown column of a.csv 'acuracy'; did you mean 'accuracy'"),
            ([f"data={written(tmp_path / 'b.csv', [(t, 0.5) for t in texts])}"],
             "should be accuracies in percent, 0 to 100, and goes from 0.5 to 0.5"),
            ([f"data={written(tmp_path / 'c.csv', [('Genotype(normal=[])', 50)])}"],
             "c.csv, line 2: NAS-Bench-201 notation has 3 nodes")]:
        with pytest.raises(UserError, match=message.replace("(", r"\(").replace(")", r"\)").replace("[", r"\[")):
            main("bench", [*arguments, f"out={tmp_path / 'out'}"])


@pytest.mark.slow
@pytest.mark.parametrize(("name", "most"), [("cifar10", 0.38), ("cifar100", 0.40)])
def test_the_prior_loses_little_where_it_saw_nothing(name: str, most: float, tmp_path) -> None:
    """Mean regret over nine latency limits; exact look-up of the other data set has .37 and .49."""
    rows = evaluate(["prior"], LIMITS, 3, tmp_path / "bench.jsonl", data=judged_data(name))
    assert all(row["feasible"] and row["trainings"] == 0 for row in rows)
    assert np.mean([row["regret"] for row in rows]) <= most
