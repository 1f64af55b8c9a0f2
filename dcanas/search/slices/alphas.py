"""Architecture parameters over slices: learnt by gradient under all limits of a device at once.

Every block has alphas for its expansion and for its kernel, and a gate if it may be left out; one softmax weighs the
frames (number of stages and size of images). A relaxed slice is the frame's largest network with masked weights, so
that a step is one forward pass; a step draws one frame, whose loss counts in proportion to its weight. Expected costs
are exact sums over blocks and frames, and every limit has a multiplier of its own (dual ascent), as in DCA-NAS.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dcanas.basics.keys import derive_seed
from dcanas.basics.optimisers import adam
from dcanas.export.classifier import Normalise
from dcanas.search.slices.lessons import images_of
from dcanas.search.slices.programme import FrameLimits, Scores, no_scores
from dcanas.search.task import SearchTask
from dcanas.spaces.mbconv import KINDS, NONE
from dcanas.supernet import ElasticSupernet
from dcanas.training import batch_bounds

SHARE = 0.2  # of the training split, which the supernet has not learnt from
EPOCHS = 40  # over that share
BATCH = 64
RATE = 0.05  # Adam's, of the alphas
RATE_OF_MULTIPLIERS = 0.05
TEMPERATURES = (1.0, 0.2)  # of the relaxation, at the first and at the last step
SURE = 3.0  # initial logit of the whole block against each smaller one: the supernet is best there


class Alphas(nn.Module):
    """The parameters: per block its expansions, its kernels and whether it stays, and one vector over the frames.

    Args:
        frames: their limits; all of one pretrained network.
    """

    def __init__(self, frames: Sequence[FrameLimits]):
        super().__init__()
        self.frames = list(frames)
        self.over_frames = nn.Parameter(torch.zeros(len(frames)))
        space = max((each.frame for each in frames), key=lambda frame: frame.stages).space
        self.blocks: dict[int, tuple[list[int], list[int], bool]] = {}  # slot: expansions, kernels, may be left out
        self.logits = nn.ParameterDict()
        for slot, allowed in enumerate(space.allowed):
            options = space.slots[slot].options
            if not space.slots[slot].name.startswith("block") or len(allowed) < 2:
                continue
            kinds = [KINDS[options[option]] for option in allowed if options[option] != NONE]
            expansions, kernels = sorted({k.expansion for k in kinds}), sorted({k.kernel for k in kinds})
            self.blocks[slot] = (expansions, kernels, options[allowed[0]] == NONE)
            for name, count in (("t", len(expansions)), ("k", len(kernels)), ("gate", 2)):
                start = torch.zeros(count)
                start[-1] = SURE if count > 1 else 0.0
                self.logits[f"{name}{slot}"] = nn.Parameter(start)

    def probabilities(self, soft: dict[str, Tensor], number: int) -> list[Tensor]:
        """Return, per slot of a frame's space, the probability of every option.

        Args:
            soft: weights of the options of every alpha.
            number: of the frame.
        """
        space = self.frames[number].frame.space
        rows = []
        for slot, allowed in enumerate(space.allowed):
            options = space.slots[slot].options
            row = torch.zeros(len(options), dtype=torch.float64)
            if slot not in self.blocks or len(allowed) < 2:
                row[allowed[0]] = 1.0
                rows.append(row)
                continue
            expansions, kernels, _ = self.blocks[slot]
            entries = []
            stays = soft[f"gate{slot}"][1] if 0 in allowed and options[0] == NONE else torch.ones(())
            for option in allowed:
                kind = KINDS.get(options[option])
                entries.append(1 - stays if kind is None else
                               stays * soft[f"t{slot}"][expansions.index(kind.expansion)]
                               * soft[f"k{slot}"][kernels.index(kind.kernel)])
            rows.append(row.index_put((torch.tensor(allowed),), torch.stack(entries).double()))
        return rows

    def scores(self, number: int) -> Scores:
        """Return the logarithms of a frame's probabilities, -inf for what the frame excludes."""
        with torch.no_grad():
            soft = {name: value.softmax(0) for name, value in self.logits.items()}
            rows = self.probabilities(soft, number)
        return [np.where(excluded == -np.inf, -np.inf, np.log(np.maximum(row.numpy(), 1e-12)))
                for row, excluded in zip(rows, no_scores(self.frames[number].frame), strict=True)]

    def masks(self, soft: dict[str, Tensor], number: int) -> dict[str, Tensor]:
        """Return factors of the weights of a frame's largest network, by parameter name."""
        frame = self.frames[number].frame
        chain = frame.space.chain(frame.largest)
        found = {}
        for slot, (expansions, kernels, _) in self.blocks.items():
            stage, place = (int(n) - 1 for n in frame.space.slots[slot].name.removeprefix("block").split("."))
            if stage >= frame.stages or len(frame.space.allowed[slot]) < 2:
                continue
            read = chain.stem if stage == 0 else chain.stages[stage - 1].width
            width = chain.stages[stage].width if place else read
            hidden, side = width * expansions[-1], kernels[-1]
            channels = sum((soft[f"t{slot}"][i] * (torch.arange(hidden) < width * t)
                            for i, t in enumerate(expansions)), torch.zeros(hidden))
            centre = torch.stack([F.pad(torch.ones(k, k), [(side - k) // 2] * 4) for k in kernels])
            name = f"stages.{stage}.{place}"
            found[f"{name}.project.0.weight"] = channels.view(1, -1, 1, 1)
            found[f"{name}.depthwise.0.weight"] = (soft[f"k{slot}"].view(-1, 1, 1) * centre).sum(0)
            if 0 in frame.space.allowed[slot]:
                found |= {f"{name}.project.1.{leaf}": soft[f"gate{slot}"][1] for leaf in ("weight", "bias")}
        return found


def learnt_alphas(supernet: ElasticSupernet, frames: Sequence[FrameLimits], task: SearchTask) -> list[Scores]:
    """Return the scores of every frame's options after learning the alphas on images that no weights have learnt from.

    Args:
        frames: with the limits of one device.
    """
    alphas, generator = Alphas(frames), torch.Generator().manual_seed(derive_seed(task.seed, "relaxation"))
    optimiser = adam(alphas.parameters(), lr=RATE)
    rng = np.random.default_rng(derive_seed(task.seed, "alphas"))
    chosen = alphas_images(task)
    bounds = batch_bounds(len(chosen), BATCH)
    steps = EPOCHS * len(bounds)
    multipliers = torch.zeros(len(frames[0].limits), dtype=torch.float64)
    normalise = Normalise(*task.dataset.moments)
    supernet.eval()
    order = chosen
    for step in range(steps):
        if step % len(bounds) == 0:
            order = rng.permutation(chosen)
        batch = order[slice(*bounds[step % len(bounds)])]
        temperature = TEMPERATURES[0] * (TEMPERATURES[1] / TEMPERATURES[0]) ** (step / steps)
        soft = {name: _relaxed(value, temperature, generator) for name, value in alphas.logits.items()}
        weights = alphas.over_frames.softmax(0)
        drawn = 0.5 * weights.detach() + 0.5 / len(frames)
        number = int(rng.choice(len(frames), p=(drawn.double() / drawn.double().sum()).numpy()))
        data = images_of(frames[number].frame, task)
        images = normalise(torch.from_numpy(data.images[batch]).float() / 255).to(task.device)
        logits = supernet.masked(images.contiguous(memory_format=torch.channels_last), frames[number].frame.largest,
                                 alphas.masks(soft, number))
        loss = F.cross_entropy(logits, torch.from_numpy(data.labels[batch]).to(task.device))
        violations = _violations(alphas, frames, weights)
        optimiser.zero_grad()
        torch.autograd.backward(loss * (weights[number] / drawn[number]) + (multipliers * violations).sum())
        optimiser.step()
        multipliers = (multipliers + RATE_OF_MULTIPLIERS * violations.detach()).clamp(min=0)
        task.hooks.progress(step + 1, steps, "steps of the alphas")
    return [alphas.scores(number) for number in range(len(frames))]


def alphas_images(task: SearchTask) -> np.ndarray:
    """Return the numbers of the training images that are kept for the alphas."""
    rng = np.random.default_rng(derive_seed(task.seed, "images of the alphas"))
    return rng.permutation(task.dataset.train)[:max(2, round(SHARE * len(task.dataset.train)))]


def _violations(alphas: Alphas, frames: Sequence[FrameLimits], weights: Tensor) -> Tensor:
    """Return expected cost / limit - 1 of every limit, over blocks and frames. Shape: (limits,)."""
    soft = {name: value.softmax(0) for name, value in alphas.logits.items()}
    rows = []
    for number, each in enumerate(frames):
        probabilities = alphas.probabilities(soft, number)
        rows.append(torch.stack([cost.expected(probabilities) / limit - 1 for cost, limit in each.limits])
                    if each.limits else torch.zeros(0, dtype=torch.float64))
    return (weights.double().unsqueeze(1) * torch.stack(rows)).sum(0)


def _relaxed(logits: Tensor, temperature: float, generator: torch.Generator) -> Tensor:
    """Return a draw of the Gumbel-softmax distribution (Jang et al., ICLR 2017). Shape: (options,)."""
    uniform = torch.rand(logits.shape, generator=generator).clamp(1e-6, 1 - 1e-6)
    return ((logits - (-uniform.log()).log()) / temperature).softmax(0)
