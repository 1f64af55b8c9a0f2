"""Files of a run that are not as they were written: found, made again if that is cheap, never shown as if whole."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

from dcanas.basics.manifest import read_manifest

DEVICE = "derived/local-cpu"


@pytest.fixture
def copied(finished, tmp_path):
    """A finished run of one's own."""
    return shutil.copytree(finished, tmp_path / "run")


def zero_weights(path):
    model = onnx.load(str(path))
    for tensor in model.graph.initializer:
        tensor.raw_data = bytes(len(tensor.raw_data))
    onnx.save(model, str(path))


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def right_by_onnxruntime(bundle):
    """The number of right answers, counted with onnxruntime alone."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(bundle / "model.onnx"))
    with np.load(bundle / "test.npz") as test:
        logits = [session.run(None, {"image": image[None].astype(np.float32) / 255})[0] for image in test["images"]]
        return int((np.concatenate(logits).argmax(axis=1) == test["labels"]).sum())


@pytest.mark.slow
@pytest.mark.parametrize("older", [False, True])
def test_a_certificate_certifies_the_file_beside_it(dcanas, tiny, copied, older):
    folder = copied / DEVICE
    before = sha256(folder / "model.onnx")
    zero_weights(folder / "model.onnx")
    for path in (folder / "certificate.json", copied / "certificate.json"):
        path.unlink()
    if older:
        (copied / "manifest.json").unlink()
    found = dcanas("run", *tiny, f"run.dir={copied}")
    assert found.code == 0, found.err
    assert "it is made again, what was there is kept as" in found.out
    certificate = json.loads((folder / "certificate.json").read_text())
    assert certificate["sha256"] == sha256(folder / "bundle/model.onnx") == sha256(folder / "model.onnx") == before
    assert certificate["accuracy"]["correct"] == right_by_onnxruntime(folder / "bundle")
    assert certificate["sha256"] == json.loads((folder / "profile.json").read_text())["sha256"]


@pytest.mark.parametrize("name", ["weights.pt", "model.onnx", "certificate.json", "bundle/model.onnx", "train.json",
                                  "bundle/labels.txt", "profile.json", "pool.json", "architecture.json"])
def test_nothing_is_shown_of_a_damaged_run(dcanas, copied, name):
    path = copied / DEVICE / name
    path.write_bytes(path.read_bytes()[:-7])
    for arguments in (("report", f"source={copied}"), ("attack", f"source={copied}"), ("verify", copied)):
        found = dcanas(*arguments)
        assert found.code == 2, arguments
        assert name in found.out + found.err
    assert "Ship" not in found.out
    assert "Traceback" not in found.err


def test_the_shipped_bundle_is_verified_and_made_again(dcanas, tiny, copied):
    top, own = copied / "bundle", copied / DEVICE / "bundle"
    (top / "labels.txt").write_text("".join(f"{name}\n" for name in range(9, -1, -1)))
    found = dcanas("verify", copied)
    assert found.code == 2
    assert f"{top / 'labels.txt'} was changed" in found.out
    assert dcanas("report", f"source={copied}").code == 2
    found = dcanas("run", *tiny, f"run.dir={copied}")
    assert found.code == 0, found.err
    assert "what was there is kept as bundle.damaged" in found.out
    assert sha256(top / "labels.txt") == sha256(own / "labels.txt")
    assert dcanas("verify", copied).code == 0


@pytest.mark.parametrize("name", ["certificate.json", "export.json", "train.json"])
def test_files_that_no_stage_writes_without_a_manifest(dcanas, copied, name):
    (copied / "manifest.json").unlink()
    for content in ("[]", "null", '{"rows": null}', '{"a": NaN}', "[" * 100_000, ""):
        (copied / DEVICE / name).write_text(content)
        found = dcanas("report", f"source={copied}")
        assert (found.code, found.err.count("\n")) == (2, 1), (content, found.err)
        assert f"{name} is damaged" in found.err


@pytest.mark.parametrize(("name", "keys"), [
    (f"{DEVICE}/architecture.json", ("provenance", "finalists", 0, "validation_accuracy")),
    (f"{DEVICE}/train.json", ("history", 0, "loss")), ("search/scores.json", ("history", 0, "mixing", 0, 0)),
    ("search/scores.json", ("alphas", 0, 0))])
def test_a_value_of_another_kind_without_a_manifest(dcanas, copied, name, keys):
    (copied / "manifest.json").unlink()
    content = inner = json.loads((copied / name).read_text())
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = [inner[keys[-1]]]
    (copied / name).write_text(json.dumps(content))
    found = dcanas("report", f"source={copied}")
    assert (found.code, found.err.count("\n")) == (2, 1), found.err
    assert f"{name} is damaged: {keys[0]}" in found.err


@pytest.mark.slow
@pytest.mark.parametrize("name", ["certificate.json", "export.json", "train.json"])
def test_a_run_stops_at_files_that_no_stage_writes(dcanas, tiny, copied, name):
    (copied / "manifest.json").unlink()
    (copied / DEVICE / name).write_text("null")
    found = dcanas("run", *tiny, f"run.dir={copied}")
    assert (found.code, found.err.count("\n")) == (2, 1), found.err
    assert f"{name} is damaged" in found.err


@pytest.mark.slow
def test_a_damaged_bundle_is_made_again_and_kept(dcanas, tiny, copied):
    folder = copied / DEVICE
    before = {path.name: sha256(path) for path in (folder / "bundle").iterdir() if path.is_file()}
    (folder / "bundle/labels.txt").write_text("".join(f"{name}\n" for name in range(9, -1, -1)))
    found = dcanas("run", *tiny, f"run.dir={copied}")
    assert found.code == 0, found.err
    assert "bundle/labels.txt was changed (its SHA-256 is another) since the bundle was written" in found.out
    assert {path.name: sha256(path) for path in (folder / "bundle").iterdir() if path.is_file()} == before
    assert (folder / "bundle.damaged/labels.txt").read_text().startswith("9\n8\n")
    assert dcanas("verify", copied).code == 0


def test_long_work_is_made_again_only_when_asked(dcanas, tiny, copied):
    folder = copied / DEVICE
    before = sha256(folder / "weights.pt")
    (folder / "weights.pt").write_bytes((folder / "weights.pt").read_bytes()[:500])
    refused = dcanas("run", *tiny, f"run.dir={copied}")
    assert refused.code == 2
    assert "weights.pt was changed (its SHA-256 is another) since train wrote it" in refused.err
    assert "(it took " in refused.err
    assert "add run.remake=train" in refused.err
    found = dcanas("run", *tiny, f"run.dir={copied}", "run.remake=train")
    assert found.code == 0, found.err
    assert sha256(folder / "weights.pt") == before  # the same training on the same processor
    assert (folder / "weights.pt.damaged").stat().st_size == 500
    assert {result.stage for result in read_manifest(copied)} >= {"search", "derive", "train", "export", "certify"}


def test_a_changed_key_does_not_make_a_search_or_a_training_again(dcanas, tiny, copied):
    for folder in ("search", DEVICE):
        mark = copied / folder / "key.json"
        before = mark.read_text()
        mark.write_text(before.replace(before[12], "0" if before[12] != "0" else "1"))
        assert dcanas("report", f"source={copied}").code == 2
        found = dcanas("train", *tiny, f"run.dir={copied}")
        assert found.code == 0, found.err
        assert "key.json was changed since it was written: it is made again" in found.out
        assert "Train for local-cpu: done before" in found.out
        assert mark.read_text() == before
        assert not list(copied.glob("search-*")) + list(copied.glob("derived/*-*-*"))


def test_the_bundle_verifies_itself(finished, tmp_path):
    def verify(*more):
        return subprocess.run([sys.executable, tmp_path / "bundle/infer.py", "--verify", *more], capture_output=True,
                              text=True, cwd=tmp_path)

    bundle = shutil.copytree(finished / DEVICE / "bundle", tmp_path / "bundle")
    whole = verify()
    assert whole.returncode == 0, whole.stderr
    right, total = right_by_onnxruntime(bundle), json.loads((bundle / "certificate.json").read_text())["accuracy"]["n"]
    assert f"accuracy: {right} of {total} images of test.npz, {right} of {total} in the certificate." in whole.stdout
    assert "params: at most " in whole.stdout
    assert "(counted): met." in whole.stdout
    sums = dict(reversed(line.split("  ")) for line in (bundle / "SHA256SUMS").read_text().splitlines())
    assert sums == {path.name: sha256(path) for path in bundle.glob("*.*")}
    (bundle / "labels.txt").write_text((bundle / "labels.txt").read_text().replace("3\n4\n", "4\n3\n"))
    swapped = verify("--json")
    assert swapped.returncode == 2
    assert "labels.txt was changed" in swapped.stderr
    (bundle / "SHA256SUMS").write_text((bundle / "SHA256SUMS").read_text().replace(
        sums["labels.txt"], sha256(bundle / "labels.txt")))
    forged = verify()
    assert forged.returncode == 2
    assert "labels.txt does not name the classes in the order of the network's outputs." in forged.stderr


def test_an_older_run_is_shown_as_not_checked(dcanas, copied):
    (copied / "manifest.json").unlink()
    found = dcanas("report", f"source={copied}")
    assert found.code == 0, found.err
    assert "Not checked: no manifest names these results" in found.out
    assert "not checked, the run has no manifest" in dcanas("verify", copied).out


def test_certificates_follow_the_published_schema(finished):
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads((Path(__file__).parents[2] / "docs/certificate.schema.json").read_text())
    for path in (finished / "certificate.json", finished / DEVICE / "certificate.json",
                 finished / DEVICE / "bundle/certificate.json"):
        jsonschema.Draft202012Validator(schema).validate(json.loads(path.read_text()))
    broken = {**json.loads((finished / "certificate.json").read_text()), "sha256": "0"}
    assert not jsonschema.Draft202012Validator(schema).is_valid(broken)
