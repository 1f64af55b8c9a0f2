"""What can be searched: architectures as plain values, and building their networks."""

from typing import TYPE_CHECKING

from dcanas.basics.lazy import lazy

if TYPE_CHECKING:
    from dcanas.spaces.space import Space
    from dcanas.spaces.space_registry import load_space, spaces
    from dcanas.spaces.types import Architecture, CellSpec, Group, NotationError, Slot
    from dcanas.spaces.user_file import load_space_file

__getattr__ = lazy(__name__)
