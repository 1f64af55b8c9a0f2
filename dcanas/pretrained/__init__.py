"""Weights that exist before the search: known sources, reading, recognising and cutting them."""

from typing import TYPE_CHECKING

from dcanas.basics.lazy import lazy

if TYPE_CHECKING:
    from dcanas.pretrained.conditions import other_conditions
    from dcanas.pretrained.find import find_weights, installed
    from dcanas.pretrained.load import Pretrained, load_pretrained
    from dcanas.pretrained.parts import PretrainedParts
    from dcanas.pretrained.recognise import Recognised, best_fits, recognise
    from dcanas.pretrained.record import TakenOver
    from dcanas.pretrained.settings import PretrainedSettings
    from dcanas.pretrained.slices import slice_state, start_from_slice
    from dcanas.pretrained.sources import SOURCES, Source
    from dcanas.pretrained.weights_file import WeightsFile, bare_names, read_weights

__getattr__ = lazy(__name__)
