"""Scoring one network: proxies are grouped by the passes they need, and every pass is run once."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from dcanas.basics.errors import UserError
from dcanas.basics.keys import derive_seed
from dcanas.proxies.errors import UnscorableError
from dcanas.proxies.proxy import ProxyScore
from dcanas.proxies.proxy_name import ProxyName
from dcanas.proxies.shared import Shared


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
    refused = {one.name: reason for one in asked if (reason := _refuse(one, batch, classes))}
    scores = {name: ProxyScore(math.nan, reason, 0.0) for name, reason in refused.items()}
    possible = [one for one in asked if one.name not in refused]
    together = [one for one in possible if one.proxy.needs]
    try:
        with torch.random.fork_rng([batch.device] if batch.device.type == "cuda" else []), torch.enable_grad():
            torch.manual_seed(derive_seed(seed, "proxy", "network"))  # dropout and the like
            if together:
                needs = frozenset(need for one in together for need in one.proxy.needs)
                collect = [kind for one in together for kind in one.proxy.collect]
                scores |= _together(together, Shared(net, batch, classes, seed, needs, collect))
            shared = Shared(net, batch, classes, seed)  # the shared pass and its graph are freed
            scores |= {one.name: _timed(one, shared) for one in possible if not one.proxy.needs}
    except RuntimeError as error:
        if not isinstance(error, torch.OutOfMemoryError) and "can't allocate memory" not in str(error):
            raise
        raise UserError(f"Out of memory on {batch.device} with {len(batch)} images of {tuple(batch.shape[1:])}: take a "
                        "smaller batch.") from error
    return {one.name: scores[one.name] for one in asked}


def _together(asked: Sequence[ProxyName], shared: Shared) -> dict[str, ProxyScore]:
    start = time.perf_counter()
    try:
        _ = shared.main
    except UnscorableError as reason:
        spent = (time.perf_counter() - start) / len(asked)
        return {one.name: ProxyScore(math.nan, str(reason), spent) for one in asked}
    share = (time.perf_counter() - start) / len(asked)
    return {one.name: _timed(one, shared, share) for one in asked}


def _timed(one: ProxyName, shared: Shared, share: float = 0.0) -> ProxyScore:
    start = time.perf_counter()
    try:
        value, status = float(one.proxy(shared, *one.options)), "ok"
    except UnscorableError as reason:
        value, status = math.nan, str(reason)
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
