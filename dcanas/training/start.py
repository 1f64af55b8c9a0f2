"""What a training starts from: given weights, and parameters that stay as they are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from dcanas.basics.checkpoints import load_weights
from dcanas.basics.errors import UserError

SHOWN = 4  # names of each kind in a message
INNER, OURS = "network.", "normalise."  # of a delivered model: the network itself, and its data's own normalisation


def start_from(network: nn.Module, path: str) -> str | None:
    """Copy the weights in a file into a network, in place, wherever name and shape agree.

    Names count without a leading `module.` or `network.`, and a network with a method `adapt_weights` renames those of
    other libraries: a file of torchvision fits as well as the `weights.pt` of a run. The input normalisation is the
    data's own and is never taken over.

    Returns:
        A sentence about what did not fit; None if everything did.

    Raises `UserError` if the file holds no weights or nothing in it fits.
    """
    given = _named(load_weights(Path(path).expanduser()), path)
    for module in network.modules():
        if hasattr(module, "adapt_weights"):
            given = module.adapt_weights(given)  # type: ignore[operator]
    state = {_bare(name): value for name, value in network.state_dict().items() if not name.startswith(OURS)}
    fitting = [name for name, value in state.items() if name in given and given[name].shape == value.shape]
    if not {name for name, _ in _bare_parameters(network)}.intersection(fitting):
        raise UserError(f"Nothing in {path} fits this network: it holds {_listed(given)}, the network "
                        f"{_listed(state)}; give weights of the same space, or leave out train.init.")
    with torch.no_grad():
        for name in fitting:
            state[name].copy_(given[name])
    shapes = [f"{name} {tuple(given[name].shape)} for {tuple(state[name].shape)}" for name in state
              if name in given and given[name].shape != state[name].shape]
    absent = [name for name in state if name not in given and not name.endswith("num_batches_tracked")]
    unused = [name for name in given if name not in state]
    parts = [f"{len(names)} {what} ({_listed(names, False)})" for names, what in (
        (shapes, "have another shape"), (absent, "are not in the file and start at random"),
        (unused, "of the file have no place in the network")) if names]
    return f"train.init={path}: {len(fitting)} weights taken over; {'; '.join(parts)}." if parts else None


def freeze(network: nn.Module, patterns: Sequence[str]) -> None:
    """Exclude parameters from training; a batch norm all of whose parameters are frozen keeps its statistics too.

    Args:
        patterns: of parameter names without `network.` (`*`, `?`, `[...]`).

    Raises `UserError` for a pattern that matches nothing, and if nothing is left to train.
    """
    parameters = _bare_parameters(network)
    for pattern in patterns:
        matching = [parameter for name, parameter in parameters if fnmatchcase(name, pattern)]
        if not matching:
            raise UserError(f"train.freeze: no parameter is called {pattern!r}; there are "
                            f"{_listed([name for name, _ in parameters])}.")
        for parameter in matching:
            parameter.requires_grad_(False)
    if patterns and not any(parameter.requires_grad for _, parameter in parameters):
        raise UserError(f"train.freeze=[{', '.join(patterns)}] leaves nothing to train; name fewer parameters.")


def freeze_running_stats(network: nn.Module) -> None:
    """Put every batch norm whose parameters are all frozen into evaluation mode; the others stay as they are."""
    for module in network.modules():
        own = list(module.parameters(recurse=False))
        if isinstance(module, _BatchNorm) and own and not any(parameter.requires_grad for parameter in own):
            module.eval()


def set_drop_path(network: nn.Module, probability: float) -> None:
    """Set the probability of every module that drops paths: one with a float attribute `drop_path`."""
    for module in network.modules():
        if isinstance(getattr(module, "drop_path", None), float):
            module.drop_path = probability  # type: ignore[assignment]


def _bare(name: str) -> str:
    return name.removeprefix("module.").removeprefix(INNER)


def _bare_parameters(network: nn.Module) -> list[tuple[str, nn.Parameter]]:
    return [(_bare(name), parameter) for name, parameter in network.named_parameters()]


def _named(content: object, path: str) -> dict[str, Tensor]:
    """Return the tensors of a state dict by bare name."""
    if isinstance(content, dict) and isinstance(content.get("state_dict"), dict):
        content = content["state_dict"]
    if not isinstance(content, dict) or not all(isinstance(value, Tensor) for value in content.values()):
        raise UserError(f"{path} holds no state dict (names and tensors); save it by "
                        "torch.save(network.state_dict(), file).")
    return {_bare(str(name)): value for name, value in content.items() if not str(name).startswith(OURS)}


def _listed(names: Iterable[str], count: bool = True) -> str:
    names = list(names)
    text = ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
    return f"{len(names)} names ({text or 'none'})" if count else text
