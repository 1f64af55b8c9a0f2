"""What a training starts from: given weights, and parameters that stay as they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from dcanas.basics.errors import UserError
from dcanas.pretrained import Source, TakenOver, bare_names, other_conditions, read_weights
from dcanas.pretrained.naming import whole_name
from dcanas.pretrained.weights_file import NORMALISATION
from dcanas.spaces.mbconv_network import Network

SHOWN = 4  # names of each kind in a message
INNER = "network."  # of a delivered model: the network itself


@dataclass(frozen=True)
class Start:
    """What a network takes over from a file.

    Attributes:
        values: by the network's own bare names.
        remark: sentences about what did not fit, and what the weights are meant for; None: nothing.
        record: where the weights come from.
    """

    values: Mapping[str, Tensor]
    remark: str | None
    record: TakenOver


def start_from(network: nn.Module, path: str) -> str | None:
    """Copy the weights in a file into a network, in place, wherever name and shape agree (see `find_start`).

    Returns:
        What the user should know: what did not fit, and what the weights are meant for; None: nothing.
    """
    start = find_start(network, path)
    state = _bare_state(network)
    with torch.no_grad():
        for name, value in start.values.items():
            state[name].copy_(value)
    return start.remark


def find_start(network: nn.Module, path: str) -> Start:
    """Return what of the weights in a file a network takes over.

    Names count without the prefixes of wrappers. If none of them is the network's, those of known sources are renamed:
    a file of torchvision, EfficientNet-Lite or timm fits as well as the `weights.pt` of a run. The input normalisation
    is the data's own and is never taken over.

    Raises `UserError` if the file holds no weights or nothing in it fits.
    """
    file, state = read_weights(path), _bare_state(network)
    given = file.tensors
    sources: list[Source] = []
    parameters = frozenset(bare_names([name for name, _ in network.named_parameters()]).values())
    if not parameters.intersection(_fitting(state, given)):
        from dcanas.pretrained import best_fits  # here: a run without other libraries' weights needs none of it

        for fit in best_fits(file):
            given = _at_own_places(network, state, fit.state)
            sources.append(fit.source)
        sources = [source for source in sources if not other_conditions(network, source)] or sources
    fitting = _fitting(state, given)
    if not parameters.intersection(fitting):
        of = f" of {_any_of(sources)}" if sources else ""
        raise UserError(f"Nothing in {path} fits this network: it holds {_listed(file.tensors)}{of}, the network "
                        f"{_listed(state)}; give weights of the same space, or leave out train.init.")
    remarks = [file.note, _meant_for(network, sources), _left_out(path, state, given, fitting)]
    return Start(fitting, " ".join(filter(None, remarks)) or None, TakenOver.of(file, sources, fitting, parameters))


def _left_out(path: str, state: Mapping[str, Tensor], given: Mapping[str, Tensor],
              fitting: Mapping[str, Tensor]) -> str:
    shapes = [f"{name} {tuple(given[name].shape)} for {tuple(state[name].shape)}" for name in state
              if name in given and given[name].shape != state[name].shape]
    absent = [name for name in state if name not in given and not name.endswith("num_batches_tracked")]
    unused = [name for name in given if name not in state]
    parts = [f"{len(names)} {what} ({_listed(names, False)})" for names, what in (
        (shapes, "have another shape"), (absent, "are not in the file and start at random"),
        (unused, "of the file have no place in the network")) if names]
    return f"train.init={path}: {len(fitting)} weights taken over; {'; '.join(parts)}." if parts else ""


def _meant_for(network: nn.Module, sources: Sequence[Source]) -> str:
    other = other_conditions(network, sources[0]) if sources else {}
    if not other:
        return ""
    options = ", ".join(f"{name}={theirs} (here {own})" for name, (own, theirs) in other.items())
    return f"The weights of {_any_of(sources)} are meant for {options}: set this in space.final_skeleton."


def _any_of(sources: Sequence[Source]) -> str:
    return " or ".join(source.name for source in sources)


def _bare_state(network: nn.Module) -> dict[str, Tensor]:
    state = {name: value for name, value in network.state_dict().items() if not name.startswith(NORMALISATION)}
    bare = bare_names(state)
    return {bare[name]: value for name, value in state.items()}


def _at_own_places(network: nn.Module, state: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the weights of a whole network under the names of one from which blocks are absent."""
    origins = next((module.origins for module in network.modules() if isinstance(module, Network)), {})
    own = {whole_name(name, origins): name for name in state}
    return {own.get(name, name): value for name, value in given.items() if name in own or name not in state}


def _fitting(state: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return what fits; a bias says nothing without the weight beside it."""
    found = {name: given[name] for name, value in state.items() if name in given and given[name].shape == value.shape
             and given[name].is_floating_point() == value.is_floating_point()}
    return {name: value for name, value in found.items() if not name.endswith(".bias") or
            (weight := name.removesuffix("bias") + "weight") not in given or weight in found}


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


def _listed(names: Iterable[str], count: bool = True) -> str:
    names = list(names)
    text = ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
    return f"{len(names)} names ({text or 'none'})" if count else text
