"""Names and shapes of everything in the state dict of a network of inverted residuals, without building it."""

from __future__ import annotations

from collections.abc import Iterator

from dcanas.spaces.mbconv_notation import Chain

Shape = tuple[int, ...]


def network_layout(chain: Chain, in_channels: int = 3, classes: int = 1000) -> dict[str, Shape]:
    """Return what `dcanas.spaces.mbconv_network.Network` holds, in its order: name -> shape."""
    return dict(_entries(chain, in_channels, classes))


def _entries(chain: Chain, channels: int, classes: int) -> Iterator[tuple[str, Shape]]:
    yield from _conv_bn("stem", chain.stem, channels, 3)
    channels = chain.stem
    for number, stage in enumerate(chain.stages):
        for block, (expansion, kernel) in enumerate(stage.blocks):
            place, hidden = f"stages.{number}.{block}", expansion * channels
            if expansion > 1:
                yield from _conv_bn(f"{place}.expand", hidden, channels, 1)
            yield from _conv_bn(f"{place}.depthwise", hidden, 1, kernel)
            yield from _conv_bn(f"{place}.project", stage.width, hidden, 1)
            channels = stage.width
    if chain.head:
        yield from _conv_bn("head.conv", chain.head, channels, 1)
    yield "head.linear.weight", (classes, chain.head or channels)
    yield "head.linear.bias", (classes,)


def _conv_bn(name: str, channels: int, read: int, kernel: int) -> Iterator[tuple[str, Shape]]:
    yield f"{name}.0.weight", (channels, read, kernel, kernel)
    yield from ((f"{name}.1.{leaf}", (channels,)) for leaf in ("weight", "bias", "running_mean", "running_var"))
    yield f"{name}.1.num_batches_tracked", ()
