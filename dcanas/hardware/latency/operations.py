"""The distinct operations of a space's final network: what a table of latencies has one row for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dcanas.basics.errors import UserError
from dcanas.spaces import Space
from dcanas.spaces.types import CellSpec

if TYPE_CHECKING:
    import torch

Shape = tuple[int, int, int]  # (C, H, W)


@dataclass(frozen=True)
class Operation:
    """One row: an operation and the tensors it stands between.

    summed: it stands in a cell whose nodes are sums: its row includes one addition.
    detail: what else tells it from others of the same name and shapes.
    make: returns a new module of it, with weights of its own.
    """

    name: str
    input: Shape
    output: Shape
    summed: bool = False
    detail: str = ""
    make: Callable[[], torch.nn.Module] = field(compare=False, repr=False, default=lambda: None)  # type: ignore

    @property
    def keeps_shape(self) -> bool:
        return self.input == self.output

    @property
    def text(self) -> str:
        """Name, shapes and detail in one line, the key of the row."""
        shapes = " -> ".join("x".join(map(str, shape)) for shape in (self.input, self.output))
        return " ".join(part for part in (self.name, shapes, "summed" if self.summed else "", self.detail) if part)


Places = tuple[tuple[tuple[Operation, ...], ...], ...]  # per slot and option, the operations in all cells


def operations_of(space: Space, input_shape: Sequence[int], num_classes: int, **skeleton: Any) -> Places:
    """Return per slot and option the operations that choosing it adds to the final network, one per cell.

    The skeleton is run once around cells that compute nothing, so any space with a supernet is understood, the user's
    own too. Options that execute nothing (`none`, an identity that nothing is added to) have no operation.
    Raises `UserError` for a space whose candidates cannot be taken slot by slot.
    """
    import torch

    found: list[list[list[Operation]]] = [[[] for _ in slot.options] for slot in space.slots]

    class Recorder(torch.nn.Module):
        """Stands for a cell: notes its operations and returns a tensor of the right shape."""

        def __init__(self, cell: CellSpec):
            super().__init__()
            self.cell = cell

        def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
            cell = self.cell
            sizes: dict[int, tuple[int, int]] = {i: (x.shape[2], x.shape[3]) for i, x in enumerate(inputs)}
            targets = [target for _, target in cell.edges]
            summed = len(set(targets)) < len(targets)
            for slot, (source, target), stride in zip(cell.slots, cell.edges, cell.strides, strict=True):
                height, width = sizes[source]
                sizes[target] = (-(-height // stride), -(-width // stride))
                channels = cell.in_channels if source < cell.inputs else cell.out_channels
                for option, name in enumerate(space.slots[slot].options):
                    operation = _operation(space, name, (channels, height, width), (cell.out_channels, *sizes[target]),
                                           stride, summed)
                    found[slot][option] += [operation] if operation else []
            out = len(cell.outputs) * cell.out_channels
            return inputs[0].new_zeros((1, out, *sizes[cell.outputs[0]]))

    options = space.delivered_skeleton(space.complete_skeleton(skeleton))
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        network = space.assemble(Recorder, num_classes, input_shape[0], **options)
        network.eval()(torch.zeros(1, *input_shape))
    return tuple(tuple(tuple(row) for row in slot) for slot in found)


def distinct(places: Places) -> list[Operation]:
    """Return every operation once, in the order of their first places."""
    return list(dict.fromkeys(op for slot in places for option in slot for op in option))


def missing_rows(names: Sequence[str]) -> UserError:
    """Return the error for rows that a table lacks."""
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return UserError(f"The table has no row for {names[0]!r}{more}; run `dcanas profile` for this device and space "
                     "again, which measures what is missing.")


def _operation(space: Space, name: str, source: Shape, target: Shape, stride: int, summed: bool) -> Operation | None:
    import torch

    def make() -> torch.nn.Module:
        module = space.operation(name, source[0], target[0], stride)
        assert module is not None
        return module

    module = space.operation(name, source[0], target[0], stride)
    if module is None or (isinstance(module, torch.nn.Identity) and not summed):
        return None
    if isinstance(module, torch.nn.Identity) and source != target:
        raise UserError(f"{name} of {space.name} keeps the shape {source} where {target} is needed; correct the "
                        "space's `operation`.")
    return Operation(name, source, target, summed, make=make)
