"""Nodes of an ONNX graph in half precision, between casts; every other node stays as it is."""

from collections.abc import Iterator, Set
from typing import TYPE_CHECKING

import numpy as np

from randquant.extras import needs

if TYPE_CHECKING:
    import onnx

_NARROW = "_half"  # behind the name of a value in half precision


def halve(model: "onnx.ModelProto", low: Set[str]) -> None:
    """Let nodes of a graph compute in float16, in place; their weights take half the room.

    From one of them to the next a value stays narrow, elsewhere it is cast. The other nodes compute as before, those in
    loops too.

    Args:
        model: in float32.
        low: names of the nodes: of the main graph, with float32 for every input and the first output.
    """
    graph = model.graph
    weights = {each.name: each for each in graph.initializer}
    wide = {value.name for value in graph.output}
    wide.update(name for node in graph.node if node.name not in low for name in _read(node))
    narrow: set[str] = set()
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        if node.name not in low:
            nodes.append(node)
            continue
        new = [name for name in dict.fromkeys(node.input) if name and name not in narrow]
        narrow.update(new, node.output[:1])
        graph.initializer.extend(_narrowed(weights[name]) for name in new if name in weights)
        nodes.extend(_cast(name, name + _NARROW, np.float16) for name in new if name not in weights)
        nodes.append(_on_narrow(node))
        if node.output[0] in wide:
            nodes.append(_cast(node.output[0] + _NARROW, node.output[0], np.float32))
    del graph.node[:]
    graph.node.extend(nodes)
    for name in narrow & weights.keys() - wide:
        graph.initializer.remove(weights[name])


def _read(node: "onnx.NodeProto") -> Iterator[str]:
    """The names of the values that a node reads, and what is in it if it is a loop."""
    yield from node.input
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield from (value.name for value in attribute.g.output)
            for inner in attribute.g.node:
                yield from _read(inner)


def _on_narrow(node: "onnx.NodeProto") -> "onnx.NodeProto":
    """A node that reads and gives values in half precision."""
    changed = type(node)()
    changed.CopyFrom(node)
    changed.input[:] = [name and name + _NARROW for name in node.input]
    changed.output[0] = node.output[0] + _NARROW
    return changed


def _narrowed(weights: "onnx.TensorProto") -> "onnx.TensorProto":
    with needs("export"):
        from onnx import numpy_helper

    return numpy_helper.from_array(numpy_helper.to_array(weights).astype(np.float16), weights.name + _NARROW)


def _cast(source: str, target: str, dtype: type[np.floating]) -> "onnx.NodeProto":
    with needs("export"):
        from onnx import helper

    to = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    return helper.make_node("Cast", [source], [target], name=f"{target}_cast", to=to)
