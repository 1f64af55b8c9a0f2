"""NAS-Bench-Macro (Su et al., CVPR 2021) as far as its table goes: eight layers, three choices each, nothing built."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, ClassVar, NoReturn

from dcanas.basics.errors import UserError
from dcanas.spaces import Architecture, Slot, Space
from dcanas.spaces.types import NotationError

LAYERS = 8


class Macro(Space):
    """6,561 networks written as eight digits; layers at which the image shrinks keep their operation's stride."""

    name = "macro"
    slots = tuple(Slot(f"layer{i}", ("identity", "mbconv_e3_k3", "mbconv_e6_k5")) for i in range(LAYERS))
    search_skeleton: ClassVar[dict[str, Any]] = {}
    final_skeleton: ClassVar[dict[str, Any]] = {}

    def parse(self, text: str) -> Architecture:
        if len(text) != LAYERS or not set(text) <= set("012"):
            raise NotationError(f"NAS-Bench-Macro notation is eight digits 0 to 2, found {text!r}.")
        return self.architecture(text)

    def format(self, arch: Architecture) -> str:
        return "".join(map(str, arch.choices))

    def enumerate(self) -> Iterator[Architecture]:
        return (Architecture(self.name, choices) for choices in itertools.product(range(3), repeat=LAYERS))

    def _nothing(self, *arguments: Any, **skeleton: Any) -> NoReturn:
        raise UserError("The macro space is a table here; its networks are not built.")

    build = source = plan = _nothing
