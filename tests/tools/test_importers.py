"""Importers of published tables, on small files in the published layouts; a malicious file runs nothing."""

from __future__ import annotations

import bz2
import collections
import gzip
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from dcanas.basics.errors import UserError
from dcanas.hardware import load_tables
from dcanas.spaces import load_space
from dcanas.training.plain_pickle import read_plain_pickle
from tools import import_help, import_hw_nas_bench, import_nats_bench
from tools.__main__ import main
from tools.importing import write_csv

SPACE = load_space("nasbench201")


class Malicious:
    def __init__(self, mark: Path):
        self.mark = mark

    def __reduce__(self):
        return os.system, (f"touch {self.mark}",)


def hw_nas_bench(changed: dict | None = None) -> dict:
    """The official layout: space -> data -> metric -> one number per index; FBNet has look-up tables."""
    numbers = 1.0 + np.arange(15_625) / 1_000
    table = {metric: list(numbers * (k + 1)) for k, metric in enumerate(import_hw_nas_bench.METRICS)}
    table["edgetpu_latency"] = [-1.0 if i % 3 == 0 else float(v) for i, v in enumerate(numbers)]
    table["config"] = [{"arch_str": "..."}]
    return {"nasbench201": {"cifar10": {**table, **(changed or {})}, "cifar100": table},
            "fbnet": {"cifar100": {"raspi4_latency": {"k3_e1_H32": np.float64(0.5)}}}}


def test_the_official_pickle_becomes_the_tables(tmp_path, capsys):
    (tmp_path / "in.pickle").write_bytes(pickle.dumps(hw_nas_bench(), protocol=2))
    import_hw_nas_bench.main(tmp_path / "in.pickle", tmp_path)
    written = [Path(line) for line in capsys.readouterr().out.splitlines()]
    assert [p.name for p in written] == ["hw_nas_bench_cifar10.csv.gz", "hw_nas_bench_cifar100.csv.gz",
                                         "hw_nas_bench_fbnet.json"]
    costs = load_tables(folder=tmp_path)
    index = 4_000
    arch = list(SPACE.enumerate())[index]
    assert costs["raspi4.latency_ms"].value(arch) == pytest.approx(3 * (1 + index / 1_000))
    assert not costs["edgetpu.latency_ms"].available(list(SPACE.enumerate())[3])
    assert '"k3_e1_H32": 0.5' in written[2].read_text()


@pytest.mark.parametrize(("content", "words"), [
    ({"nasbench201": {"cifar10": {}}}, "lacks nasbench201/cifar10/edgegpu_latency: it is not the HW-NAS-Bench pickle"),
    ([1, 2], "lacks nasbench201: it is not"),
    (hw_nas_bench({"fpga_energy": [1.0, 2.0]}), "nasbench201/cifar10/fpga_energy has 2 numbers instead of 15,625"),
])
def test_another_pickle_is_refused(tmp_path, content, words):
    (tmp_path / "in.pickle").write_bytes(pickle.dumps(content))
    with pytest.raises(UserError) as caught:
        import_hw_nas_bench.main(tmp_path / "in.pickle", tmp_path)
    assert words in str(caught.value)
    assert not list(tmp_path.glob("*.gz"))


@pytest.mark.parametrize("protocol", range(6))
def test_a_malicious_pickle_runs_nothing(tmp_path, protocol):
    mark = tmp_path / "ran"
    content = pickle.dumps({"nasbench201": Malicious(mark)}, protocol=protocol)
    with pytest.raises(UserError, match=r"is damaged or holds more than plain numbers, texts and arrays "
                                        r"\((posix|nt)\.system\); nothing of it was executed"):
        read_plain_pickle(content, Path("in.pickle"))
    assert not mark.exists()
    pickle.loads(content)  # what the restricted reader spared us
    assert mark.exists()


@pytest.mark.parametrize("asked", ["builtins eval", "builtins getattr", "numpy load", "functools partial",
                                   "numpy.core.multiarray frombuffer", "collections namedtuple"])
def test_only_what_holds_numbers_is_admitted(asked):
    module, name = asked.split()
    with pytest.raises(UserError, match=rf"\({module}\.{name}\)"):
        read_plain_pickle(f"c{module}\n{name}\n.".encode(), Path("in.pickle"))


def test_arrays_numbers_and_containers_come_through():
    value = collections.OrderedDict(a=[1, 2.5, None, True, "x", b"y"], b=np.arange(6.0).reshape(2, 3),
                                    c=np.float32(1.5), d=(1, {2, 3}))
    for protocol in range(6):
        read = read_plain_pickle(pickle.dumps(value, protocol=protocol), Path("in.pickle"))
        np.testing.assert_array_equal(read.pop("b"), value["b"])
        assert dict(read) == {k: v for k, v in value.items() if k != "b"}
    with pytest.raises(UserError, match="is damaged"):
        read_plain_pickle(b"garbage", Path("in.pickle"))


