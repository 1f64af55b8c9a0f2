"""The flags of commands that take settings: those of a Hydra application, read in any order among the overrides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from dcanas.basics.errors import UserError, unknown
from dcanas.pipeline.data_word import data_word

SHORT = {"-m": "--multirun", "-r": "--run", "-c": "--cfg", "-p": "--package", "-i": "--info", "-cd": "--config-dir",
         "-sc": "--shell-completion", "-cn": "--config-name", "-cp": "--config-path", "-h": "--help"}
CFG, INFO = ("job", "hydra", "all"), ("all", "config", "defaults", "defaults-tree", "plugins", "searchpath")
SWITCHES = {"--multirun": "multirun", "--resolve": "resolve", "--run": "run", "--version": "version",
            "--hydra-help": "hydra_help", "--quiet": "quiet", "--verbose": "verbose"}
WITH_WORD = {"--package": "package", "--config-dir": "config_dirs", "--shell-completion": "completion"}
OFFERED = {"--cfg": ("cfg", CFG), "--info": ("info", INFO)}  # the word may be left out
ELSEWHERE = {
    "--config-name": "presets of a whole run are experiments: experiment=NAME",
    "--config-path": "folders of your own presets are joined with ours: --config-dir DIR, or DCANAS_CONF",
    "--experimental-rerun": "a run is repeated by `dcanas reproduce source=DIR`",
}
KNOWN = (*SWITCHES, *WITH_WORD, *OFFERED, *ELSEWHERE, *SHORT, "--help")


@dataclass
class Flags:
    """What flags ask for.

    Attributes:
        cfg, info: what is to be printed instead of a run; empty: nothing; "page": `--cfg` without a word.
        package: key of the part that `--cfg` prints; empty: all.
        completion: what follows `--shell-completion`, such as "install=bash".
        words: what stands between the flags.
    """

    multirun: bool = False
    run: bool = False
    resolve: bool = False
    version: bool = False
    hydra_help: bool = False
    quiet: bool = False
    verbose: bool = False
    cfg: str = ""
    info: str = ""
    package: str = ""
    completion: str = ""
    config_dirs: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)

    @property
    def level(self) -> str:
        """How much is shown of a run: quiet, normal or verbose."""
        return "quiet" if self.quiet else "verbose" if self.verbose else "normal"


def read_flags(arguments: Sequence[str]) -> Flags:
    """Return what a command's arguments ask for.

    Raises:
        UserError: a flag does not exist, means nothing here, lacks its word, or does not go with another.
    """
    made, rest = Flags(), list(arguments)
    while rest:
        text = rest.pop(0)
        if not text.startswith("-"):
            made.words.append(text)
            continue
        typed, equals, word = text.partition("=")
        flag = SHORT.get(typed, typed)
        if flag in ELSEWHERE:
            raise UserError(f"{typed} is not used here: {ELSEWHERE[flag]}.")
        if flag in SWITCHES and not equals:
            setattr(made, SWITCHES[flag], True)
        elif flag in WITH_WORD:
            _store(made, flag, typed, word if equals else rest.pop(0) if rest else "")
        elif flag in OFFERED:
            name, offered = OFFERED[flag]
            if not equals:
                word = rest.pop(0) if rest and rest[0] in offered else {"cfg": "page", "info": "all"}[name]
            elif word not in offered:
                raise unknown(f"form of {flag}", word, offered)
            setattr(made, name, word)
        else:
            raise unknown("option", text, KNOWN)
    _check_together(made)
    return made


def _store(made: Flags, flag: str, typed: str, word: str) -> None:
    if not word:
        what = {"--package": "the key of a group, such as search", "--config-dir": "a folder",
                "--shell-completion": "install=SHELL or uninstall=SHELL"}[flag]
        raise UserError(f"{typed} needs {what} behind it.")
    there: Any = getattr(made, WITH_WORD[flag])
    setattr(made, WITH_WORD[flag], [*there, word] if isinstance(there, list) else word)


def _check_together(made: Flags) -> None:
    """Refuse flags that need another."""
    if sum(map(bool, (made.run, made.multirun, made.cfg, made.info, made.completion))) > 1 and \
            not (made.multirun and made.cfg):
        raise UserError("Only one of --run, --multirun, --cfg, --info and --shell-completion can be given; --cfg also "
                        "shows the runs of --multirun.")
    if made.quiet and made.verbose:
        raise UserError("Only one of --quiet and --verbose can be given.")
    if (made.resolve or made.package) and not made.cfg:
        flag = "--resolve" if made.resolve else "--package"
        raise UserError(f"{flag} says how --cfg prints settings; add --cfg job.")


def as_overrides(words: Sequence[str]) -> list[str]:
    """Return words as overrides, those that name data as the settings they stand for; raises as `data_word` does."""
    return [text for word in words for text in
            ([word] if is_override(word) else [f"{key}={value}" for key, value in data_word(word).items()])]


def is_override(text: str) -> bool:
    """Return whether a word is an override; a path that holds "=" is written as one: `./a=b`, `~/a=b`."""
    return not text.startswith(("/", "./", "../", "~/")) and ("=" in text or text.startswith("~"))
