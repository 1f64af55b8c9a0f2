"""The notation of the DARTS space, read without evaluating anything:
`Genotype(normal=[('sep_conv_3x3', 0), ...], normal_concat=range(2, 6), reduce=[...], reduce_concat=range(2, 6))`.

Two entries (operation, source) per node, nodes 2 to 5 in order.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence

from dcanas.basics.errors import nearest
from dcanas.spaces.types import NotationError

Entry = tuple[str, int]  # (operation, source node)
NODES = (2, 3, 4, 5)
FIELDS = ("normal", "normal_concat", "reduce", "reduce_concat")
SHOWN = 60  # letters of what was found


def parse_genotype(text: str, operations: Sequence[str]) -> dict[str, list[Entry]]:
    """Return the eight entries of "normal" and of "reduce"; raises `NotationError` (position, expected, found)."""
    text = text.strip()
    try:
        call = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise NotationError(f"Genotype cannot be read ({' '.join(str(error).split())}).") from error
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or call.func.id != "Genotype" or call.args:
        raise _failure(text, call.func if isinstance(call, ast.Call) else call, "'Genotype', then four named lists")
    values = {each.arg: each.value for each in call.keywords}
    missing = [f"{name}=" for name in FIELDS if name not in values]
    for each in call.keywords:
        if each.arg not in FIELDS:
            raise _failure(text, each, " or ".join(missing) or "four named lists")
    if missing:
        raise NotationError(f"Genotype lacks {', '.join(missing)}.")
    cells = {}
    for cell in ("normal", "reduce"):
        joined = "".join((ast.get_source_segment(text, values[f"{cell}_concat"]) or "").split())
        if joined not in ("range(2,6)", "[2,3,4,5]"):
            raise NotationError(f"{cell}_concat must be range(2, 6), all four nodes, got {joined[:SHOWN]}.")
        cells[cell] = _entries(text, values[cell], operations)
        _check_edges(cell, cells[cell])
    return cells


def format_genotype(cells: dict[str, list[Entry]]) -> str:
    """Write the notation, the entries of a node in ascending order of their sources."""
    parts = []
    for cell in ("normal", "reduce"):
        entries = [entry for start in range(0, 8, 2) for entry in sorted(cells[cell][start:start + 2],
                                                                         key=lambda entry: entry[1])]
        parts.append(f"{cell}={entries!r}, {cell}_concat=range(2, 6)")
    return f"Genotype({', '.join(parts)})"


def _check_edges(cell: str, entries: Sequence[Entry]) -> None:
    if len(entries) != 2 * len(NODES):
        raise NotationError(f"{cell} must list 8 operations, two for each of the nodes 2 to 5, got {len(entries)}.")
    for position, (operation, source) in enumerate(entries):
        node = 2 + position // 2
        if source >= node:
            raise NotationError(f"{cell}, entry {position + 1} ({operation}) belongs to node {node}, whose sources are "
                                f"nodes 0 to {node - 1}, and names node {source}.")
        if position % 2 and entries[position - 1][1] == source:
            raise NotationError(f"{cell}, node {node} uses the edge from node {source} twice; its two operations "
                                "need different sources.")


def _entries(text: str, node: ast.expr, operations: Sequence[str]) -> list[Entry]:
    entries = []
    for item in node.elts if isinstance(node, ast.List) else [node]:
        match item:
            case ast.Tuple(elts=[ast.Constant(value=str(name)) as quoted, ast.Constant(value=int(source))]):
                if name not in operations:
                    meant = nearest(name, operations)
                    raise _failure(text, quoted, f"the operation {meant!r}" if meant else
                                   f"one of {', '.join(operations)} in quotes")
                entries.append((name, source))
            case _:
                raise _failure(text, item, "('OPERATION', NODE)")
    return entries


def _failure(text: str, node: ast.expr | ast.keyword, expected: str) -> NotationError:
    found = " ".join((ast.get_source_segment(text, node) or "").split())
    before = text.splitlines(keepends=True)[:node.lineno - 1]
    return NotationError(f"Genotype, character {sum(map(len, before)) + node.col_offset + 1}: expected {expected}, "
                         f"found {found[:SHOWN]!r}.")


def _cells(normal: str, reduce: str) -> dict[str, list[Entry]]:
    short = {"sep3": "sep_conv_3x3", "sep5": "sep_conv_5x5", "dil3": "dil_conv_3x3", "dil5": "dil_conv_5x5",
             "max": "max_pool_3x3", "avg": "avg_pool_3x3", "skip": "skip_connect"}

    def entries(text: str) -> list[Entry]:
        words = text.split()
        return [(short[name], int(source)) for name, source in zip(words[::2], words[1::2], strict=True)]

    return {"normal": entries(normal), "reduce": entries(reduce)}


PUBLISHED = {  # Liu et al., ICLR 2019 (first and second order); Xu et al., ICLR 2020 (CIFAR-10, ImageNet)
    "DARTS_V1": _cells("sep3 1 sep3 0 skip 0 sep3 1 skip 0 sep3 1 sep3 0 skip 2",
                       "max 0 max 1 skip 2 max 0 max 0 skip 2 skip 2 avg 0"),
    "DARTS_V2": _cells("sep3 0 sep3 1 sep3 0 sep3 1 sep3 1 skip 0 skip 0 dil3 2",
                       "max 0 max 1 skip 2 max 1 max 0 skip 2 skip 2 max 1"),
    "PC_DARTS_cifar": _cells("sep3 1 skip 0 sep3 0 dil3 1 sep5 0 sep3 1 avg 0 dil3 1",
                             "sep5 1 max 0 sep5 1 sep5 2 sep3 0 sep3 3 sep3 1 sep3 2"),
    "PC_DARTS_image": _cells("skip 1 sep3 0 sep3 0 skip 1 sep3 1 sep3 3 sep3 1 dil5 4",
                             "sep3 0 skip 1 dil5 2 max 1 sep3 2 sep3 1 sep5 0 sep3 3"),
}
_ALIASES = {"pcdarts": "PC_DARTS_cifar", "pcdartsimagenet": "PC_DARTS_image", "darts": "DARTS_V2"}


def published(name: str) -> dict[str, list[Entry]] | None:
    """Return a published genotype by its name, however it is spelled (`PC-DARTS`, `pc_darts_cifar`), or None."""
    plain = re.sub(r"[\W_]", "", name).lower()
    names = {re.sub("_", "", known).lower(): known for known in PUBLISHED} | _ALIASES
    return PUBLISHED[names[plain]] if plain in names else None
