"""Scoring one network: proxies are grouped by the passes they need, and every pass is run once."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from dcanas.basics.errors import UserError
from dcanas.basics.keys import derive_seed
from dcanas.proxies.collect import Collector
from dcanas.proxies.errors import UnscorableError
from dcanas.proxies.proxy import ProxyScore
from dcanas.proxies.proxy_name import ProxyName
from dcanas.proxies.shared import Shared


@dataclass(frozen=True)
class Plan:
    """Which proxies share the main pass and which run on copies of their own.

    Attributes:
        together: read the shared pass; they come first, then its graph is freed.
        alone: each with passes of its own, or none.
        needs, collect: what the shared pass has to compute and gather for all of `together`.
    """

    together: tuple[ProxyName, ...]
    alone: tuple[ProxyName, ...]
    needs: frozenset[str]
    collect: tuple[type[Collector], ...]


def plan(asked: Iterable[ProxyName]) -> Plan:
    """Group proxies by the passes they need."""
    together = tuple(a for a in asked if a.proxy.needs)
    collect = tuple(dict.fromkeys(kind for a in together for kind in a.proxy.collect))
    return Plan(together, tuple(a for a in asked if not a.proxy.needs),
                frozenset(need for a in together for need in a.proxy.needs), collect)


def score_network(net: nn.Module, images: Any, labels: Any = None, names: str | Sequence[str] = (),
                  seed: int = 0) -> dict[str, ProxyScore]:
    """Return the scores of `names` for one network and one batch, in the order asked.

    The network comes out as it went in: passes run on copies, random states are restored. Every random draw (noise,
    weights that a proxy draws anew) belongs to `seed`.

    Args:
        images: (N, C, H, W) floats as the network takes them.
        labels: (N,) class numbers, or None if no proxy reads them.
        names: proxies, with their options.

    Returns:
        The scores by name; the status of a score that the network does not have says why.

    Raises:
        UserError: an unknown proxy, a batch of another shape, or labels out of range.
    """
    asked = [ProxyName.parse(name) for name in ([names] if isinstance(names, str) else names)]
    batch, classes = _batch(net, images, labels)
    scores: dict[str, ProxyScore] = {}
    possible = []
    for one in asked:
        reason = _refuse(one, batch, classes)
        if reason:
            scores[one.name] = ProxyScore(math.nan, reason, 0.0)
        else:
            possible.append(one)
    steps = plan(possible)
    devices = [batch.device] if batch.device.type == "cuda" else []
    with torch.random.fork_rng(devices), torch.enable_grad():
        torch.manual_seed(derive_seed(seed, "proxy", "network"))  # dropout and the like
        shared = Shared(net, batch, classes, seed, steps.needs, steps.collect)
        if steps.together:
            scores |= _together(shared, steps)
        shared = Shared(net, batch, classes, seed, frozenset(), ())  # the pass and its graph are gone
        for one in steps.alone:
            scores[one.name] = _timed(one, shared)
    return {one.name: scores[one.name] for one in asked}


def _together(shared: Shared, steps: Plan) -> dict[str, ProxyScore]:
    start = time.perf_counter()
    try:
        _ = shared.main
    except UnscorableError as reason:
        spent = (time.perf_counter() - start) / len(steps.together)
        return {one.name: ProxyScore(math.nan, str(reason), spent) for one in steps.together}
    except RuntimeError as error:
        raise _memory(shared, error) from error
    share = (time.perf_counter() - start) / len(steps.together)
    return {one.name: _timed(one, shared, share) for one in steps.together}


def _timed(one: ProxyName, shared: Shared, share: float = 0.0) -> ProxyScore:
    start = time.perf_counter()
    try:
        value, status = float(one.proxy(shared, *one.options)), "ok"
    except UnscorableError as reason:
        value, status = math.nan, str(reason)
    except RuntimeError as error:
        raise _memory(shared, error) from error
    if status == "ok" and not math.isfinite(value):
        value, status = math.nan, f"not finite ({value})"
    return ProxyScore(value, status, share + time.perf_counter() - start)


def _refuse(one: ProxyName, images: Tensor, labels: Tensor | None) -> str:
    if len(images) < one.facts.min_images:
        return f"needs at least {one.facts.min_images} images, got {len(images)}"
    return "needs labels" if one.facts.labels and labels is None else ""


def _batch(net: nn.Module, images: Any, labels: Any) -> tuple[Tensor, Tensor | None]:
    parameter = next(net.parameters(), None)
    device = torch.device("cpu") if parameter is None else parameter.device
    dtype = torch.float32 if parameter is None else parameter.dtype
    batch = torch.as_tensor(images)
    if batch.ndim != 4 or not batch.is_floating_point() or not len(batch):
        raise UserError(f"Proxies take images as floats of shape (N, C, H, W), got {tuple(batch.shape)} of "
                        f"{str(batch.dtype).removeprefix('torch.')}.")
    batch = batch.detach().to(device, dtype)
    if labels is None:
        return batch, None
    found = torch.as_tensor(np.asarray(labels) if not isinstance(labels, Tensor) else labels)
    if found.shape != (len(batch),) or found.is_floating_point() or found.dtype == torch.bool:
        raise UserError(f"Labels must be {len(batch)} whole numbers, one per image, got shape {tuple(found.shape)} of "
                        f"{str(found.dtype).removeprefix('torch.')}.")
    return batch, found.to(device, torch.int64)


def _memory(shared: Shared, error: RuntimeError) -> Exception:
    """Return a `UserError` if memory ran out, else the error itself."""
    if not isinstance(error, torch.OutOfMemoryError) and "can't allocate memory" not in str(error):
        return error
    return UserError(f"Out of memory on {shared.images.device} with {len(shared.images)} images of "
                     f"{tuple(shared.images.shape[1:])}: take a smaller batch.")
