"""`python -m tools NAME [key=value ...]` runs a tool; without a name it lists them."""

from __future__ import annotations

import ast
import importlib
import sys
from pathlib import Path

from dcanas.basics.errors import UserError, unknown
from tools.arguments import call, help_of

HELP = {"-h", "--help"}


def tools() -> dict[str, str]:
    """Return the name of every tool (a module here with a function `main`) and the first line of its docstring."""
    trees = {path.stem: ast.parse(path.read_text(encoding="utf-8"))
             for path in sorted(Path(__file__).parent.glob("[a-z]*.py"))}
    return {name: (ast.get_docstring(tree) or "").partition("\n")[0] for name, tree in trees.items()
            if any(isinstance(part, ast.FunctionDef) and part.name == "main" for part in tree.body)}


def main(words: list[str]) -> int:
    """Run one tool and return the exit code: 2 for what the user can correct."""
    known = tools()
    if not words or words[0] in HELP:
        print("Usage: python -m tools NAME [key=value ...]; python -m tools NAME --help\n")
        print("\n".join(f"  {name:<26}{text}" for name, text in known.items()))
        return 0
    name, *options = words
    try:
        if name not in known:
            raise unknown("tool", name, known)
        module = importlib.import_module(f"tools.{name}")
        if HELP & set(options):
            print(help_of(name, module))
        else:
            print(" ".join(["python -m tools", *words]), flush=True)
            call(module.main, options)
    except (UserError, OSError) as error:
        print(f"tools {name}: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
