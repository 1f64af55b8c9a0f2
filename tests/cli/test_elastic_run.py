"""`space=mobilenetv2` from the command line: chosen search, refusals, and a whole run to the certificate."""

import json

import pytest

TINY = ("space=mobilenetv2", "space.final_skeleton.reference=16", "space.search_skeleton.stem=8",
        "space.search_skeleton.expansion=2", "space.search_skeleton.width=[[8],[16],[16],[24],[24],[32],[32,48]]",
        "space.search_skeleton.depth=1", "space.search_skeleton.kernel=[3,5]", "space.search_skeleton.head=[32,64]",
        "search.epochs=1", "search.batch_size=256", "search.random_members=1", "search.evaluations=12",
        "search.population=6", "search.tournament=3", "search.finalists=2", "search.finalist_epochs=1",
        "train.epochs=1", "train.batch_size=256", "run.threads=1", "run.progress=plain")


@pytest.mark.parametrize(("arguments", "message"), [
    (("space=mobilenetv2", "search=differentiable"),
     "Space mobilenetv2 has no supernet that mixes candidates by slot, which search=differentiable trains; "
     "use search=elastic."),
    (("search=elastic",), "Space nasbench201 has no elastic supernet; use search=differentiable or another space."),
    (("space=mobilenetv2", "search.evaluation=3"),
     "Unknown setting 'search.evaluation'; did you mean 'search.evaluations'?"),
    (("space=mobilenetv2", "search.pool=3"), "search.pool is a setting of search.name=differentiable"),
    (("space=mobilenetv2", "space.search_skeleton.head=9"),
     "space.search_skeleton.head: 9 is no option of head, which has 8 to 1792."),
    (("space=mobilenetv2", "space.final_skeleton.reference=8"), "too small for the strides of mobilenetv2"),
    (("space=mobilenetv2", "budget.params=1000"), "Nothing in mobilenetv2 is within the budget: params <= 1,000 binds"),
])
def test_what_cannot_be_searched_is_told_in_one_sentence(arguments, message, dcanas, tmp_path):
    answer = dcanas("search", *arguments, f"run.dir={tmp_path / 'run'}")
    assert answer.code == 2
    assert message in answer.err
    assert answer.err.count("\n") == 1


@pytest.mark.slow
def test_from_digits_to_the_certificate_and_on_to_another_budget(dcanas, tmp_path):
    run, second = tmp_path / "run", tmp_path / "second"
    answer = dcanas("run", *TINY, "budget.params=20500", f"run.dir={run}")
    assert answer.code == 0, answer.err
    certificate = json.loads((run / "certificate.json").read_text())
    params = next(row for row in certificate["rows"] if row["name"] == "params")
    assert params["met"] is True
    assert params["measured"] == params["predicted"] <= 20500
    derived = json.loads((run / "derived" / "local-cpu" / "architecture.json").read_text())
    assert derived["provenance"]["pool"] == 12
    assert derived["provenance"]["method"] == "ageing evolution over an elastic supernet"
    answer = dcanas("derive", f"source={run}", "budget.params=18500", f"run.dir={second}", "run.progress=plain")
    assert answer.code == 0, answer.err
    assert (second / "search" / "supernet.pt").read_bytes() == (run / "search" / "supernet.pt").read_bytes()
    other = json.loads((second / "derived" / "local-cpu" / "architecture.json").read_text())
    assert other["costs"]["params"]["value"] <= 18500
