"""The network: drawn, with what each of its blocks costs."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from dcanas.basics.errors import UserError
from dcanas.costs.memory import peak_elements
from dcanas.report.certificate import amount
from dcanas.report.figures import network as drawings
from dcanas.report.figures.canvas import svg
from dcanas.report.figures.network import label, output
from dcanas.report.html import NOTHING, code, figure, grid, joined, more, paragraph, table
from dcanas.report.record import DeviceRecord, RunRecord
from dcanas.report.spaces import cells_of, space_of, used_edges
from dcanas.spaces import Architecture, Space
from dcanas.spaces.plan import Block


def network(record: RunRecord, device: DeviceRecord) -> Markup:
    """Return drawing and costs of the derived network; nothing where none was derived."""
    derived = device["architecture"]
    if derived is None:
        return NOTHING
    space = space_of(record)
    notation = paragraph(code(derived["architecture"]))
    if space is None:
        return joined([notation, paragraph(f"The file of the space {derived['space']} is not what it was when the run "
                                           "was made, so the network cannot be drawn.", kind="faint")])
    arch, skeleton = space.parse(derived["architecture"]), space.delivered_skeleton(derived["skeleton"])
    shape, classes = (3, 32, 32), 10
    certificate = device["certificate"]
    if certificate:
        channels, height, width = certificate["data"]["input_shape"]
        shape, classes = (channels, height, width), certificate["data"]["classes"]
    drawn = grid(*_cells(device, space, arch, skeleton, shape[0], classes), *(
        _blocks(device, space.plan(arch, shape, classes, **skeleton)) if certificate else ()))
    try:
        costs = _table(device, space.plan(arch, shape, classes, **skeleton)) if certificate else paragraph(
            "What each block costs is told once the network is certified.", kind="faint")
    except UserError as error:
        costs = paragraph(str(error), kind="faint")
    return joined([notation, drawn, costs, _decisions(space, arch)])


def _cells(device: DeviceRecord, space: Space, arch: Architecture, skeleton: dict, channels: int,
           classes: int) -> list[Markup]:
    drawn = []
    for number, cell in enumerate(cells_of(space, space.final_skeleton | skeleton, channels, classes)):
        edges = used_edges(space, cell, arch)
        name = space.slots[cell.slots[0]].name.rpartition(" ")[0]
        told = "; ".join(f"{cell.nodes[s]} to {cell.nodes[t]}: {operation}" for s, t, operation in edges)
        title = f"The {name} cell".replace("  ", " ")
        drawn.append(figure(
            svg(drawings.cell(cell.nodes, edges), f"cell-{device.name}-{number}", title, f"{told}."),
            f"{title}: every column is a tensor, every arrow an operation; what arrives at a column is added. Dashed: "
            "no convolution."))
    return drawn


def _blocks(device: DeviceRecord, plan: Sequence[Block]) -> list[Markup]:
    macs = [block.totals[1] for block in plan]
    largest = max(range(len(plan)), key=macs.__getitem__)
    told = f"{len(plan)} parts from input to output; the largest share of the MACs, " \
           f"{100 * macs[largest] / max(sum(macs), 1):.0f} %, is in {label(plan[largest])} (part {largest + 1})."
    return [figure(svg(drawings.blocks_of(plan), f"blocks-{device.name}", "The whole network", told),
                   f"From input to output: as high as the output's side, darker where more MACs are. {told}")]


def _table(device: DeviceRecord, plan: Sequence[Block]) -> Markup:
    latency = (device["latency"] or {}).get("blocks") or []
    measured = [row["measured_ms"] for row in latency] if len(latency) == len(plan) else []
    rows, total = [], sum(block.totals[1] for block in plan)
    for number, block in enumerate(plan):
        params, macs, weights, vectors = block.totals
        rows.append([label(block), " × ".join(map(str, output(block))), amount(params), amount(macs),
                     f"{100 * macs / max(total, 1):.1f}", amount(weights + vectors), amount(peak_elements([block])),
                     *([f"{1000 * measured[number]:.1f}"] if measured else [])])
    return table(["block", "output (C × H × W)", "params", "MACs", "% of MACs", "values stored", "values alive at most",
                  *(["adds, µs"] if measured else [])], rows,
                 "What each block costs; equal blocks in a row are one line, all their repeats together")


def _decisions(space: Space, arch: Architecture) -> Markup:
    rows = [[slot.name, slot.options[choice], ", ".join(o for o in slot.options if o != slot.options[choice])]
            for slot, choice in zip(space.slots, arch.choices, strict=True)]
    return more("All decisions", table(["slot", "chosen", "instead of"], rows, "Every decision of the architecture"))
