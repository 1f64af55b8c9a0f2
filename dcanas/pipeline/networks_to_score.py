"""The networks that `dcanas score` scores."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dcanas.basics.errors import UserError
from dcanas.basics.keys import derive_seed
from dcanas.basics.typed_path import typed_path
from dcanas.costs.members import as_architecture, member_choices
from dcanas.pipeline.command_options import ScoreOptions
from dcanas.pipeline.context import Context
from dcanas.proxies.columns import read_architectures
from dcanas.report.kinds import read_result
from dcanas.search.feasible import FeasibleMembers
from dcanas.spaces import Architecture

PATIENCE = 100  # draws per network wanted, before a sample ends


def networks_to_score(run: Context, options: ScoreOptions) -> list[Architecture]:
    """Return the architectures that the options name.

    Raises:
        UserError: none or several ways to name them are stated, or the networks do not exist.
    """
    space = run.space
    ways = {"architecture=": options.architecture, "list=": options.list, "n=": options.n,
            "source=": run.options.source}
    stated = [key for key, value in ways.items() if value is not None]
    if len(stated) != 1:
        raise UserError(f"Say which networks, by one of architecture='...', list=FILE, n=N, n=all or source=DIR; got "
                        f"{' and '.join(stated) or 'none of them'}.")
    if options.n is None and run.settings.budget and run.options.source is None:
        raise UserError(f"A budget restricts what n= draws; with {stated[0]} drop "
                        f"budget.{min(run.settings.budget)}.")
    if options.architecture is not None:
        return [space.parse(options.architecture)]
    if options.list is not None:
        return read_architectures(typed_path(options.list), space)
    if run.options.source is not None:
        return _derived(run, Path(run.options.source))
    return _sampled(run, options.n)


def _derived(run: Context, source: Path) -> list[Architecture]:
    found = sorted(source.glob("derived/*/architecture.json"))
    if not found:
        raise UserError(f"{source} has derived no network yet; finish that run, or name the network by architecture=.")
    return list(dict.fromkeys(run.space.parse(read_result(path)["architecture"]) for path in found))


def _sampled(run: Context, count: int | str | None) -> list[Architecture]:
    """Return different members, within the budget if one is stated, in an order that the seed decides."""
    space, seed = run.space, derive_seed(run.settings.seed, "score", "networks")
    (device, *_) = run.devices
    members = FeasibleMembers(space, run.book(device).budget, run.book(device).costs, run.settings.seed) \
        if run.settings.budget else None
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
    different: dict[Architecture, None] = {}
    for _ in range(PATIENCE * wanted):
        different[space.sample(rng) if members is None else members.sample(rng)] = None
        if len(different) == wanted:
            return list(different)
    raise UserError(f"Only {len(different)} different members of {space.name} within the budget turned up, asked for "
                    f"n={wanted}; ask for fewer or loosen the budget.")
