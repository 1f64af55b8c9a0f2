"""Train: the derived architecture from scratch on train and validation, then one look at the test split."""

from __future__ import annotations

import io
import time
from pathlib import Path
from typing import Any

import torch
from torch import nn

from dcanas.basics.checkpoints import load_weights
from dcanas.basics.files import read_json, write_bytes, write_json
from dcanas.basics.keys import derive_seed
from dcanas.commands.session import Session
from dcanas.commands.stages.deriving import derived_folder, run_derive
from dcanas.export.classifier import Classifier, Normalise
from dcanas.hardware import Device
from dcanas.spaces import Architecture
from dcanas.training import Progress, predict, summarise, train


def run_train(session: Session, device: Device) -> dict[str, Any]:
    """Return `train.json` of the device's network, trained now or before."""
    derived = run_derive(session, device)
    folder = derived_folder(session, device)
    done = folder / "train.json"
    if done.exists():
        session.display.say(f"Train for {device.name}: done before ({done})")
        return read_json(done)
    settings, dataset = session.settings, session.dataset
    model = fresh_model(session, session.space.parse(derived["architecture"]))
    start = time.monotonic()
    with session.display.stage(f"Train for {device.name}") as bar, session.interrupts.between_steps():

        def on_step(progress: Progress) -> None:
            bar.update(progress.step, progress.steps, f"epoch {progress.epoch}, loss {progress.loss:.3f}")
            if progress.row:
                session.log.write(f"train/{folder.name}", progress.step, progress.row)

        history = train(model, dataset, dataset.fit_indices, settings.train, derive_seed(settings.seed, "train"),
                        folder / "training", on_step, session.interrupts.should_stop, session.compute)
    seconds = time.monotonic() - start
    save_weights(folder / "weights.pt", model)
    logits = predict(model, dataset, dataset.test, device=session.compute)
    value = {**summarise(dataset.labels[dataset.test], logits.argmax(axis=1), dataset.classes), "split": "test",
             "trained_on": {"train": len(dataset.train), "validation": len(dataset.validation)},
             "seconds": seconds, "history": history}
    write_json(done, value)
    return value


def fresh_model(session: Session, arch: Architecture) -> nn.Module:
    """Return the network behind its input normalisation with the weights the run's seed gives it."""
    dataset = session.dataset
    torch.manual_seed(derive_seed(session.settings.seed, "weights"))
    network = session.space.build(arch, len(dataset.classes), dataset.shape[0], **session.skeleton)
    return Classifier(Normalise(dataset.mean, dataset.std), network)


def trained_model(session: Session, device: Device) -> nn.Module:
    """Return the trained network of a device, in evaluation mode on the CPU."""
    folder = derived_folder(session, device)
    model = fresh_model(session, session.space.parse(read_json(folder / "architecture.json")["architecture"]))
    model.load_state_dict(load_weights(folder / "weights.pt"))
    return model.eval()


def save_weights(path: Path, model: nn.Module) -> None:
    content = io.BytesIO()
    torch.save({name: value.cpu().contiguous() for name, value in model.state_dict().items()}, content)
    write_bytes(path, content.getvalue())
