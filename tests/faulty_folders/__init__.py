"""Folders of images as people have them: with a fault of a kind, or sound and only like one with a fault."""

from faulty_folders import files, layouts, sound, values
from faulty_folders.base import FAULTY, SOUND, Case, Right, Said

__all__ = ["FAULTY", "SOUND", "Case", "Right", "Said", "files", "layouts", "sound", "values"]
