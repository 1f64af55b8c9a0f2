"""A network as one ONNX file that says what it is, loads in old runtimes and names nothing of its machine."""

from __future__ import annotations

import copy
import json
import logging
import math
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import onnx
from onnx.helper import VERSION_TABLE

from dcanas.basics.errors import UserError
from dcanas.basics.files import write_bytes
from dcanas.export.blocks import BLOCKS, block_starts

if TYPE_CHECKING:
    import torch

INPUT, OUTPUT = "image", "logits"
LARGEST_TENSOR = 1 << 28  # numbers
OPSET, IR_VERSION = 18, 8  # the exporter's lowest opset, and the oldest format that may carry it


def export_onnx(network: torch.nn.Module, path: Path | str, input_shape: tuple[int, int, int],
                opset: int = OPSET, ir_version: int = IR_VERSION,
                metadata: Mapping[str, str] | None = None, blocks: bool = False) -> Path:
    """Write the network in evaluation mode to one ONNX file, whole; equal networks give equal bytes.

    Batch norm that follows a convolution is folded into it. The network itself is not touched.
    The file's input is `image`, float32 (1, C, H, W), its output `logits`, float32 (1, num_classes).

    Args:
        network: takes (N, C, H, W) and returns (N, num_classes).
        path: the file.
        input_shape: (C, H, W).
        opset: version of the operators.
        ir_version: version of the file format.
        metadata: texts stored in the file (architecture, classes, preprocessing ...).
        blocks: whether to store which nodes belong to which block of the network (see `export.blocks`).

    Raises `UserError` if the opset or the IR version cannot be produced, or the disk is full.
    """
    _check_versions(opset, ir_version)
    model = _exported(network, tuple(input_shape), opset)
    texts = dict(metadata or {}) | ({BLOCKS: json.dumps(block_starts(model))} if blocks else {})
    _make_neutral(model)
    model.ir_version = ir_version
    for key, value in sorted(texts.items()):
        model.metadata_props.add(key=str(key), value=str(value))
    onnx.checker.check_model(model, full_check=True)
    path = Path(path)
    write_bytes(path, model.SerializeToString(deterministic=True))
    return path


def require_whole_file(path: Path | str) -> None:
    """Raise `UserError` if an ONNX file keeps weights in other files, which would stay behind when it is copied."""
    try:
        model = onnx.load(str(path), load_external_data=False)
    except Exception:  # not ONNX: the runtime says what is wrong with it
        return
    outside = sorted({entry.value for tensor in model.graph.initializer for entry in tensor.external_data
                      if tensor.data_location == onnx.TensorProto.EXTERNAL and entry.key == "location"})
    if outside:
        raise UserError(f"{path} keeps its weights in another file ({outside[0]}), which is not copied to a device; "
                        "save it with the weights inside: onnx.save(onnx.load(FILE), OTHER).")


def require_bounded(path: Path | str) -> None:
    """Raise `UserError` if a tensor of an ONNX file is of a size that no network for a device has.

    Sizes are those that the file states and those that follow from them; nothing is run, no memory taken.
    """
    try:
        model = onnx.load(str(path), load_external_data=False)
    except Exception:  # not ONNX: the runtime says what is wrong with it
        return
    with suppress(Exception):  # shapes that do not fit together, as the runtime will say
        model = onnx.shape_inference.infer_shapes(model, data_prop=True)
    graph = model.graph
    sizes = {value.name: [d.dim_value for d in value.type.tensor_type.shape.dim if d.HasField("dim_value")]
             for value in (*graph.input, *graph.output, *graph.value_info)}
    for name, shape in {**sizes, **{tensor.name: list(tensor.dims) for tensor in graph.initializer}}.items():
        if math.prod(shape) > LARGEST_TENSOR:
            sides = " x ".join(f"{side:,}" for side in shape)
            raise UserError(f"{path} has a tensor, {name}, of {sides} numbers, more than the {LARGEST_TENSOR:,} that "
                            "are run; give a smaller network.")


def _check_versions(opset: int, ir_version: int) -> None:
    # VERSION_TABLE rows: ONNX release, IR version, opset of the default domain, further domains
    needed = min((row[1] for row in VERSION_TABLE if row[2] >= opset), default=None)
    if opset < 1 or needed is None:
        raise UserError(f"ONNX opset {opset} is unknown to onnx {onnx.__version__}; use one from {OPSET} "
                        f"to {max(row[2] for row in VERSION_TABLE)}.")
    if not needed <= ir_version <= onnx.IR_VERSION:
        raise UserError(f"ONNX opset {opset} needs IR version {needed} to {onnx.IR_VERSION}, got "
                        f"{ir_version}; change runtime.ir_version or runtime.opset of the device.")


def _exported(network: torch.nn.Module, input_shape: tuple[int, ...], opset: int) -> onnx.ModelProto:
    """Return what the exporter makes of the network in evaluation mode; batch 1, input (C, H, W)."""
    import torch

    network = copy.deepcopy(network).cpu().eval()
    with silence("torch.onnx", "onnxscript", "onnx_ir"):
        program = torch.onnx.export(network, (torch.zeros(1, *input_shape),), dynamo=True,
                                    opset_version=opset, input_names=[INPUT], output_names=[OUTPUT],
                                    external_data=False, optimize=True, verbose=False)
    assert program is not None  # None is the answer of the exporter's other mode
    model = program.model_proto
    produced = next(entry.version for entry in model.opset_import if entry.domain == "")
    if produced != opset:
        raise UserError(f"This network cannot be written in ONNX opset {opset} (the exporter offers "
                        f"{produced}); set the device's runtime.opset to that, or use a newer runtime there.")
    return model


def _make_neutral(model: onnx.ModelProto) -> None:
    """Take out what is not the network: source paths, traces, counters that differ from export to export."""
    graph = model.graph
    for holder in (model, graph, *graph.node, *graph.input, *graph.output, *graph.initializer):
        holder.doc_string = ""
        del holder.metadata_props[:]
    del graph.value_info[:]
    renamed: dict[str, str] = {}
    constants = {name for node in graph.node for name in node.input} & {t.name for t in graph.initializer}
    kept = [t for t in graph.initializer if t.name in constants]
    for number, tensor in enumerate(kept):
        if tensor.name.startswith("val_"):  # the exporter's own constants; parameters keep their names
            renamed[tensor.name] = f"constant_{number}"
        tensor.name = renamed.get(tensor.name, tensor.name)
    del graph.initializer[:]
    graph.initializer.extend(kept)
    outputs = {value.name for value in graph.output}
    for number, node in enumerate(graph.node):
        node.name = f"{node.op_type}_{number}"
        for position, name in enumerate(node.output):
            if name and name not in outputs:
                renamed[name] = f"{node.name}_out" + (f"_{position}" if position else "")
    for node in graph.node:
        node.input[:] = [renamed.get(name, name) for name in node.input]
        node.output[:] = [renamed.get(name, name) for name in node.output]


@contextmanager
def silence(*names: str) -> Iterator[None]:
    """Keep what a library logs and warns of off the screen; its failures are exceptions.

    Args:
        names: of its loggers; "" is the root of all.
    """
    loggers = [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
