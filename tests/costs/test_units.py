"""Limits with units: decimal and binary prefixes exactly, and nothing of another kind."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcanas.basics.errors import UserError
from dcanas.costs import COSTS, Budget, explain_limit, parse_limit
from dcanas.costs.units import cost_unit

DECIMAL = {"k": 1_000, "M": 1_000_000, "G": 1_000_000_000}
BINARY = {"Ki": 1_024, "Mi": 1_048_576, "Gi": 1_073_741_824}
WRITTEN = [  # what is written, for which cost, what it is
    ("500 kB", "weight_bytes", 500_000), ("500 KiB", "weight_bytes", 512_000), ("500KB", "peak_bytes", 500_000),
    ("500 kiB", "weight_bytes", 512_000), ("1.5 MiB", "weight_bytes", 1_572_864), ("64 B", "peak_bytes", 64),
    ("0.5M", "params", 500_000), ("0.5M", "macs", 500_000), ("120K", "params", 120_000), ("2e6", "params", 2_000_000),
    ("1.5 MMACs", "macs", 1_500_000), ("3 MFLOPs", "macs", 1_500_000), ("0.6 GFLOPs", "macs", 300_000_000),
    ("8 ms", "latency_ms", 8), ("0.008 s", "latency_ms", 8), ("250us", "latency_p95_ms", 0.25), (8, "latency_ms", 8),
    ("30 fps", "latency_ms", 1000 / 30), ("0.5 fps", "latency_ms", 2000), ("8 ms", "eyeriss.latency_ms", 8),
    ("3 mJ", "energy_mj", 3), ("0.003 J", "energy_mj", 3), ("40 %", "robust_accuracy_min", 0.4), (" 7 ", "params", 7),
]
REFUSED = [  # another kind, a bit for a byte, milli for mega, a rate of single runs, a rate of operations
    ("500 kB", "params"), ("8 ms", "weight_bytes"), ("3 MMACs", "params"), ("8 ms", "macs"), ("3 mJ", "latency_ms"),
    ("500 kb", "weight_bytes"), ("500k", "weight_bytes"), ("5 mB", "weight_bytes"), ("0.5m", "params"),
    ("3 MJ", "energy_mj"), ("30 fps", "latency_p95_ms"), ("3 GFLOPS", "macs"), ("5 %", "params"),
    ("-5 kB", "peak_bytes"), ("0 ms", "latency_ms"), ("1e300 GB", "weight_bytes"), ("1e-99999999 s", "latency_ms"),
    ("nan ms", "latency_ms"), ("kB", "weight_bytes"), ("", "params"), ("1,000", "params"), ("p45", "params"),
    ("5 kB 6", "weight_bytes"),
    (float("nan"), "params"), (True, "params"), (None, "params"), (["5 kB"], "weight_bytes")]


@pytest.mark.parametrize(("text", "name", "value"), WRITTEN)
def test_what_is_written_is_what_is_meant(text, name, value) -> None:
    assert parse_limit(name, text) == value
    assert Budget({name: text})[name] == value


@pytest.mark.parametrize(("text", "name"), REFUSED)
def test_a_unit_of_another_kind_is_refused_with_those_that_are_allowed(text, name) -> None:
    with pytest.raises(UserError, match=rf"^The limit on {name} must be a positive finite number") as refused:
        parse_limit(name, text)
    assert repr(text) in str(refused.value)


def test_the_sentence_names_the_units() -> None:
    with pytest.raises(UserError, match=r"positive finite number of bytes, or one with a unit \(B, kB, MB, GB, KiB, "
                                        r"MiB, GiB\), got '8 ms'\.$"):
        parse_limit("weight_bytes", "8 ms")
    with pytest.raises(UserError, match="Unknown cost 'latency'; did you mean 'latency_ms'"):
        parse_limit("latency", "8 ms")


@pytest.mark.parametrize(("name", "meant"), [
    ("fps", "latency_ms"), ("flops", "macs"), ("size", "weight_bytes"), ("ram", "peak_bytes"), ("ms", "latency_ms"),
    ("flash", "weight_bytes"), ("parms", "params"), ("energy", "energy_mj"), ("MB", "weight_bytes")])
def test_an_unknown_cost_is_answered_by_what_was_meant(name, meant) -> None:
    with pytest.raises(UserError, match=f"Unknown cost '{name}'; did you mean '{meant}'"):
        cost_unit(name)


@pytest.mark.parametrize("name", ["accuracy", "gpu", "foo", "mac_address", ""])
def test_no_cost_of_another_unit_is_suggested(name) -> None:
    with pytest.raises(UserError, match=r"^Unknown cost") as refused:
        cost_unit(name)
    assert "did you mean" not in str(refused.value)


@given(st.decimals(min_value="0.001", max_value="1000000", places=3), st.sampled_from([*DECIMAL, *BINARY]),
       st.sampled_from(["", " ", "  "]))
def test_prefixes_are_exact(number: Decimal, prefix: str, space: str) -> None:
    """Decimal arithmetic rounds nothing here; the limit is the float nearest to its result."""
    assert parse_limit("weight_bytes", f"{number}{space}{prefix}B") == float(number * (DECIMAL | BINARY)[prefix])


@given(st.floats(min_value=1e-300, max_value=1e300), st.sampled_from(sorted(COSTS)))
def test_numbers_are_in_base_units(number: float, name: str) -> None:
    assert parse_limit(name, number) == parse_limit(name, repr(number)) == number


@given(st.floats(min_value=1e-3, max_value=1e4))
def test_a_rate_is_the_time_of_one_image(rate: float) -> None:
    assert parse_limit("latency_ms", f"{rate!r} fps") == pytest.approx(1000 / rate, rel=1e-15)


def test_what_is_meant_is_told() -> None:
    assert explain_limit("weight_bytes", "500 kB") == \
        "budget.weight_bytes: 500 kB = 500,000 bytes (weights stored in the exported file)"
    assert explain_limit("latency_ms", "30 fps") == "budget.latency_ms: 30 fps = 33.3333 ms (median latency at batch 1)"
    assert explain_limit("macs", "1 GFLOPs").startswith("budget.macs: 1 GFLOPs = 500,000,000 MACs (multiply-acc")
    assert explain_limit("params", "0.5M") == "budget.params: 0.5M = 500,000 (trainable parameters)"
    assert [explain_limit("params", limit) for limit in (5, 2e6, "2e6", "p45", None)] == [None] * 5
