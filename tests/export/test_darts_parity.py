"""Files of DARTS networks: what they compute, hold and need, against torch and the closed form."""

from __future__ import annotations

import numpy as np
import pytest

from dcanas.costs import count_architecture
from dcanas.export import check_parity, export_onnx, peak_live_bytes, stored_weight_bytes, with_random_statistics
from dcanas.spaces import load_space

SPACE = load_space("darts")


def _check(number: int, tmp_path) -> None:
    shape, skeleton = [((3, 8, 8), {"channels": 4, "cells": 3}), ((1, 9, 13), {"channels": 5, "cells": 4}),
                       ((3, 37, 41), {"channels": 6, "cells": 3, "stem": "imagenet"})][number % 3]
    arch = SPACE.sample(np.random.default_rng(number))
    net = with_random_statistics(SPACE.build(arch, 10, shape[0], **skeleton, auxiliary=number % 2 == 0), seed=number)
    path = export_onnx(net, tmp_path / "net.onnx", shape)
    counts = count_architecture(SPACE, arch, shape, 10, **skeleton)
    assert counts.peak_bytes == peak_live_bytes(path)
    assert counts.weight_bytes == stored_weight_bytes(path)
    images = np.random.default_rng(number).random((8, *shape)).astype(np.float32)
    parity = check_parity(net, path, images)
    assert parity["max_relative_logit_error"] < 1e-5
    assert parity["top1_agreement"] == 1


def test_the_file_of_a_member(tmp_path) -> None:
    _check(0, tmp_path)


@pytest.mark.slow
@pytest.mark.thorough
@pytest.mark.parametrize("number", range(1, 20))
def test_the_files_of_nineteen_more(number: int, tmp_path) -> None:
    _check(number, tmp_path)
