"""Training by several processes at once, each of which sees its part of every batch (`torchrun`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn

from dcanas.basics.errors import UserError


@dataclass(frozen=True)
class Ranks:
    """This process's place among those that train together; the process group is there if there are several."""

    rank: int = 0
    count: int = 1

    def part(self, images: int) -> tuple[int, int]:
        """Return (start, stop) of this rank's images in a batch of `images`: consecutive, nearly equal parts."""
        return images * self.rank // self.count, images * (self.rank + 1) // self.count

    def total(self, *values: float) -> list[float]:
        """Return the sums of the values over all ranks."""
        if self.count == 1:
            return list(values)
        summed = torch.tensor(values, dtype=torch.float64)
        dist.all_reduce(summed)
        return summed.tolist()

    def sum(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """Return the tensors summed over all ranks, in one message."""
        if self.count == 1 or not tensors:
            return list(tensors)
        flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
        dist.all_reduce(flat)
        parts = flat.split([tensor.numel() for tensor in tensors])
        return [part.view_as(tensor) for part, tensor in zip(parts, tensors, strict=True)]

    def any(self, asked: bool) -> bool:
        """Return whether any rank asks."""
        return self.total(float(asked))[0] > 0

    def check(self, batch_size: int, group: str = "train") -> None:
        """Check that every rank gets at least two images, as batch norm needs statistics.

        Args:
            group: of the setting, for the message: "train" or "search".

        Raises `UserError` if the batch is too small.
        """
        if batch_size < 2 * self.count:
            raise UserError(f"{group}.batch_size={batch_size} is too small for {self.count} processes: each needs at "
                            f"least 2 images; set it to {2 * self.count} or more.")

    def share(self, network: nn.Module, device: torch.device) -> nn.Module:
        """Return the network with gradients averaged over the ranks, and rank 0's weights and statistics everywhere.

        Statistics of batch norm are each rank's own within a step and rank 0's from one step to the next.
        """
        if self.count == 1:
            return network
        from torch.nn.parallel import DistributedDataParallel

        # Dead operations of a benchmark's cell take part in no output: the same unused parameters in every step.
        return DistributedDataParallel(network, device_ids=[torch.cuda.current_device()] if device.type == "cuda"
                                       else None, static_graph=True)


ALONE = Ranks()
