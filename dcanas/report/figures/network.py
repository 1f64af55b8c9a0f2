"""Drawings of networks: a cell as a table of edges, a whole network as the sizes its blocks work at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from dcanas.report.figures.canvas import FAINT, GRID, HEAT, INK, PAPER, SERIES, SHADE, axes, styled
from dcanas.spaces.plan import Block


@styled
def cell(nodes: Sequence[str], edges: Sequence[tuple[int, int, str]]) -> Figure:
    """Return a cell: nodes are columns from input to output, every used edge is an arrow on a line of its own.

    edges: (source, target, operation). No line crosses a label, however many edges there are.
    """
    figure, axis = axes(height=0.27 * len(edges) + 0.75)
    for i, name in enumerate(nodes):
        axis.plot([i, i], [-0.4, len(edges) + 0.1], color=GRID, linewidth=1.2, zorder=1)
        axis.text(i, -0.75, name, ha="center", va="center", fontsize=8, color=INK,
                  bbox={"boxstyle": "round,pad=0.3", "facecolor": SHADE, "edgecolor": GRID})
    for line, (source, target, operation) in enumerate(sorted(edges)):
        height = line + 0.55
        axis.annotate("", (target, height), (source, height), arrowprops={
            "arrowstyle": "-|>", "color": SERIES[0], "linewidth": 1.3, "shrinkA": 0, "shrinkB": 0,
            "linestyle": "-" if "conv" in operation else (0, (3, 2))})
        axis.plot(source, height, "o", color=SERIES[0], markersize=3.5)
        axis.text((source + target) / 2, height - 0.12, operation, ha="center", va="bottom", fontsize=7.5, color=INK,
                  bbox={"boxstyle": "round,pad=0.05", "facecolor": PAPER, "edgecolor": "none"})
    axis.set_xlim(-0.6, len(nodes) - 0.4)
    axis.set_ylim(len(edges) + 0.2, -1.2)
    axis.set_axis_off()
    return figure


@styled
def blocks(plan: Sequence[Block]) -> Figure:
    """Return the network from input to output: one box per block, as high as its output is, darker for more MACs."""
    figure, axis = axes(height=2.5)
    shapes, macs = [block.output_shape for block in plan], [block.totals[1] for block in plan]
    sides = [shape[1] if len(shape) == 3 else 1 for shape in shapes]
    heights = np.log2(np.array(sides, dtype=float)) + 1
    shares = np.array(macs) / max(sum(macs), 1)
    few = len(shapes) <= 9  # else texts stand upright
    for i, (shape, height, share) in enumerate(zip(shapes, heights, shares, strict=True)):
        shade = HEAT(0.15 + 0.85 * share / shares.max())
        axis.add_patch(Rectangle((i + 0.1, -height / 2), 0.8, height, facecolor=shade, edgecolor=FAINT, linewidth=0.8))
        size = ("\n" if few else ", ").join(part for part in (str(shape[0]), "×".join(map(str, shape[1:]))) if part)
        if len(shapes) <= 24:
            axis.text(i + 0.5, height / 2 + 0.15, size, ha="center", va="bottom", rotation=0 if few else 90,
                      fontsize=7.5, color=FAINT)
        axis.text(i + 0.5, -heights.max() / 2 - 0.3, label(plan[i]), ha="center" if few else "right",
                  va="top", fontsize=7.5, rotation=0 if few else 60, rotation_mode="anchor", color=INK)
    axis.set_xlim(0, len(shapes))
    axis.set_ylim(-heights.max() / 2 - (0.9 if few else 3.5), heights.max() / 2 + (1.5 if few else 3.5))
    axis.set_axis_off()
    return figure


def label(block: Block) -> str:
    """Return the name of a block and its number of repeats."""
    return f"{block.name} ×{block.count}" if block.count > 1 else block.name
