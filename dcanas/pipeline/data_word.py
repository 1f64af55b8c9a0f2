"""A word that names data: a folder of images if there is one of that name, else a named data set."""

from __future__ import annotations

from dcanas.basics.errors import UserError, nearest
from dcanas.basics.typed_path import typed_path
from dcanas.pipeline.preset_files import preset_names
from dcanas.training.folder_walk import unpacking


def data_word(word: str) -> dict[str, str]:
    """Return the settings that a word stands for; raises `UserError` if it names neither a folder nor a data set."""
    if typed_path(word).is_dir():
        return {"data": "folder", "data.root": word}
    file = typed_path(word)
    if file.is_file() and (command := unpacking(file)):
        raise UserError(f"{word} is an archive, and a folder is needed: `{command}` unpacks it.")
    names = preset_names("data")
    if word in names:
        return {"data": word}
    several = word.split(",")
    if len(several) > 1 and all(part in names for part in several):
        raise UserError(f"{word!r} names several data sets; type data={word} and -m to make a run of each.")
    if len(several) > 1 and all(typed_path(part).is_dir() for part in several):
        raise UserError(f"{word!r} names several folders; type data=folder data.root={word} and -m to make a run of "
                        "each.")
    close = nearest(word, names)
    hint = f"; did you mean {close!r}?" if close else f" ({', '.join(names)})."
    raise UserError(f"{word!r} is neither a folder nor the name of a data set{hint}")