@pytest.mark.parametrize("tool", ["help", "hw_nas_bench", "nats_bench"])
def test_a_malicious_original_runs_nothing_and_ends_with_2_and_one_sentence(tmp_path, capsys, tool):
    evil, source = Malicious(tmp_path / "ran"), tmp_path / "nasbench201"
    (source / "latency").mkdir(parents=True)
    if tool == "help":
        torch.save(evil, source / "latency/raspi4.pt")
    elif tool == "nats_bench":
        (source / "meta.pickle.pbz2").write_bytes(bz2.compress(pickle.dumps(evil)))
    else:
        source = tmp_path / "in.pickle"
        source.write_bytes(pickle.dumps(evil))
    assert main([f"import_{tool}", str(source), str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "nothing of it was executed" in error
    assert not (tmp_path / "ran").exists()


def test_as_a_command(tmp_path):
    (tmp_path / "in.pickle").write_bytes(pickle.dumps(Malicious(tmp_path / "ran")))
    done = subprocess.run([sys.executable, "-m", "tools", "import_hw_nas_bench", "in.pickle", "."], cwd=tmp_path,
                          capture_output=True, text=True, check=False,
                          env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])})
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert not (tmp_path / "ran").exists()


def _nats(test: float, other: float, valid: float) -> dict:
    """One architecture in NATS-Bench's layout: epochs -> runs by (data, seed), accuracies by split@epoch."""
    def run(**accuracies):
        return {"epochs": 200, "eval_acc1es": {f"{k.replace('_', '-')}@199": v for k, v in accuracies.items()}}

    return {"200": {"arch_index": 0, "all_results": collections.OrderedDict({
        ("cifar10", 777): run(ori_test=test - 1), ("cifar10", 888): run(ori_test=test + 1),
        ("cifar100", 777): run(x_test=other, x_valid=1.0), ("cifar10-valid", 777): run(x_valid=valid, ori_test=2.0)})}}


def test_accuracies_of_nats_bench():
    """Mean of 89 and 91 over two runs; the single runs of the others."""
    assert import_nats_bench.accuracies(_nats(90.0, 70.5, 85.25), "x") == ["90.0000", "70.5000", "85.2500"]
    broken = _nats(90.0, 70.5, 85.25)
    del broken["200"]["all_results"]["cifar100", 777]
    with pytest.raises(UserError, match=r"x has no cifar100_test \(x-test of cifar100 after 200 epochs\)"):
        import_nats_bench.accuracies(broken, "x")


def test_a_folder_of_nats_bench(tmp_path):
    texts = [SPACE.format(a) for a in SPACE.enumerate()]
    meta = tmp_path / "meta.pickle.pbz2"
    meta.write_bytes(bz2.compress(pickle.dumps({"meta_archs": texts[::-1]})))
    with pytest.raises(UserError, match="lists other architectures"):
        import_nats_bench.main(tmp_path, tmp_path)
    meta.write_bytes(bz2.compress(pickle.dumps({"meta_archs": texts})))
    with pytest.raises(UserError, match=r"000000\.pickle\.pbz2 cannot be read"):
        import_nats_bench.main(tmp_path, tmp_path)
    meta.write_bytes(bz2.compress(pickle.dumps(Malicious(tmp_path / "ran"))))
    with pytest.raises(UserError, match="nothing of it was executed"):
        import_nats_bench.main(tmp_path, tmp_path)
    assert not (tmp_path / "ran").exists()
    assert not list(tmp_path.glob("*.gz"))


def test_helps_files_become_arrays(tmp_path):
    source = tmp_path / "fbnet"
    (source / "latency").mkdir(parents=True)
    torch.save([1.5, 2.5], source / "latency/raspi4.pt")
    torch.save(torch.arange(5_000.0), source / "latency/1080ti_64.pt")
    torch.save({"arch": [{"op_idx_list": [k % 9, 8]} for k in range(5_000)]}, source / "metainfo.pt")
    with pytest.raises(UserError, match=r"raspi4\.pt has 2 latencies instead of 5,000"):
        import_help.main(source, tmp_path)
    torch.save([1.5, 2.5] * 2_500, source / "latency/raspi4.pt")
    import_help.main(source, tmp_path)
    with np.load(tmp_path / "fbnet_latency_devices.npz", allow_pickle=False) as file:
        assert file["raspi4"].tolist() == [1.5, 2.5] * 2_500
        assert file["1080ti_64"].tolist() == list(range(5_000))
        assert file["choices"][:3].tolist() == [[0, 8], [1, 8], [2, 8]]
        assert len(file["blocks"]) == 9
    torch.save(Malicious(tmp_path / "ran"), source / "latency/raspi4.pt")
    with pytest.raises(UserError, match=r"raspi4\.pt is not a file of plain numbers .*nothing of it was executed"):
        import_help.main(source, tmp_path)
    assert not (tmp_path / "ran").exists()
    with pytest.raises(UserError, match=r"must be HELP's data/nasbench201 or data/fbnet"):
        import_help.main(tmp_path, tmp_path)


def test_the_same_rows_give_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        write_csv(tmp_path / name, ["x"], [[1]])
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert gzip.decompress((tmp_path / "a").read_bytes()) == b"x\n1\n"
