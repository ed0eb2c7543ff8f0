"""Lower precisions of an ONNX model: the network's products alone; what prepares its input stays in float32."""

import tempfile
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from randquant.errors import UsageError
from randquant.export.choices import Precision
from randquant.export.exportable import Exportable
from randquant.export.half import halve
from randquant.export.onnx_file import MOST_BYTES, SCOPE
from randquant.export.tracing import quietly
from randquant.extras import needs

if TYPE_CHECKING:
    import onnx

_PRODUCTS = ("Conv", "Gemm", "MatMul")
_FOLLOWERS = ("Relu", "LeakyRelu", "MaxPool")  # which a product's precision costs nothing more


def in_precision(
    model: "onnx.ModelProto", exportable: Exportable, precision: Precision, samples: Iterable[Tensor]
) -> "onnx.ModelProto":
    """A model in another precision.

    Args:
        model: in float32.
        exportable: what it was made of.
        precision: "float16" rounds weights and activations of the network's products; "int8" makes weights one byte,
            by output channel, and activations one byte by the range they have over `samples`.
        samples: inputs as the function will meet them, without labels, for int8.

    Raises:
        UsageError: int8 without samples.
    """
    if precision == "float32":
        return model
    model = _folded(model)
    chosen = _products(model, exportable)
    return _float16(model, chosen) if precision == "float16" else _int8(model, chosen, exportable.input, samples)


def _folded(model: "onnx.ModelProto") -> "onnx.ModelProto":
    """A model whose weights are those that its products read, not slices or transposes of them, however large."""
    with needs("export"):
        from onnxscript import optimizer

    with quietly():
        folded = optimizer.optimize(
            model, onnx_shape_inference=False, input_size_limit=MOST_BYTES, output_size_limit=MOST_BYTES
        )
    del folded.graph.value_info[:]
    return folded


def _products(model: "onnx.ModelProto", exportable: Exportable) -> list[str]:
    """The names of the network's convolutions and matrix products with weights, in order."""
    weights = {each.name for each in model.graph.initializer}
    found = [
        node
        for node in model.graph.node
        if node.op_type in _PRODUCTS and "'encoder'" in _scope(node) and weights & set(node.input[1:2])
    ]
    exact = {node.input[0] for node in found[:1]} if exportable.first_exact else set()
    return [node.name for node in found if node.input[0] not in exact]


def _scope(node: Any) -> str:
    return next((each.value for each in node.metadata_props if each.key == SCOPE), "")


def _float16(model: "onnx.ModelProto", chosen: list[str]) -> "onnx.ModelProto":
    low = set(chosen)
    outputs = {name for node in model.graph.node if node.name in low for name in node.output}
    for node in model.graph.node:  # what follows a product stays as narrow as it, without a detour through float32
        if node.op_type in _FOLLOWERS and node.input[0] in outputs:
            low.add(node.name)
            outputs |= set(node.output)
    halve(model, low)
    return model


def _int8(model: "onnx.ModelProto", chosen: list[str], name: str, samples: Iterable[Tensor]) -> "onnx.ModelProto":
    with needs("export"):
        import onnx
        from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static

    batches = iter(samples)
    first = next(batches, None)
    if first is None:
        raise UsageError(NO_SAMPLES)
    every = chain([first], batches)

    class Samples(CalibrationDataReader):
        """Hands the samples out one by one."""

        def get_next(self) -> dict[str, Any] | None:
            batch = next(every, None)
            return None if batch is None else {name: batch.numpy()}

    with tempfile.TemporaryDirectory() as folder, quietly():
        out = Path(folder, "int8.onnx")
        quantize_static(
            model,
            out,
            Samples(),
            nodes_to_quantize=chosen,
            op_types_to_quantize=list(_PRODUCTS),
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
        return onnx.load(out)


NO_SAMPLES = (
    "--precision int8 needs to know the range of what flows through the network; give --calibrate STORE with data of "
    "its kind (labels are not read), or --task STORE."
)
