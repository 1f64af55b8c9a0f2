"""Where a bottleneck should narrow, and whether `skip_connect` should pass through it: ranking, speed and memory.

    uv run python tools/study_narrowing.py --data photos --out runs/narrowing --scores quick.jsonl blocks.jsonl

NAS-Bench-201, supernet on CIFAR-10 images in folders; accuracies from the folder DCANAS_TABLES. Ways to narrow:

- `cell`: the product's own (`dcanas.supernet.cell`), nodes are narrow; sharing on and off, and no bottleneck without
  sharing, the plain supernet.
- `node`: nodes are wide; a source is narrowed once for all its edges, what meets in a target is widened together.
- `edge`: nodes are wide; every edge narrows and widens for itself, so that nothing can be shared.

In the latter two `skip_connect` is a candidate of the narrow part like any other (through) or joins two wide nodes
(around). One line each: Kendall's tau with `cifar10_val` over the first --networks of the score files, and within
their best quarter (95 % interval: bootstrap over networks), of the search's own scores and of accuracy with inherited
weights on --images validation images; steps per second and bytes kept for the backward pass relative to the plain
supernet, at --cells-timed cells per stage, in turns of one process. --out keeps every search, which goes on if cut off.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from bench_supernet import Stepper
from small_searches import add_arguments, session_of
from study_judges import interval
from study_proxies import merged, table
from study_supernet import inherited
from torch import Tensor, nn

import dcanas.supernet.supernet as made_of
from dcanas.costs import Budget
from dcanas.pipeline.session import Session
from dcanas.search import search
from dcanas.search.gradient.bilevel import BilevelTrainer
from dcanas.search.pool import total_scores
from dcanas.spaces import CellSpec, Space
from dcanas.supernet.cell import Recipe, SuperCell
from dcanas.supernet.mix import weighted_sum
from dcanas.supernet.pointwise import Pointwise
from dcanas.training.ranks import ALONE

SKIP = "skip_connect"
ROUNDS = 6  # of timed steps


class WideNodes(SuperCell):
    """A cell whose nodes keep all channels and whose candidates run in 1 / `bottleneck` of them; strides of 1 only.

    by_edge: every edge narrows and widens for itself; else a source narrows once and a target widens once.
    around: `skip_connect` joins the wide nodes.
    """

    def __init__(self, space: Space, spec: CellSpec, bottleneck: int, share: bool, _: int, by_edge: bool, around: bool):
        wide, inside = spec.out_channels, spec.out_channels // bottleneck
        super().__init__(space, replace(spec, in_channels=inside, out_channels=inside), 1, share)
        self.by_edge, self.around = by_edge, around
        names = {self._place(edge, end) for edge in range(len(spec.edges)) for end in (0, 1)}
        self.maps = nn.ModuleDict({name: Pointwise(*((wide, inside) if name.startswith("from") else (inside, wide)))
                                   for name in sorted(names)})

    def _place(self, edge: int, end: int) -> str:
        """Return the name of the map at the source (0) or target (1) of an edge."""
        return f"{('from', 'to')[end]}_{edge if self.by_edge else self.spec.edges[edge][end]}"

    def _mix(self, nodes: dict[int, Tensor], recipe: Recipe) -> dict[int, Tensor]:
        known: dict[str, Tensor] = {}  # by the name of a narrowing map, or of a candidate
        for target in sorted({target for _, target in self.spec.edges}):
            wide: list[tuple[Tensor, Tensor]] = []
            narrow: dict[str, list[tuple[Tensor, Tensor]]] = {}
            terms = recipe.terms.get(target, ())
            for weight, (slot, option) in zip(recipe.weights[target] if terms else (), terms, strict=True):
                edge = self.spec.slots.index(slot)
                source = nodes.get(self.spec.edges[edge][0])
                if source is None:
                    continue
                if self.around and option == SKIP:
                    wide.append((weight, source))
                    continue
                place, key = self._place(edge, 0), self._key(edge, option)
                if place not in known:
                    known[place] = self.maps[place](source)
                if key not in known:
                    known[key] = self.operations[key](known[place])
                narrow.setdefault(self._place(edge, 1), []).append((weight, known[key]))
            parts = [self.maps[place](_summed(terms)) for place, terms in narrow.items()]
            parts += [_summed(wide)] if wide else []
            if parts:
                nodes[target] = torch.stack(parts).sum(0) if len(parts) > 1 else parts[0]
        return nodes


def _summed(terms: list[tuple[Tensor, Tensor]]) -> Tensor:
    return weighted_sum(torch.stack([weight for weight, _ in terms]), [value for _, value in terms])


WAYS: dict[str, tuple[type[SuperCell], dict[str, bool], bool, bool]] = {  # cells, their arguments, sharing, bottleneck
    "plain: no bottleneck, sharing off": (SuperCell, {}, False, False),
    "no bottleneck, sharing on": (SuperCell, {}, True, False),
    "cell, sharing off": (SuperCell, {}, False, True),
    "cell, sharing on": (SuperCell, {}, True, True),
    "node, sharing on, skip through": (WideNodes, {"by_edge": False, "around": False}, True, True),
    "node, sharing on, skip around": (WideNodes, {"by_edge": False, "around": True}, True, True),
    "edge, skip through": (WideNodes, {"by_edge": True, "around": False}, False, True),
    "edge, skip around": (WideNodes, {"by_edge": True, "around": True}, False, True)}


@contextmanager
def built_of(cells: type[SuperCell], given: dict[str, bool]) -> Iterator[None]:
    """Let every supernet be made of other cells: what is compared here is no option of the product."""
    original = made_of.SuperCell

    class Chosen(cells):  # a class, because the supernet asks which of its modules are cells
        def __init__(self, *arguments):
            super().__init__(*arguments, **given)

    made_of.SuperCell = Chosen
    try:
        yield
    finally:
        made_of.SuperCell = original


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_arguments(parser, fraction=0.256)
    parser.add_argument("--scores", type=Path, nargs="+", required=True)
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=list(WAYS), metavar="WAY")
    parser.add_argument("--networks", type=int, default=200)
    parser.add_argument("--images", type=int, default=500)
    parser.add_argument("--cells-timed", type=int, default=5)
    options = parser.parse_args(arguments)
    session = session_of(options)
    rows = merged(options.scores)[1][:options.networks]
    known = {row["architecture"]: float(row["cifar10_val"]) for row in table("nasbench201_accuracy.csv.gz")}
    accuracy = np.array([known[row["architecture"]] for row in rows])
    archs = [session.space.parse(row["architecture"]) for row in rows]
    found = {way: judged(way, session, archs, accuracy, options) for way in options.ways}
    speeds = timed(options)
    print(" ".join(["python tools/study_narrowing.py", *arguments]))
    print("\n| way | alphas: all | best quarter | inherited: all | best quarter | x plain's steps per second | of its "
          "memory kept |\n|---|---|---|---|---|---|---|")
    for way in options.ways:
        print(f"| {way} | {' | '.join([*found[way], *speeds[way]])} |")


def judged(way: str, session: Session, archs: list, accuracy: np.ndarray, options: argparse.Namespace) -> list[str]:
    """Return tau of the alphas and of inherited accuracy."""
    cells, given, share, narrow = WAYS[way]
    settings = replace(session.settings.search, share=share, bottleneck=options.bottleneck if narrow else 1)
    folder = options.out / f"{way.replace(':', '').replace(',', '').replace(' ', '_')}-{options.seed}"
    skeleton = session.settings.space.search_skeleton
    with built_of(cells, given):
        result = search(session.space, session.dataset, Budget(), [], settings, session.settings.train, options.seed,
                        folder=folder, skeleton=skeleton)
        learner = BilevelTrainer(session.space, session.dataset, Budget(), [], settings, options.seed, skeleton,
                          torch.device("cpu"), ALONE)
        learner.begin_from(folder)
        votes = (total_scores([np.array(row) for row in result.scores], np.array([arch.choices for arch in archs])),
                 inherited(session, learner, archs, options.images))
    taus = [part for vote in votes for part in interval(vote, accuracy)]
    print(f"{way}: {taus}", file=sys.stderr, flush=True)
    return taus


def timed(options: argparse.Namespace) -> dict[str, list[str]]:
    """Return speed and memory of a step relative to the plain supernet's, all taking turns."""
    bench = argparse.Namespace(space="nasbench201", device="cpu", channels=16, cells=options.cells_timed, batch=64,
                               size=32, channels_last=False)
    steppers = {}
    for way, (cells, given, share, narrow) in WAYS.items():
        if way in options.ways or way == next(iter(WAYS)):
            with built_of(cells, given):
                steppers[way] = Stepper((options.bottleneck if narrow else 1, share), bench)
    kept = {way: stepper.saved_bytes() for way, stepper in steppers.items()}
    seconds = [{way: stepper.seconds(1) for way, stepper in steppers.items()} for _ in range(ROUNDS + 1)][1:]
    plain = next(iter(WAYS))
    return {way: [f"{np.median([each[plain] / each[way] for each in seconds]):.2f}", f"{kept[way] / kept[plain]:.3f}"]
            for way in steppers}


if __name__ == "__main__":
    main(sys.argv[1:])
