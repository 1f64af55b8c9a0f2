"""The ways to keep limits during a search by gradient, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcanas.basics.registry import Registry

if TYPE_CHECKING:
    from dcanas.search.gradient.constraints import Dual

constraints: Registry[type[Dual]] = Registry("search constraint", {
    "dual": (
        "dcanas.search.gradient.constraints:Dual",
        "Every multiplier follows its violation and is never negative (dual ascent)."),
    "fixed": (
        "dcanas.search.gradient.constraints:Fixed",
        "Every multiplier is `weight`, whether its limit is kept or not: the penalty that others tune by hand."),
    "lookup_graph": (
        "dcanas.search.gradient.constraints:LookupGraph",
        "The multipliers of `dual` under limits that a look-up graph of earlier searches has tightened (DCA-NAS)."),
})
