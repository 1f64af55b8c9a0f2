"""`search=zero_shot` from the command line: feasible, resumable, derived again under another budget; `rerank`."""

from __future__ import annotations

import json

import numpy as np
import pytest

SMALL = ("space.final_skeleton.channels=4", "space.final_skeleton.cells=1", "run.threads=1", "run.progress=plain",
         "search=zero_shot", "search.names=[synflow,nwot]", "search.batch_size=8", "search.evaluations=8",
         "search.population=4", "search.tournament=2")


def read(path):
    return json.loads(path.read_text())


def test_search_derive_and_derive_again(dcanas, tmp_path):
    run = tmp_path / "run"
    answer = dcanas("derive", *SMALL, f"run.dir={run}")
    assert answer.code == 0, answer.err
    found, derived = read(run / "search" / "scores.json"), read(run / "derived" / "local-cpu" / "architecture.json")
    limit = read(run / "feasibility.json")["local-cpu"]["budget"]["params"]
    assert len(found["networks"]) == 8
    assert derived["costs"]["params"]["value"] <= limit
    assert derived["provenance"]["decided_by"] == "rank aggregation of training-free scores"
    assert derived["architecture"] in {row["architecture"] for row in found["networks"]}
    stored = (run / "search" / "networks.jsonl").read_text()
    (run / "search" / "scores.json").unlink()  # as if killed after the last network
    assert dcanas("search", *SMALL, f"run.dir={run}").code == 0
    assert read(run / "search" / "scores.json") == found
    assert (run / "search" / "networks.jsonl").read_text() == stored  # nothing was scored again
    least = min(row["scores"]["synflow"] for row in found["networks"])
    assert least < max(row["scores"]["synflow"] for row in found["networks"])
    tighter = derived["costs"]["params"]["value"] - 1
    answer = dcanas("derive", f"source={run}", f"budget.params={tighter:.0f}", f"run.dir={tmp_path / 'again'}")
    if answer.code == 0:
        assert read(tmp_path / "again/derived/local-cpu/architecture.json")["costs"]["params"]["value"] <= tighter
    else:
        assert "None of the 8 networks scored is within the budget" in answer.err
    refused = dcanas("derive", f"source={run}", "search.evaluations=9", f"run.dir={tmp_path / 'other'}")
    assert refused.code == 2
    assert "search.evaluations" in refused.err


def test_the_prior_judges_every_member_within_the_limits(dcanas, tmp_path):
    """Of all 9,444 members within the limits the first by its own values; under another budget it is asked again."""
    from dcanas.costs import linear_counts
    from dcanas.costs.members import member_choices
    from dcanas.proxies.prior import load_prior
    from dcanas.spaces import load_space

    small = [text for text in SMALL if not text.startswith("search.")]
    answer = dcanas("derive", *small, "budget.params=6500", f"run.dir={tmp_path / 'run'}")
    assert answer.code == 0, answer.err
    space = load_space("nasbench201")
    choices = member_choices(space)
    params = linear_counts(space, (1, 8, 8), 10, channels=4, cells=1)["params"].values(choices)
    values = np.where(params <= 6500, load_prior().values(choices), -np.inf)
    derived = read(tmp_path / "run/derived/local-cpu/architecture.json")
    assert derived["architecture"] == space.format(space.architecture(choices[values.argmax()].tolist()))
    assert derived["provenance"]["evaluated"] == (params <= 6500).sum()
    assert derived["provenance"]["decided_by"] == "accuracies published for other images (the prior)"
    assert derived["provenance"]["fitted_to"] == ["cifar10", "cifar100"]
    assert dcanas("report", f"source={tmp_path / 'run'}").code == 0
    tighter = derived["costs"]["params"]["value"] - 1
    answer = dcanas("derive", f"source={tmp_path / 'run'}", f"budget.params={tighter:.0f}",
                    f"run.dir={tmp_path / 'again'}")
    assert answer.code == 0, answer.err
    assert read(tmp_path / "again/derived/local-cpu/architecture.json")["costs"]["params"]["value"] <= tighter


