"""`dcanas.score`: training-free scores of networks, from Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from dcanas.api.opening import opened
from dcanas.api.request import make_request
from dcanas.basics.hooks import Hooks
from dcanas.pipeline.command_options import ScoreOptions
from dcanas.pipeline.score import score as score_networks
from dcanas.spaces import Architecture, load_space


def score(networks: int | str | Sequence[str | Architecture], proxies: Sequence[str] | None = None, *,
          data: Any = "digits", device: str | Sequence[str] = "local-cpu", budget: Mapping[str, Any] | None = None,
          space: str | None = None, seed: int = 0, directory: Path | str | None = None, progress: bool | Hooks = False,
          settings: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
    """Return the training-free scores of networks, one flat dictionary each, such as `pandas.DataFrame` takes.

    Every score is stored before the next is computed, and the same call goes on from there.

    Args:
        networks: so many different members drawn by `seed`, within `budget` if there is one; "all"; or one
            architecture in the space's notation, or several.
        proxies: names of the scores (`dcanas.list_proxies()`), or "all"; None: a few that are quick.
        data: whose training images the networks are scored on, see `dcanas.run`.
        directory: of the table; None: one in `runs/`, named by what is scored.
        device, budget, space, seed, progress, settings: see `dcanas.run`; settings also hold what `dcanas score --help`
            lists, such as {"batch_size": 32}.

    Returns:
        `architecture`, `count_params`, `count_macs`, latencies that are published, each score by name (None if it
        failed), `seconds`, and `status`: what failed, or "ok".

    Raises:
        UserError: something that was given cannot be used.
    """
    asked: dict[str, Any] = {"default_budget": None}  # only limits that are stated restrict what is drawn
    if proxies is not None:
        asked["names"] = [proxies] if isinstance(proxies, str) else proxies
    with TemporaryDirectory() as folder:
        if isinstance(networks, (int, np.integer)) or networks == "all":
            asked["n"] = networks
        elif isinstance(networks, str):
            asked["architecture"] = networks
        else:
            listed = Path(folder) / "architectures.txt"
            texts = [each if isinstance(each, str) else load_space(each.space).format(each) for each in networks]
            listed.write_text("\n".join(texts), encoding="utf-8")
            asked["list"] = listed
        request = make_request(data=data, device=device, budget=budget, seed=seed, directory=directory,
                               settings={**asked, **(settings or {})}, space=space)
        with opened(request, progress, ScoreOptions) as run:
            found = score_networks(run, run.options.own)
    costs = {f"count_{name}" if name in ("params", "macs") else name: values for name, values in found.costs.items()}
    return [{"architecture": row["architecture"], **{name: float(values[i]) for name, values in costs.items()},
             **row["scores"], "seconds": sum(row["seconds"].values()),
             "status": "; ".join(f"{name}: {why}" for name, why in row["status"].items()) or "ok"}
            for i, row in enumerate(found.rows)]
