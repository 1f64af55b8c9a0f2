"""Latencies that a profile says are predicted: learnt from a few networks that the device, or its own table, tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dcanas.costs import CostModel
from dcanas.hardware import Device
from dcanas.hardware.latency.few_shot_fit import Ask, ask_device, ask_table, learn_latency
from dcanas.hardware.latency.predictor import MEASURE, LatencyPredictor
from dcanas.hardware.latency.table_costs import covering_table

if TYPE_CHECKING:
    from dcanas.pipeline.session import Session


def learnt_latency(session: Session, device: Device, stated: Mapping[str, Any]) -> list[CostModel]:
    """Return the predictor, where latency is limited, predicted, and can be learnt; it says what from."""
    if "latency_ms" not in stated or device.source("latency_ms") != "predicted":
        return []
    found = asking(session, device)
    if found is None:
        return []
    ask, source = found
    with session.display.measuring(f"Learning the latency of {session.space.name} on {device.name}"):
        predictor = learn_latency(session.space, device, ask, session.dataset.shape, len(session.dataset.classes),
                                  session.settings.seed, **session.skeleton)
    session.display.say(f"  latency is predicted from {MEASURE} networks {source}, starting from {predictor.basis}; "
                        f"networks like them differ by {100 * predictor.posterior.noise:.0f} % from what is predicted")
    return [predictor]


def learnt_of(costs: Sequence[CostModel]) -> LatencyPredictor | None:
    """Return the predictor among a device's costs, where there is one."""
    return next((cost for cost in costs if isinstance(cost, LatencyPredictor)), None)


def asking(session: Session, device: Device) -> tuple[Ask, str] | None:
    """Return what tells latencies, and how they are obtained: "measured", "looked up"; None where nothing does."""
    shape, classes = session.dataset.shape, len(session.dataset.classes)
    if device.connection is not None:
        folder = session.folder / "latency" / device.name
        return ask_device(session.space, device, folder, shape, classes, session.settings.seed,
                          **session.skeleton), "measured"
    table = covering_table(session.space, device, "latency_ms", shape, classes, **session.skeleton)
    return None if table is None else (ask_table(table), "looked up")
