"""Nodes of an ONNX graph in half precision, beside nodes and a loop that stay in float32."""

from typing import Any

import numpy as np
import pytest

from randquant.export.half import halve

onnx = pytest.importorskip("onnx", reason="pip install 'randquant[export]' for the files of ONNX")
onnxruntime = pytest.importorskip("onnxruntime", reason="pip install 'randquant[export]' for the files of ONNX")

WEIGHTS = np.random.default_rng(0).normal(size=(8, 8)).astype(np.float32)


def model_with_a_loop() -> Any:
    """x -> x + 1e-4 -> product -> relu; a loop over the rows of the first adds them and the last row of the relu."""
    helper, FLOAT = onnx.helper, onnx.TensorProto.FLOAT
    value = helper.make_tensor_value_info
    body = helper.make_graph(
        [
            helper.make_node("Add", ["sum", "row"], ["more"], name="add"),
            helper.make_node("ReduceMax", ["relu"], ["top"], name="top", keepdims=0, axes=[0]),
            helper.make_node("Add", ["more", "top"], ["next"], name="next"),
        ],
        "body",
        [value("sum", FLOAT, [8]), value("row", FLOAT, [8])],
        [value("next", FLOAT, [8])],
    )
    nodes = [
        helper.make_node("Add", ["x", "small"], ["shifted"], name="shift"),
        helper.make_node("MatMul", ["shifted", "weights"], ["product"], name="product"),
        helper.make_node("Relu", ["product"], ["relu"], name="relu"),
        helper.make_node("Scan", ["start", "shifted"], ["sums"], name="loop", body=body, num_scan_inputs=1),
        helper.make_node("Add", ["sums", "shared"], ["vector"], name="last"),
        helper.make_node("MatMul", ["sums", "weights"], ["other"], name="wide_product"),
    ]
    constants = {"small": np.full(1, 1e-4, np.float32), "start": np.zeros(8, np.float32), "weights": WEIGHTS}
    constants["shared"] = np.full(1, 0.5, np.float32)
    graph = helper.make_graph(
        nodes,
        "graph",
        [value("x", FLOAT, ["batch", 8])],
        [value("vector", FLOAT, [8]), value("product", FLOAT, ["batch", 8]), value("other", FLOAT, [8])],
        [onnx.numpy_helper.from_array(each, name) for name, each in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def outputs(model: Any, x: np.ndarray) -> list[np.ndarray]:
    onnx.checker.check_model(model, full_check=True)
    return onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"x": x})


def names(model: Any) -> set[str]:
    return {each.name for each in model.graph.initializer}


def test_products_are_narrow_and_loops_are_not() -> None:
    x = np.random.default_rng(1).normal(size=(5, 8)).astype(np.float32)
    model = model_with_a_loop()
    own = outputs(model, x)
    halve(model, {"product", "relu"})
    assert names(model) == {"small", "start", "shared", "weights", "weights_half"}  # which another product reads too
    vector, product, other = outputs(model, x)
    narrow = (x + 1e-4).astype(np.float16).astype(np.float32) @ WEIGHTS.astype(np.float16).astype(np.float32)
    np.testing.assert_allclose(product, narrow, rtol=2e-3, atol=5e-3)  # a CPU may keep float32 between the nodes
    assert 0.0 < np.abs(product - own[1]).max() < 1e-2
    top = np.maximum(product, 0.0).max(axis=0)
    np.testing.assert_allclose(vector, (x + np.float32(1e-4)).sum(axis=0) + 5 * top + 0.5, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(other, (vector - 0.5) @ WEIGHTS, rtol=1e-4, atol=1e-4)


def test_weights_that_nothing_wide_reads_are_halved() -> None:
    model = model_with_a_loop()
    halve(model, {"product", "relu", "wide_product"})
    assert "weights" not in names(model)
    onnx.checker.check_model(model, full_check=True)
    halved = next(each for each in model.graph.initializer if each.name == "weights_half")
    np.testing.assert_array_equal(onnx.numpy_helper.to_array(halved), WEIGHTS.astype(np.float16))
