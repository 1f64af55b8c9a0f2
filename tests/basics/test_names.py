"""Names: registries and what was probably meant."""

from __future__ import annotations

import pytest

from dcanas.basics.errors import UserError, nearest, unknown
from dcanas.basics.registry import Registry
from dcanas.basics.resources import resource_folder


@pytest.mark.parametrize(("name", "expected"), [
    ("nasbench", "nasbench201"), ("NASBENCH201", "nasbench201"), ("dart", "darts"), ("zzz", None), ("", None),
])
def test_nearest(name, expected):
    assert nearest(name, ["nasbench201", "darts", "fbnet"]) == expected


def test_unknown():
    assert str(unknown("space", "dart", ["darts", "fbnet"])) == "Unknown space 'dart'; did you mean 'darts'?"
    assert str(unknown("space", "zzz", ["darts", "fbnet"])) == "Unknown space 'zzz'; known: darts, fbnet."
    assert str(unknown("space", "zzz", [])) == "Unknown space 'zzz'; known: none."


def test_registry():
    shapes: Registry = Registry("shape")

    @shapes.add
    def square():
        return 4

    assert square() == 4  # the decorator leaves the function as it is
    assert shapes["square"] is square
    assert list(shapes) == ["square"]
    assert "square" in shapes
    assert "circle" not in shapes
    with pytest.raises(UserError, match=r"Unknown shape 'sqare'; did you mean 'square'\?"):
        shapes["sqare"]


def test_registry_refuses_a_taken_name():
    shapes: Registry = Registry("shape")

    def square():
        return 4

    shapes.add(square)
    shapes.add(square)  # a module imported twice

    def other():
        return 5

    other.__name__, other.__module__ = "square", "elsewhere"
    with pytest.raises(ValueError, match="shape 'square' is registered by"):
        shapes.add(other)
    assert shapes["square"] is square


def test_resources():
    assert (resource_folder("conf") / "config.yaml").is_file()
    assert (resource_folder("hardware_profiles") / "local-cpu.yaml").is_file()
    with pytest.raises(FileNotFoundError, match="neither inside the package nor beside it"):
        resource_folder("nowhere")
