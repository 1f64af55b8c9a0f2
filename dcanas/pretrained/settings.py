"""What the user asks about weights to start from."""

from __future__ import annotations

from dataclasses import dataclass

from dcanas.basics.errors import UserError
from dcanas.basics.fields import check, choice, setting
from dcanas.pretrained.sources import NAMES, SOURCES

SIDES = range(32, 225, 8)  # pixels of the shorter side of the images that parts of a pretrained network take
ANY = ("auto", "file", *NAMES)
LOADABLE = tuple(source.name for source in SOURCES if source.enum)


@dataclass(frozen=True)
class PretrainedSettings:
    """Weights to start from (configuration group `pretrained`).

    Raises `UserError` naming the setting, what is allowed and the value.
    """

    name: str = choice("auto", ("auto", "none", "file", *NAMES),
                       "whose weights; auto: those that are installed, if any; file: those in pretrained.file, "
                       "recognised by names and shapes")
    file: str | None = setting(None, "file of weights: a state dict, or a checkpoint that holds one", name=ANY)
    download: bool = setting(False, "let torchvision download its weights if they are not here", name=LOADABLE)

    def __post_init__(self) -> None:
        check(self, "pretrained")
        if self.name == "file" and self.file is None:
            raise UserError("pretrained=file needs the file: set pretrained.file=FILE.")
