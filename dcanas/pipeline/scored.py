"""What `dcanas score` scores: which networks, on which batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from dcanas.basics.errors import UserError, unknown
from dcanas.basics.files import read_json
from dcanas.basics.keys import derive_seed
from dcanas.costs.members import as_architecture, member_choices
from dcanas.pipeline.session import Session
from dcanas.proxies import list_proxies
from dcanas.proxies.columns import read_architectures
from dcanas.proxies.initialisation import check_initialisation
from dcanas.proxies.proxy import Asked
from dcanas.proxies.table import Scoring
from dcanas.search.feasible import FeasibleMembers
from dcanas.search.zero_shot.zero_shot_settings import IMAGES
from dcanas.spaces import Architecture

PATIENCE = 100  # draws per network wanted, before a sample ends


@dataclass(frozen=True)
class ScoreOptions:
    """The keys of `conf/command/score.yaml`; raises `UserError` for values that do not exist."""

    architecture: str | None
    list: str | None
    n: int | str | None
    names: tuple[str, ...]
    batch_size: int
    images: str
    initialisation: str
    workers: int
    against: str | None
    column: str | None
    k: int

    def __post_init__(self) -> None:
        for name in ("batch_size", "workers", "k"):
            if getattr(self, name) < 1:
                raise UserError(f"{name} must be a whole number from 1, got {getattr(self, name)}.")
        if self.n is not None and self.n != "all" and (not isinstance(self.n, int) or self.n < 1):
            raise UserError(f"n must be a whole number from 1, or all, got {self.n!r}.")
        if not self.names:
            raise UserError("names must name at least one proxy; `dcanas list proxies` shows them.")
        for name in self.proxies:
            Asked.parse(name)
        if self.images not in IMAGES:
            raise unknown("images", self.images, IMAGES)
        check_initialisation(self.initialisation)

    @property
    def proxies(self) -> tuple[str, ...]:
        """Names of all proxies wanted."""
        return tuple(list_proxies()) if self.names == ("all",) else tuple(dict.fromkeys(self.names))


def networks(session: Session, options: ScoreOptions) -> list[Architecture]:
    """Return the architectures to be scored; raises `UserError` where none or several ways to name them are stated."""
    space = session.space
    ways = {"architecture=": options.architecture, "list=": options.list, "n=": options.n,
            "source=": session.options.source}
    stated = [key for key, value in ways.items() if value is not None]
    if len(stated) != 1:
        raise UserError(f"Say which networks, by one of architecture='...', list=FILE, n=N, n=all or source=DIR; got "
                        f"{' and '.join(stated) or 'none of them'}.")
    if options.n is None and session.settings.budget and session.options.source is None:
        raise UserError(f"A budget restricts what n= draws; with {stated[0]} drop "
                        f"budget.{min(session.settings.budget)}.")
    if options.architecture is not None:
        return [space.parse(options.architecture)]
    if options.list is not None:
        return read_architectures(Path(options.list).expanduser(), space)
    if session.options.source is not None:
        return _derived(session, Path(session.options.source))
    return _sampled(session, options.n)


def _derived(session: Session, source: Path) -> list[Architecture]:
    found = sorted(source.glob("derived/*/architecture.json"))
    if not found:
        raise UserError(f"{source} has derived no network yet; finish that run, or name the network by architecture=.")
    return list(dict.fromkeys(session.space.parse(read_json(path)["architecture"]) for path in found))


def _sampled(session: Session, count: int | str | None) -> list[Architecture]:
    """Return different members, within the budget where one is stated, in an order that the seed decides."""
    space, seed = session.space, derive_seed(session.settings.seed, "score", "networks")
    (device, *_) = session.devices
    members = FeasibleMembers(space, session.budget(device), session.costs(device), session.settings.seed) \
        if session.settings.budget else None
    if space.enumerable:
        choices = member_choices(space) if members is None else members.listed()
        if count == "all":
            return [as_architecture(space, row) for row in choices]
        wanted = int(count or 0)
        if wanted > len(choices):
            raise UserError(f"{space.name} has {len(choices):,} members{' within the budget' if members else ''}, "
                            f"asked for n={wanted:,}; use n=all.")
        order = np.random.default_rng(seed).permutation(len(choices))
        return [as_architecture(space, choices[i]) for i in order[:wanted]]
    if count == "all":
        raise UserError(f"{space.name} is too large to be scored as a whole; say how many with n=N.")
    wanted, rng = int(count or 0), np.random.default_rng(seed)
    drawn = (space.sample(rng) if members is None else members.sample(rng) for _ in range(PATIENCE * wanted))
    different = list(islice(_distinct(drawn), wanted))
    if len(different) < wanted:
        raise UserError(f"Only {len(different)} different members of {space.name} within the budget turned up, asked "
                        f"for n={wanted}; ask for fewer or loosen the budget.")
    return different


def _distinct(archs: Iterator[Architecture]) -> Iterator[Architecture]:
    seen: set[Architecture] = set()
    for arch in archs:
        if arch not in seen:
            seen.add(arch)
            yield arch


def scoring(session: Session, names: Sequence[str], batch_size: int, images: str, initialisation: str) -> Scoring:
    """Return how networks are scored: the final network on a batch of training images, or of noise like them.

    The images are drawn from the training split by the run's seed and normalised as the delivered network does it.
    Raises `UserError` where there are too few.
    """
    dataset, settings = session.dataset, session.settings
    if batch_size > len(dataset.train):
        raise UserError(f"The training split has {len(dataset.train)} images, fewer than the batch of {batch_size}; "
                        "take a smaller batch_size.")
    rng = np.random.default_rng(derive_seed(settings.seed, "score", "images"))
    chosen = np.sort(rng.choice(dataset.train, batch_size, replace=False))
    if images == "noise":
        batch = rng.normal(size=(batch_size, *dataset.shape))
    else:
        mean, std = (np.reshape(values, (1, -1, 1, 1)) for values in (dataset.mean, dataset.std))
        batch = (dataset.images[chosen] / 255 - mean) / std
    return Scoring(session.space.name, tuple(names), batch.astype(np.float32), dataset.labels[chosen].astype(np.int64),
                   len(dataset.classes), settings.seed, session.skeleton, initialisation, settings.space.file,
                   session.compute.type)
