"""Which nodes of an exported file belong to which block of the network."""

from __future__ import annotations

import ast
import bisect
import json
import re
from collections.abc import Sequence

import onnx

BLOCKS = "blocks"  # key of the file's metadata: JSON list of [number of the first node, name of the block]
ALL = "whole network"  # for files without this entry
_BLOCK = re.compile(r"(?:^|\.)(stem|head|normalise|blocks\.\d+|stages\.\d+\.\d+)(?:\.|$)")


def block_starts(model: onnx.ModelProto) -> list[tuple[int, str]]:
    """Return the first node and the name of each block, from the module names that the exporter stores with the nodes.

    If the exporter has folded a batch norm into a convolution of the block before, both count as the batch norm's.
    """
    starts: list[tuple[int, str]] = []
    for number, node in enumerate(model.graph.node):
        name = _name(node)
        if name is None:  # made by an optimisation: it belongs to the block around it
            name = starts[-1][1] if starts else "input"
        if not starts or starts[-1][1] != name:
            starts.append((number, name))
    return starts


def stored_blocks(model: onnx.ModelProto) -> list[tuple[int, str]]:
    """Return what `export_onnx(blocks=True)` has stored of `block_starts`; of other files nothing."""
    stored = {entry.key: entry.value for entry in model.metadata_props}
    return [(int(first), str(name)) for first, name in json.loads(stored.get(BLOCKS, "[]"))]


def block_of_node(starts: Sequence[tuple[int, str]], number: int) -> str:
    """Return the name of the block that this node of the file belongs to."""
    place = bisect.bisect_right([first for first, _ in starts], number) - 1
    return starts[place][1] if place >= 0 else ALL


def _name(node: onnx.NodeProto) -> str | None:
    for entry in node.metadata_props:
        if entry.key == "pkg.torch.onnx.name_scopes":
            try:
                scopes = [str(scope) for scope in ast.literal_eval(entry.value)]
            except (SyntaxError, ValueError):
                return None
            found = [match[1] for scope in scopes if (match := _BLOCK.search(scope))]
            return found[0] if found else "input"
    return None