@pytest.mark.slow
def test_the_first_few_are_trained_and_the_last_one_goes_on(dcanas, tmp_path):
    """Three tried for one epoch beside three random members, one for two, of four: its training goes on at the third,
    by all images, and with another recipe it starts anew."""
    small = [text for text in SMALL if not text.startswith("search.")]
    run = tmp_path / "run"
    answer = dcanas("train", *small, "search.tried=3", "search.tried_epochs=1", "train.epochs=4", f"run.dir={run}")
    assert answer.code == 0, answer.err
    derived, trained = (read(run / "derived" / "local-cpu" / name) for name in ("architecture.json", "train.json"))
    why = derived["provenance"]
    tried = read(run / "derived" / "local-cpu" / "finalists.json")
    assert len([key for key in tried if key.endswith(", 1 epochs")]) == 6
    assert why["trust"]["text"] in answer.out.replace("\n", " ") or why["trust"]["text"][:40] in answer.out
    chosen = next(row for row in why["finalists"] if row["architecture"] == derived["architecture"])
    assert chosen == max(why["finalists"], key=lambda row: row["epochs"])
    assert len(why["finalists"]) == 3 + 3 * (not why["trust"]["trusted"])
    begun = why["begun"]["epochs"]
    assert begun == max(row["epochs"] for row in why["finalists"])
    assert f"goes on from the {begun} epochs of its short training" in answer.out
    steps = [row["step"] for row in trained["history"]]  # 1,149 and 1,438 digits in batches of 32: 36 and 45 steps
    assert steps == [*(36 * epoch for epoch in range(1, begun + 1)), *(45 * epoch for epoch in range(begun + 1, 5))]
    assert not (run / "derived" / "local-cpu" / "short-training").exists()
    assert dcanas("verify", run).code == 0
    assert dcanas("report", f"source={run}").code == 0
    answer = dcanas("train", f"source={run}", "train.epochs=1", f"run.dir={tmp_path / 'other'}")
    assert answer.code == 0, answer.err
    assert "starts anew: the data or the recipe are not those of its short training" in answer.out


@pytest.mark.slow
@pytest.mark.thorough
@pytest.mark.parametrize("extra", [
    ("space.final_skeleton.channels=4", "space.final_skeleton.cells=1"),
    ("space=mobilenetv2", "search.strategy=reinforce", "train.epochs=1", "budget.macs=p30")])
def test_the_whole_way(dcanas, tmp_path, extra):
    unread = ("space.", "search.population", "search.tournament") if "search.strategy=reinforce" in extra else "space."
    answer = dcanas("run", *[text for text in SMALL if not text.startswith(unread)], "train.epochs=2",
                    "train.batch_size=64", *extra, f"run.dir={tmp_path / 'run'}")
    assert answer.code == 0, answer.err
    certificate = read(tmp_path / "run" / "certificate.json")
    assert all(row["met"] is True for row in certificate["rows"] if row["limit"] is not None)


@pytest.mark.parametrize(("arguments", "text"), [
    (["search.names=[synflw]"], "Unknown proxy 'synflw'; did you mean 'synflow'?"),
    (["search.names=[]"], "search.names needs at least one training-free score"),
    (["search.strategy=evolve"], "got 'evolve'; did you mean 'evolution'?"),
    (["search.aggregate=borda_count"], "got 'borda_count'; did you mean 'borda'?"),
    (["search.tournament=90"], "so it must be at most 64, got 90"),
    (["search.epochs=3"], "search.epochs is a setting of search.name=differentiable or elastic or"),
    (["search.names=[jacov]", "search.batch_size=1"], "search.batch_size must be at least 2 for jacov, got 1"),
    (["search.batch_size=9"], "search.batch_size is not read with search.names=[prior]"),
    (["search.names=[prior,meco]"], "prior judges alone, beside no score (docs/results.md), got prior, meco"),
    (["search.names=[prior]", "space=resnet"], "The prior is known for nasbench201 only, not for resnet"),
])
def test_what_is_refused(dcanas, arguments, text):
    answer = dcanas("search", "search=zero_shot", *arguments)
    assert answer.code == 2
    assert text in answer.err


def test_a_pool_ordered_by_training_free_scores(dcanas, tiny, tmp_path):
    asked = [*tiny, "search.rerank=[synflow,nwot]", "search.rerank_batch_size=8", "search.pool=6",
             "search.rerank_again=[params]", "search.rerank_evaluations=18",
             "search.finalist_epochs=0", f"run.dir={tmp_path / 'run'}"]
    answer = dcanas("derive", *asked)
    assert answer.code == 0, answer.err
    derived = read(tmp_path / "run" / "derived" / "local-cpu" / "architecture.json")
    assert derived["provenance"]["reranked_by"] == ["synflow", "nwot"]
    assert derived["provenance"]["decided_by"] == "rank aggregation of training-free scores"
    assert derived["provenance"]["voted_again_by"] == ["params"]
    assert derived["provenance"]["scored"] == 18
    pool = read(tmp_path / "run" / "derived" / "local-cpu" / "pool.json")  # as the vote ordered it, random ones too
    assert (len(pool), pool[0]["architecture"]) == (18, derived["architecture"])
    params = [c["costs"]["params"] for c in pool]
    assert params[:16] == sorted(params[:16], reverse=True)
    assert [c["score"] for c in pool] == sorted((c["score"] for c in pool), reverse=True)
    assert {"random"} < {c["origin"] for c in pool}
    assert dcanas("report", f"source={tmp_path / 'run'}").code == 0
    page = (tmp_path / "run" / "report.html").read_text()
    assert "They and random members within the budget, 18 in all, were ranked by training-free scores (synflow" in page
    assert "The best of them and the largest were ranked once more (params)" in page
    assert len((tmp_path / "run" / "derived" / "local-cpu" / "rerank.jsonl").read_text().splitlines()) == 19
