"""Parts of a pretrained network: stages cut off, blocks left out, fewer channels and smaller filters, no head."""

from __future__ import annotations

from torch import Tensor, nn

from dcanas.basics.errors import UserError
from dcanas.pretrained.layout import network_layout
from dcanas.pretrained.load import Pretrained
from dcanas.pretrained.naming import whole_name
from dcanas.pretrained.recognise import LAST, MBCONV
from dcanas.pretrained.record import TakenOver
from dcanas.spaces import Architecture
from dcanas.spaces.mbconv import KINDS
from dcanas.spaces.mbconv_notation import Kind, origins
from dcanas.spaces.slicing import cut


def start_from_slice(network: nn.Module, pretrained: Pretrained, architecture: Architecture) -> TakenOver:
    """Give a network, in place, the weights that it has as a part of a pretrained one (see `slice_state`).

    Args:
        network: of `architecture`, as `mbconv` builds it for 3 or 1 channels.
    """
    state = slice_state(pretrained, architecture, network.state_dict()["stem.0.weight"].shape[1])
    network.load_state_dict(state, strict=False)
    return TakenOver.of(pretrained.file, [pretrained.source], state, frozenset(dict(network.named_parameters())))


def slice_state(pretrained: Pretrained, architecture: Architecture, in_channels: int = 3) -> dict[str, Tensor]:
    """Return the state dict that a part of a pretrained network starts from; what it lacks starts at random.

    It lacks the last layer, which depends on the classes, and the head's convolution if stages before it are cut off.
    Filters that see grey images are the sums over the colours: a grey image is one of three equal colours.

    Args:
        architecture: member of `mbconv` with the pretrained network's own blocks, some of which may be absent, of a
            smaller expansion (its most important channels) or kernel (the centre of its filters).

    Raises:
        UserError: it is no part of that network.
    """
    _check_part(pretrained, architecture)
    chain = MBCONV.chain(architecture)
    state, places = {}, origins(chain)
    for name, shape in network_layout(chain, in_channels).items():
        value = pretrained.state.get(whole_name(name, places))
        if value is None or name.startswith(LAST):
            continue
        if name == "stem.0.weight" and in_channels == 1:
            value = value.sum(1, keepdim=True)
        if value.shape == shape or name.startswith("stages."):
            value = cut(value, shape)
            state[name] = value.float() if value.is_floating_point() else value
    return state


def slices_of(whole: Kind | None) -> list[Kind]:
    """Return the blocks that are slices of a pretrained one, itself included; none of a block that is absent."""
    if whole is None:
        return []
    return [kind for kind in KINDS.values() if kind.kernel <= whole.kernel and kind.expansion <= whole.expansion
            and (kind.expansion == 1) == (whole.expansion == 1)]


def _check_part(pretrained: Pretrained, architecture: Architecture) -> None:
    part, whole = MBCONV.chain(architecture), MBCONV.chain(pretrained.architecture)
    name = pretrained.source.name
    if part.stem != whole.stem or len(part.stages) > len(whole.stages):
        raise UserError(f"{MBCONV.format(architecture)} is no part of {name}: that has a stem of {whole.stem} channels "
                        f"and {len(whole.stages)} stages.")
    for number, (mine, its) in enumerate(zip(part.stages, whole.stages, strict=False), start=1):
        blocks = dict(enumerate(its.places))
        if mine[:2] != its[:2] or any(kind not in (None, *slices_of(blocks.get(i)))
                                      for i, kind in enumerate(mine.places)):
            raise UserError(f"{MBCONV.format(architecture)} is no part of {name}: stage {number} has other widths, "
                            f"strides or blocks than {MBCONV.format(pretrained.architecture)}.")
