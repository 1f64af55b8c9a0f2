"""What a finished run found, read from its directory."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dcanas.api.certificate import Certificate, typed_certificate
from dcanas.basics.errors import UserError, unknown
from dcanas.basics.files import read_json
from dcanas.basics.mapping import from_mapping
from dcanas.basics.typed_path import typed_path
from dcanas.export import as_floats, onnx_predict, open_session
from dcanas.export.infer import probabilities
from dcanas.report.delivery import RIVAL, SEARCHED, Delivery, delivery
from dcanas.report.front import members_of
from dcanas.report.record import DeviceRecord, RunRecord, read_run
from dcanas.training.array_input import as_pixels

if TYPE_CHECKING:
    from torch import nn

CHUNK = 1024  # images as floats in memory at a time


@dataclass(frozen=True)
class Run:
    """A finished run and what it ships for one device; `run[device]` is what it ships for another.

    A run that compared the searched network with a rival ships the recommended one; `run.searched` and `run.rival` are
    either of them.

    Attributes:
        directory: of the run; among others it holds `report.html`.
        device: name of the device: the first one that was asked for, unless another is chosen.
    """

    directory: Path
    device: str
    _record: RunRecord = field(repr=False, compare=False)
    _which: str | None = field(default=None, repr=False)

    @property
    def devices(self) -> tuple[str, ...]:
        """Names of all devices that the run was for."""
        return tuple(self._record.settings["device"])

    def __getitem__(self, device: str) -> Run:
        """Return what the run delivers for another of its devices; raises `UserError` if it is none of them."""
        if device not in self.devices:
            raise unknown("device of this run", device, self.devices)
        return replace(self, device=device)

    @property
    def which(self) -> str:
        """Which network this is: "searched", or the "rival" that it was compared with."""
        return self._shipped.which

    @property
    def searched(self) -> Run:
        """The searched network, recommended or not."""
        return replace(self, _which=SEARCHED)

    @property
    def rival(self) -> Run:
        """The network that the searched one was compared with; raises `UserError` if there is none."""
        found = replace(self, _which=RIVAL)
        _ = found._shipped
        return found

    @cached_property
    def certificate(self) -> Certificate:
        """What was promised, predicted and measured."""
        return typed_certificate(self._shipped.certificate)

    @property
    def bundle(self) -> Path:
        """Folder to hand over: the ONNX file, class names, test images and a script that runs without this package."""
        return self._shipped.bundle

    @property
    def onnx(self) -> Path:
        """The delivered file. Shape: float32 (1, C, H, W) in [0, 1] -> logits (1, classes)."""
        return self._shipped.onnx

    @cached_property
    def model(self) -> nn.Module:
        """The trained network with its normalisation, in evaluation mode on the CPU.

        Shape: float32 (N, C, H, W) in [0, 1] -> logits (N, classes).
        """
        import torch  # here: candidates and certificates need none

        from dcanas.pipeline.delivered import read_model
        from dcanas.pipeline.own_files import run_space
        from dcanas.pipeline.settings import Settings, stored_settings

        run_space(from_mapping(Settings, stored_settings(self.directory)))  # the user's own file, if it is one
        data = self.certificate.content["data"]
        with torch.random.fork_rng(devices=[]):
            return read_model(self._shipped.folder, data["input_shape"][0], data["classes"])

    @cached_property
    def classes(self) -> np.ndarray:
        """The classes in the order of the network's outputs: integers if such were given as labels, else text."""
        names = (self.bundle / "labels.txt").read_text(encoding="utf-8").splitlines()
        return np.array(names, dtype=np.int64 if self.certificate.content["data"].get("integer_labels") else np.str_)

    @property
    def candidates(self) -> list[dict[str, Any]]:
        """The networks among which the derivation chose, as flat dictionaries, such as `pandas.DataFrame` takes.

        Keys: `architecture`, `score` (larger is better), `origin`, its costs by name, `validation_accuracy` (None if
        the network was not tried), and whether it was `chosen`. Empty if the score of the search alone decided.
        """
        accuracy = {member.architecture: member.accuracy for member in members_of(self._made)[1]}
        return [{"architecture": row["architecture"], "score": row["score"], "origin": row["origin"], **row["costs"],
                 "validation_accuracy": accuracy.get(row["architecture"]),
                 "chosen": row["architecture"] == self._made["architecture"]["architecture"]}
                for row in self._made["pool"] or ()]

    def predict(self, images: Any) -> np.ndarray:
        """Return the class of each image by the delivered file, one of `classes`.

        Args:
            images: uint8, or floats in [0, 1]; (N, H, W) or (N, H, W, C). Those of another size are cropped and
                resized as `infer.py` of the bundle does.

        Raises:
            UserError: the images are of another type, or the network takes colour images and these are grey.
        """
        return np.asarray(self.classes[self.predict_proba(images).argmax(axis=1)])

    def predict_proba(self, images: Any) -> np.ndarray:
        """Return the probability of each class for each image (see `predict`), float32 (N, classes)."""
        from dcanas.training.data import refit

        pixels, steps = as_pixels(images), read_json(self.bundle / "preprocessing.json")
        if pixels.shape[3] < steps["channels"]:
            raise UserError(f"The network takes colour images (N, H, W, {steps['channels']}), got the shape "
                            f"{np.shape(images)}.")
        inputs, session = refit(pixels.transpose(0, 3, 1, 2), steps), open_session(self.onnx)
        logits = np.concatenate([onnx_predict(session, as_floats(inputs[i:i + CHUNK]))
                                 for i in range(0, len(inputs), CHUNK)])
        return np.asarray(probabilities(logits))  # type: ignore[no-untyped-call]

    @cached_property
    def _shipped(self) -> Delivery:
        found = delivery(self._record, self._made, self._which)
        assert found is not None  # the run is finished
        return found

    @property
    def _made(self) -> DeviceRecord:
        """What was made for the device."""
        return next(made for made in self._record.devices if made.name == self.device)


def load(directory: Path | str) -> Run:
    """Return the finished run in a directory.

    Raises:
        UserError: there is no run, it is not finished, or it is damaged.
    """
    folder = typed_path(directory)
    record = read_run(folder)
    coming = record.next_stage()
    if coming is not None:
        again = record.ending.get("command")
        raise UserError(f"The run in {folder} is not finished: {coming} has not run"
                        f"{f'; `{again}` goes on from there' if again else ''}.")
    return Run(folder, record.settings["device"][0], record)
