"""Weights that exist before the search: known sources, reading, recognising and cutting them."""

from typing import TYPE_CHECKING

from dcanas.basics.lazy import lazy

if TYPE_CHECKING:
    from dcanas.pretrained.conditions import other_conditions
    from dcanas.pretrained.find import find_weights, installed
    from dcanas.pretrained.load import Pretrained, load_pretrained
    from dcanas.pretrained.recognise import Recognised, best_fits, recognise
    from dcanas.pretrained.record import TakenOver
    from dcanas.pretrained.settings import PretrainedSettings
    from dcanas.pretrained.slices import slice_state, start_from_slice
    from dcanas.pretrained.sources import SOURCES, Source
    from dcanas.pretrained.weights_file import WeightsFile, bare_names, read_weights

__all__ = ["SOURCES", "Pretrained", "PretrainedSettings", "Recognised", "Source", "TakenOver", "WeightsFile",
           "bare_names", "best_fits", "find_weights", "installed", "load_pretrained", "other_conditions",
           "read_weights", "recognise", "slice_state", "start_from_slice"]

__getattr__ = lazy(__name__, {
    "conditions": ["other_conditions"],
    "find": ["find_weights", "installed"],
    "load": ["Pretrained", "load_pretrained"],
    "recognise": ["Recognised", "best_fits", "recognise"],
    "record": ["TakenOver"],
    "settings": ["PretrainedSettings"],
    "slices": ["slice_state", "start_from_slice"],
    "sources": ["SOURCES", "Source"],
    "weights_file": ["WeightsFile", "bare_names", "read_weights"],
})
