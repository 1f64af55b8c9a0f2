"""What a finished run found, read from its directory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from dcanas.api.gallery import SCHEME, gallery_network
from dcanas.api.network import Network
from dcanas.basics.errors import UserError, unknown
from dcanas.basics.mapping import from_mapping
from dcanas.basics.typed_path import typed_path
from dcanas.report.delivery import RIVAL, SEARCHED, Delivery, delivery
from dcanas.report.front import members_of
from dcanas.report.record import DeviceRecord, RunRecord, read_run

if TYPE_CHECKING:
    from torch import nn

InGallery = Literal["gallery:digits", "gallery:grocery", "gallery:spoken_digits", "gallery:trash"]


@dataclass(frozen=True)
class Run(Network):
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

    @property
    def _content(self) -> Mapping[str, Any]:
        return self._shipped.certificate

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

        from dcanas.pipeline.delivered import delivered_model
        from dcanas.pipeline.own_files import run_space
        from dcanas.pipeline.settings import Settings, stored_settings

        run_space(from_mapping(Settings, stored_settings(self.directory)))  # the user's own file, if it is one
        data = self.certificate.content["data"]
        with torch.random.fork_rng(devices=[]):
            return delivered_model(self._shipped.folder, data["input_shape"][0], data["classes"])

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

    @cached_property
    def _shipped(self) -> Delivery:
        found = delivery(self._record, self._made, self._which)
        assert found is not None  # the run is finished
        return found

    @property
    def _made(self) -> DeviceRecord:
        """What was made for the device."""
        return next(made for made in self._record.devices if made.name == self.device)


@overload
def load(directory: InGallery) -> Network: ...  # type: ignore[overload-overlap]  # this is no directory


@overload
def load(directory: Path | str) -> Run: ...


def load(directory: Path | str) -> Network:
    """Return the finished run in a directory, or a network that comes with this package.

    Args:
        directory: of the run; or "gallery:NAME", with NAME `digits`, `grocery`, `spoken_digits` or `trash`.

    Raises:
        UserError: there is no run, it is not finished, or it is damaged; or there is no such network in the gallery.
    """
    if isinstance(directory, str) and directory.startswith(SCHEME):
        return gallery_network(directory.removeprefix(SCHEME))
    folder = typed_path(directory)
    record = read_run(folder)
    coming = record.next_stage()
    if coming is not None:
        again = record.ending.get("command")
        raise UserError(f"The run in {folder} is not finished: {coming} has not run"
                        f"{f'; `{again}` goes on from there' if again else ''}.")
    return Run(folder, record.settings["device"][0], record)
