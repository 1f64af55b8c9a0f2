"""Metrics against scikit-learn and against arithmetic by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from sklearn import metrics
from torch import nn

from dcanas.training import DataSpec, load_data, predict, summarise
from dcanas.training.confusion import packed_confusion, unpacked_confusion


def test_summary_equals_scikit_learn():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, 300)
    guesses = np.where(rng.random(300) < 0.7, labels, rng.integers(0, 4, 300))
    found = summarise(labels, guesses, ("a", "b", "c", "d"))
    assert found["accuracy"] == pytest.approx(metrics.accuracy_score(labels, guesses))
    assert found["balanced_accuracy"] == pytest.approx(metrics.balanced_accuracy_score(labels, guesses))
    assert found["confusion"] == metrics.confusion_matrix(labels, guesses).tolist()
    assert list(found["per_class_recall"].values()) == pytest.approx(
        metrics.recall_score(labels, guesses, average=None))
    assert (found["n"], found["correct"]) == (300, int((labels == guesses).sum()))


def test_a_class_without_images_has_no_recall():
    found = summarise(np.array([0, 0, 1]), np.array([0, 2, 1]), ("a", "b", "c"))
    assert found["per_class_recall"] == {"a": 0.5, "b": 1.0, "c": None}
    assert found["balanced_accuracy"] == 0.75


def test_predict_is_plain_evaluation_in_order():
    data = load_data(DataSpec())
    network = nn.Sequential(nn.BatchNorm2d(1), nn.Flatten(), nn.Dropout(0.5), nn.Linear(64, 10)).train()
    logits = predict(network, data, data.test[::-1], batch_size=100)
    assert network.training
    network.eval()
    with torch.inference_mode():
        images = data.images[data.test[::-1]].astype(np.float32) / np.float32(255)
        expected = network(torch.from_numpy(images))
    np.testing.assert_allclose(logits, expected.numpy(), rtol=1e-5, atol=1e-6)
    assert int(network[0].num_batches_tracked) == 0


def test_a_stored_confusion_matrix_of_many_classes_is_small():
    rng = np.random.default_rng(0)
    table = np.zeros((1000, 1000), int)
    np.add.at(table, (rng.integers(0, 1000, 50_000), rng.integers(0, 1000, 50_000)), 1)
    stored = packed_confusion(table.tolist())
    assert unpacked_confusion(json.loads(json.dumps(stored))) == table.tolist()
    assert len(json.dumps(stored, indent=2)) < 1.2e6  # 50,000 lines of at most 22 characters; all cells: 9 MB
    few = [[3, 1], [0, 2]]
    assert unpacked_confusion(packed_confusion(few)) == packed_confusion(few) == few
