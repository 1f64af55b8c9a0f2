"""Keys and seeds belong to what they are made of, everywhere and for ever."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from dataclasses import dataclass

from dcanas.basics.keys import derive_seed, key_of, plain


@dataclass(frozen=True)
class Point:
    x: int
    label: tuple[str, ...]


def test_seed_is_the_first_63_bits_of_the_hash():
    assert derive_seed(0, "order", 3) == int(hashlib.sha256(b'[0, "order", 3]').hexdigest()[:16], 16) >> 1


def test_seed_is_the_same_in_other_processes():
    program = "from dcanas.basics.keys import derive_seed; print(derive_seed(7, 'augment', 2, 5))"
    for salt in ("0", "1"):  # of Python's own hash, which must not matter
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True,
                              env={**os.environ, "PYTHONHASHSEED": salt})
        assert int(done.stdout) == derive_seed(7, "augment", 2, 5)


def test_seeds_differ_by_every_part():
    seeds = {derive_seed(seed, purpose, epoch, step) for seed in range(5) for purpose in ("order", "augment")
             for epoch in range(5) for step in range(5)}
    assert len(seeds) == 5 * 2 * 5 * 5
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_keys():
    assert key_of({"a": 1, "b": 2}) == key_of({"b": 2, "a": 1})  # the order of settings means nothing
    assert key_of([1, 2]) != key_of([2, 1])
    assert key_of(Point(1, ("a",))) == key_of({"x": 1, "label": ["a"]})
    assert key_of(Point(1, ("a",))) != key_of(Point(1, ("b",)))
    assert key_of("1") != key_of(1)
    assert len(key_of()) == 12


def test_plain():
    assert plain({"p": Point(1, ("a", "b")), 3: (None,)}) == {"p": {"x": 1, "label": ["a", "b"]}, "3": [None]}
