"""An interactive front: one slider per cost, and the best member within the limits that they set."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from markupsafe import Markup

from dcanas.report.amounts import share
from dcanas.report.figures.canvas import captioned
from dcanas.report.figures.fronts import fronts, places
from dcanas.report.front import JUDGED, Member, common_costs, front
from dcanas.report.html import NOTHING, grid, joined, paragraph
from dcanas.report.words import cost_words, value_words

MOST = 4  # costs that are drawn and have a slider
RING = Markup('<circle class="pick" data-cost="{}" r="7" fill="none" stroke="var(--ink)" stroke-width="2"/></svg>')
ANSWER = Markup('<p class="answer" role="status" aria-live="polite"></p>')


def front_panel(name: str, kind: str, members: Sequence[Member], limits: Mapping[str, float]) -> Markup:
    """Return figures and sliders of members that were all evaluated in the same way; nothing for fewer than two.

    Args:
        name: unique on the page.
        kind: how they were evaluated, a key of `JUDGED`.
        limits: initial positions of the sliders, by cost.
    """
    costs = sorted(common_costs(members), key=lambda cost: cost not in limits)[:MOST]
    if len(members) < 2 or not costs:
        return NOTHING
    ordered = sorted(members, key=lambda m: (-m.accuracy, [m.costs[cost] for cost in costs]))
    runs = list(dict.fromkeys(m.name for m in members))
    drawn, where = [], {}
    for cost in costs:
        drawing = fronts({run: [m for m in members if m.name == run] for run in runs}, cost, limits.get(cost))
        where[cost] = places(drawing, [(m.costs[cost], 100 * m.accuracy) for m in ordered])
        best = "; ".join(f"{_text(m, cost)} with {share(m.accuracy)}" for m in front(members, cost)[-6:])
        picture = captioned(drawing, f"front-{name}-{cost}", f"Front of {cost_words(cost)} and accuracy",
                            f"On the front: {best}.",
                            f"{cost_words(cost)}: the line is the front, the ring the choice of the sliders.")
        drawn.append(picture.replace(Markup("</svg>"), RING.format(cost)))
    text = paragraph("Set the limits: of all members that were evaluated, the best within them is chosen by its ",
                     JUDGED[kind], ".")
    return Markup('<div class="front" id="front-{}">{}{}{}{}{}</div>').format(
        name, text, _data(kind, ordered, costs, where), _sliders(ordered, costs, limits), ANSWER, grid(*drawn))


def _text(member: Member, cost: str) -> str:
    return f"{cost_words(cost)} {value_words(cost, member.costs[cost])}"


def _data(kind: str, ordered: Sequence[Member], costs: Sequence[str], where: Mapping[str, list]) -> Markup:
    values = {cost: sorted({m.costs[cost] for m in ordered}) for cost in costs}
    content = {
        "judged": JUDGED[kind], "values": values,
        "texts": {cost: [value_words(cost, v) for v in column] for cost, column in values.items()},
        "members": [{"name": m.name, "architecture": m.architecture, "accuracy": m.accuracy,
                     "costs": {cost: m.costs[cost] for cost in costs}, "told": ", ".join(_text(m, c) for c in costs),
                     "places": {cost: where[cost][i] for cost in costs}} for i, m in enumerate(ordered)]}
    safe = json.dumps(content, separators=(",", ":")).replace("<", "\\u003c")  # cannot end the element it stands in
    return Markup('<script type="application/json">{}</script>').format(Markup(safe))


def _sliders(ordered: Sequence[Member], costs: Sequence[str], limits: Mapping[str, float]) -> Markup:
    rows = []
    for cost in costs:
        values = sorted({m.costs[cost] for m in ordered})
        within = sum(value <= limits.get(cost, values[-1]) for value in values)
        control = Markup('<label><span>{3}</span><input type="range" min="0" max="{1}" value="{2}" step="1" '
                         'data-cost="{0}"><output></output></label>')
        rows.append(control.format(cost, len(values) - 1, max(within - 1, 0), cost_words(cost)))
    return Markup('<div class="sliders">{}</div>').format(joined(rows))
