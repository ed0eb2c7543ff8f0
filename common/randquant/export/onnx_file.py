"""ONNX files: written from a graph, with metadata, and run by onnxruntime."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from randquant.errors import UsageError
from randquant.export.exportable import Exportable
from randquant.export.tracing import quietly, traced
from randquant.extras import needs
from randquant.files.json_record import Json

if TYPE_CHECKING:
    import onnx

OUTPUT = "vector"
MOST_BYTES = 2**31  # of a protobuf message
SCOPE = "pkg.torch.onnx.name_scopes"  # of a node: the modules it comes from


def to_onnx(exportable: Exportable) -> "onnx.ModelProto":
    """The function as an ONNX model in float32.

    Raises:
        UsageError: the encoder cannot be traced, or is too large for one file.
        ImportError: onnx or onnxscript is missing.
    """
    with needs("export"):
        import onnx  # noqa: F401
        import onnxscript

    _require_size(exportable.function)
    _define_halved()
    opset = onnxscript.opset18

    def halved(x):  # type: ignore[no-untyped-def]  # onnxscript reads the annotations it wants, none
        largest, _places = opset.MaxPool(x, kernel_shape=[2, 2], strides=[2, 2])
        return largest

    program = traced(exportable, halve=_HalvedOnce)
    with quietly():
        written = torch.onnx.export(
            program,
            dynamo=True,
            verbose=False,
            input_names=[exportable.input],
            output_names=[OUTPUT],
            custom_translation_table={torch.ops.randquant.halved.default: halved},
        )
    assert written is not None
    model = written.model_proto
    _name_sizes(model, exportable)
    return model


def with_metadata(model: "onnx.ModelProto", about: Mapping[str, Json]) -> bytes:
    """The file of a model, with facts as `metadata_props`: texts as they are, anything else as JSON."""
    with needs("export"):
        import onnx

    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in about.items()}
    onnx.helper.set_model_props(model, texts)
    return model.SerializeToString()


def run_onnx(file: bytes | Path, *, threads: int | None = None) -> Callable[[Tensor], Tensor]:
    """The function in an ONNX file by onnxruntime on the CPU.

    Args:
        file: its content, or where it lies.
        threads: of the CPU; torch's number where None.
    """
    with needs("export"):
        import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or torch.get_num_threads()
    options.log_severity_level = 3
    source = file if isinstance(file, bytes) else str(file)
    session = onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    (name,) = (each.name for each in session.get_inputs())
    return lambda inputs: torch.from_numpy(session.run(None, {name: inputs.numpy()})[0])


class _HalvedOnce(nn.Module):
    """As `tracing.Halved`, as the one operator that ONNX has for it."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H // 2, W // 2)."""
        return torch.ops.randquant.halved(x)


def _define_halved() -> None:
    if hasattr(torch.ops.randquant, "halved"):
        return

    @torch.library.custom_op("randquant::halved", mutates_args=())
    def halved(x: Tensor) -> Tensor:
        return nn.functional.max_pool2d(x, 2)

    @halved.register_fake
    def _(x: Tensor) -> Tensor:
        return x.new_empty(x.shape[0], x.shape[1], x.shape[2] // 2, x.shape[3] // 2)


def _require_size(function: nn.Module) -> None:
    """Refuse weights that no message holds: a larger one says neither its size nor what is wrong."""
    size = sum(values.nbytes for values in (*function.parameters(), *function.buffers()))
    if size >= MOST_BYTES:
        raise UsageError(
            f"the encoder has {size / 1e9:,.1f} GB, and a file of ONNX holds less than {MOST_BYTES / 1e9:.1f}; choose "
            "--format torch_export."
        )


def _name_sizes(model: Any, exportable: Exportable) -> None:
    """Call the free dimensions of input and output by their names instead of those of the tracer's symbols."""
    names = ["batch", *([exportable.size.name] if exportable.size else [])]
    for value, sizes in ((model.graph.input[0], names), (model.graph.output[0], ["batch"])):
        for place, name in enumerate(sizes):
            value.type.tensor_type.shape.dim[place].dim_param = name
    del model.graph.value_info[:]  # the rest is in terms of those symbols; runtimes infer it again
