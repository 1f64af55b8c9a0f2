"""What can be searched: architectures as plain values, and building their networks."""

from dcanas.spaces.darts import darts as _darts  # noqa: F401 (registers itself)
from dcanas.spaces.fbnet import fbnet as _fbnet  # noqa: F401 (registers itself)
from dcanas.spaces.mobilenetv2 import mobilenetv2 as _mobilenetv2  # noqa: F401 (registers itself)
from dcanas.spaces.nasbench201 import nasbench201 as _nasbench201  # noqa: F401 (registers itself)
from dcanas.spaces.resnet import resnet as _resnet  # noqa: F401 (registers itself)
from dcanas.spaces.space import Space, load_space, spaces
from dcanas.spaces.types import Architecture, CellSpec, Group, NotationError, Slot
from dcanas.spaces.user_file import load_space_file

__all__ = ["Architecture", "CellSpec", "Group", "NotationError", "Slot", "Space", "load_space", "load_space_file",
           "spaces"]
