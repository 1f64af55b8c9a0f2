"""The notation of the DARTS space, read without evaluating anything:
`Genotype(normal=[('sep_conv_3x3', 0), ...], normal_concat=range(2, 6), reduce=[...], reduce_concat=range(2, 6))`.

Two entries (operation, source) per node, nodes 2 to 5 in order.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from dcanas.basics.errors import nearest
from dcanas.spaces.types import NotationError

Entry = tuple[str, int]  # (operation, source node)
NODES = (2, 3, 4, 5)
FIELDS = ("normal", "normal_concat", "reduce", "reduce_concat")

_TOKEN = re.compile(r"\s*([A-Za-z_]\w*|'[^']*'|\"[^\"]*\"|\d+|\S|\Z)")


def parse_genotype(text: str, operations: Sequence[str]) -> dict[str, list[Entry]]:
    """Return the eight entries of "normal" and of "reduce"; raises `NotationError` (position, expected, found)."""
    values = _Reader(text, operations).genotype()
    for cell in ("normal", "reduce"):
        if tuple(values[f"{cell}_concat"]) != NODES:
            raise NotationError(f"{cell}_concat must be range(2, 6), all four nodes, got {values[f'{cell}_concat']}.")
        _check_edges(cell, values[cell])
    return {cell: values[cell] for cell in ("normal", "reduce")}


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


class _Reader:
    """Reads tokens from left to right; every failure says where, what was expected and what was found."""

    def __init__(self, text: str, operations: Sequence[str]):
        self.operations = list(operations)
        self.tokens = list(_TOKEN.finditer(text))[::-1]  # the next one last

    @property
    def token(self) -> str:
        """The next token, "" at the end."""
        return self.tokens[-1][1]

    def genotype(self) -> dict[str, Any]:
        values: dict[str, Any] = {}
        self.expect("Genotype", "(")
        while len(values) < len(FIELDS):
            missing = [name for name in FIELDS if name not in values]
            if self.token not in missing:
                raise self.failure(" or ".join(f"{m}=" for m in missing))
            name = self.take()
            self.expect("=")
            values[name] = self.numbers() if name.endswith("_concat") else self.listed(self.entry)
            if self.token == "," or len(values) < len(FIELDS):
                self.expect(",")
        self.expect(")")
        if self.token:
            raise self.failure("the end")
        return values

    def numbers(self) -> list[int]:
        if self.token != "range":
            return self.listed(self.number)
        self.expect("range", "(")
        low = self.number()
        self.expect(",")
        high = self.number()
        self.expect(")")
        return list(range(low, min(high, low + 100)))

    def listed(self, item: Callable[[], Any]) -> list[Any]:
        self.expect("[")
        found: list[Any] = []
        while self.token != "]":
            found.append(item())
            if self.token != "]":
                self.expect(",")
        self.expect("]")
        return found

    def entry(self) -> Entry:
        self.expect("(")
        quoted = self.token[:1] in ("'", '"') and self.token[1:-1]
        if not quoted or quoted not in self.operations:
            meant = nearest(quoted, self.operations) if quoted else None
            known = ", ".join(self.operations)
            raise self.failure(f"the operation {meant!r}" if meant else f"one of {known} in quotes")
        self.take()
        self.expect(",")
        source = self.number()
        if self.token == ",":
            self.take()
        self.expect(")")
        return quoted, source

    def number(self) -> int:
        if not self.token.isdecimal() or len(self.token) > 4:
            raise self.failure("the number of a node")
        return int(self.take())

    def take(self) -> str:
        return self.tokens.pop()[1]

    def expect(self, *texts: str) -> None:
        for text in texts:
            if self.token != text:
                raise self.failure(repr(text))
            self.take()

    def failure(self, expected: str) -> NotationError:
        return NotationError(f"Genotype, character {self.tokens[-1].start(1) + 1}: expected {expected}, found "
                             f"{repr(self.token) if self.token else 'the end'}.")


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
