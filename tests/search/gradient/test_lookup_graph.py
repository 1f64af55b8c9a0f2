"""The look-up graph on curves whose inverse is known, and built by real searches in processes."""

from __future__ import annotations

import pytest

from dcanas.basics.errors import UserError
from dcanas.basics.files import read_json
from dcanas.costs import Budget
from dcanas.search.gradient.lookup_graph import FACTORS, build, tightened


def test_the_inverse_of_a_known_curve() -> None:
    """Derived / limit = 1.25 x factor + 0.1, linear between the points too: 1 at factor 0.72."""
    points = {factor: {"params": 1.25 * factor + 0.1} for factor in FACTORS}
    assert tightened(points, Budget(params=1000))["params"] == pytest.approx(720)


def test_noise_is_made_monotone_and_every_limit_has_its_own_curve() -> None:
    """0.9 and 0.7 at 0.6 and 0.8 are pooled to 0.8; from there to 1.2 at factor 1 the curve is 1 at 0.8 + 0.2 / 2 =
    0.9. MACs keep their limit at every factor, so the loosest is taken."""
    params = dict(zip(FACTORS, (0.5, 0.9, 0.7, 1.2, 1.4), strict=True))
    points = {factor: {"params": params[factor], "macs": 0.5 * factor} for factor in FACTORS}
    found = tightened(points, Budget(params=1000, macs=100))
    assert found["params"] == pytest.approx(900)
    assert found["macs"] == pytest.approx(120)


def test_a_limit_out_of_reach_is_named() -> None:
    points = {factor: {"params": 1.1} for factor in FACTORS}
    with pytest.raises(UserError, match=r"look-up graph does not reach params=1000: searched under 0\.4 .* 1\.10"):
        tightened(points, Budget(params=1000))


def test_points_are_stored_and_not_searched_again(tmp_path) -> None:
    path, asked = tmp_path / "graph.json", []

    def under(factor: float) -> dict[str, float]:
        asked.append(factor)
        if len(asked) == 3:
            raise KeyboardInterrupt
        return {"params": factor}

    with pytest.raises(KeyboardInterrupt):
        build(under, path)
    assert list(read_json(path)) == ["0.4", "0.6"]
    assert build(under, path) == {factor: {"params": factor} for factor in FACTORS}
    assert asked == [0.4, 0.6, 0.8, 0.8, 1.0, 1.2]
