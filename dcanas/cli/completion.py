"""`dcanas completion bash|zsh|fish`: a script that completes commands, names and settings; imports nothing heavy.

The script asks `dcanas completion words ...` for the words that may come next, so the user's own devices and
experiments are completed too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dcanas.basics.errors import UserError, unknown
from dcanas.basics.resources import resource_folder
from dcanas.cli.catalogue import COMMANDS
from dcanas.pipeline.conf_folders import preset_stems

GROUPS = ("space", "data", "search", "train", "experiment")
KINDS = ("spaces", "data", "devices", "costs", "searches", "recipes", "experiments", "proxies", "attacks")
OTHERS = {"doctor": ("--clean", "--report", "device="), "completion": ("bash", "zsh", "fish"), "list": KINDS}
SCRIPTS = {
    "bash": """_dcanas() {
  local line="${COMP_LINE:0:COMP_POINT}"; local current="${line##* }"
  local IFS=$'\\n' found=($(dcanas completion words "${COMP_WORDS[1]}" "$current" 2>/dev/null))
  local head="${current%${COMP_WORDS[COMP_CWORD]}}"
  [[ "${COMP_WORDS[COMP_CWORD]}" == "=" ]] && head="$current"
  COMPREPLY=("${found[@]#"$head"}")
  [[ ${#found[@]} == 1 && "${found[0]}" == *= ]] && compopt -o nospace
}
complete -o default -F _dcanas dcanas
""",
    "zsh": """#compdef dcanas
_dcanas() {
  local -a found; found=("${(@f)$(dcanas completion words "${words[2]}" "${words[CURRENT]}" 2>/dev/null)}")
  compadd -S '' -Q -- $found
}
compdef _dcanas dcanas
""",
    "fish": """function _dcanas
  set -l line (commandline -opc)
  dcanas completion words "$line[2]" (commandline -ct) 2>/dev/null
end
complete -c dcanas -f -a '(_dcanas)'
""",
}
UNINSTALL = {"bash": "complete -r dcanas", "zsh": "compdef -d dcanas", "fish": "complete -c dcanas -e"}


def main(command: str, arguments: Sequence[str]) -> int:
    if arguments[:1] == ["words"]:
        command, current = ([*arguments[1:], "", ""])[:2]
        print("\n".join(words("" if command == current else command, current)))
        return 0
    if len(arguments) != 1:
        raise UserError(f"`dcanas completion` takes one of {', '.join(SCRIPTS)}; for bash: "
                        "eval \"$(dcanas completion bash)\".")
    if arguments[0] not in SCRIPTS:
        raise unknown("shell", arguments[0], SCRIPTS)
    print(SCRIPTS[arguments[0]], end="")
    return 0


def script(asked: str) -> str:
    """Return the script that `--shell-completion` asks for, such as "install=bash"; raises `UserError` for another."""
    what, _, shell = asked.partition("=")
    if what not in ("install", "uninstall") or shell not in SCRIPTS:
        raise UserError(f"--shell-completion takes install=SHELL or uninstall=SHELL with {', '.join(SCRIPTS)}, got "
                        f"{asked!r}.")
    return SCRIPTS[shell] if what == "install" else UNINSTALL[shell]


def words(command: str, current: str) -> list[str]:
    """Return the words that may complete `current`, in alphabetical order; command: empty while it is typed."""
    if not command:
        offered: set[str] = set(COMMANDS)
    elif command in OTHERS:
        offered = set(OTHERS[command])
    else:
        offered = set(_settings(current))
    return sorted(word for word in offered if word.startswith(current))


def _settings(current: str) -> Iterator[str]:
    """Yield settings as `key=`, and for a key that names one of several things, `key=NAME`."""
    key = current.partition("=")[0]
    if "=" not in current:
        yield from (f"{name}=" for name in (*GROUPS, *_keys()))
    elif key in GROUPS:
        yield from (f"{key}={name}" for name in preset_stems(key))
    elif key == "device":
        yield from (f"device={path.stem}" for path in resource_folder("hardware_profiles").glob("*.yaml"))


def _keys() -> Iterator[str]:
    """Yield the keys of all settings and options, whatever the search."""
    from dcanas.basics.fields import described
    from dcanas.pipeline.settings import Options, Settings
    from dcanas.search.searches import SETTINGS, settings_class

    for rows in (described(Settings), described(Options), *(described(settings_class(s), "search") for s in SETTINGS)):
        yield from (key for key, *_ in rows if key != "search")
