"""The network as drawings, and the costs of its blocks."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from dcanas.costs.memory import peak_elements
from dcanas.report.amounts import quantity, share
from dcanas.report.figures import network as drawings
from dcanas.report.figures.canvas import captioned
from dcanas.report.figures.network import label
from dcanas.report.html import NOTHING, code, grid, joined, more, paragraph, table
from dcanas.report.record import DeviceRecord, RunRecord
from dcanas.report.spaces import cells_of, space_of, used_edges
from dcanas.spaces import Architecture, Space
from dcanas.spaces.plan import Block


def network(record: RunRecord, device: DeviceRecord) -> Markup:
    """Return drawings and costs of the derived network; nothing if none was derived."""
    derived, space = device["architecture"], space_of(record)
    if derived is None:
        return NOTHING
    notation = paragraph(code(derived["architecture"]))
    if space is None:
        return joined([notation, paragraph(f"The file of the space {derived['space']} has changed since the run, so "
                                           "the network cannot be drawn.", kind="faint")])
    arch, skeleton = space.parse(derived["architecture"]), space.delivered_skeleton(derived["skeleton"])
    shape, classes = record.images or ((3, 32, 32), 10)
    cells = _cells(device, space, arch, skeleton, shape[0], classes)
    if not device["certificate"]:
        return joined([notation, grid(*cells), paragraph("The costs of each block are shown once there is a "
                                                         "certificate.", kind="faint"), _decisions(space, arch)])
    plan = space.plan(arch, shape, classes, **skeleton)
    return joined([notation, grid(*cells, _blocks(device, plan)), _table(device, plan), _decisions(space, arch)])


def _cells(device: DeviceRecord, space: Space, arch: Architecture, skeleton: dict, channels: int,
           classes: int) -> list[Markup]:
    drawn = []
    for number, cell in enumerate(cells_of(space, space.final_skeleton | skeleton, channels, classes)):
        edges = used_edges(space, cell, arch)
        name = space.slots[cell.slots[0]].name.rpartition(" ")[0]
        text = "; ".join(f"{cell.nodes[s]} to {cell.nodes[t]}: {operation}" for s, t, operation in edges)
        title = f"The {name} cell".replace("  ", " ")
        drawn.append(captioned(
            drawings.cell(cell.nodes, edges), f"cell-{device.name}-{number}", title, f"{text}.",
            f"{title}: every column is a tensor, every arrow an operation; the arrows that end at a column are added. "
            "Dashed: not a convolution."))
    return drawn


def _blocks(device: DeviceRecord, plan: Sequence[Block]) -> Markup:
    macs = [block.totals[1] for block in plan]
    largest = max(range(len(plan)), key=macs.__getitem__)
    text = f"{len(plan)} parts from input to output; the largest share of the MACs, " \
           f"{100 * macs[largest] / max(sum(macs), 1):.0f} %, is in {label(plan[largest])} (part {largest + 1})."
    return captioned(drawings.blocks(plan), f"blocks-{device.name}", "The whole network", text,
                     f"From input to output: the height is the output's side, darker parts have more MACs. {text}")


def _table(device: DeviceRecord, plan: Sequence[Block]) -> Markup:
    latency = (device["latency"] or {}).get("blocks") or []
    measured = [row["measured_ms"] for row in latency] if len(latency) == len(plan) else []
    rows, total = [], sum(block.totals[1] for block in plan)
    for number, block in enumerate(plan):
        params, macs, weights, vectors = block.totals
        rows.append([label(block), " × ".join(map(str, block.output_shape)), quantity(params), quantity(macs),
                     share(macs / max(total, 1)), quantity(weights + vectors), quantity(peak_elements([block])),
                     *([quantity(measured[number], "ms")] if measured else [])])
    return table(["block", "output (C × H × W)", "parameters", "MACs", "share of MACs", "values stored",
                  "values alive at most", *(["adds"] if measured else [])], rows,
                 "Costs of each block; consecutive equal blocks are one row, all their repeats together")


def _decisions(space: Space, arch: Architecture) -> Markup:
    rows = [[slot.name, slot.options[choice], ", ".join(o for o in slot.options if o != slot.options[choice])]
            for slot, choice in zip(space.slots, arch.choices, strict=True)]
    return more("All decisions", table(["slot", "chosen", "instead of"], rows, "Every decision of the architecture"))
