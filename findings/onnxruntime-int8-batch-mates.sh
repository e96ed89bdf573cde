#!/usr/bin/env bash
# A model that onnxruntime quantised dynamically to int8 scales activations over the whole batch:
# the score of one input depends on what else is in its batch, while in float32 it does not.
# Reranked lists then change with the batch size and with the other candidates.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check \
    onnxruntime==1.31.1 onnx==1.23.2 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import logging

import numpy
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

logging.disable()
numbers = numpy.random.default_rng(0)
weights = numbers.normal(size=(16, 1)).astype(numpy.float32)
graph = helper.make_graph(
    [helper.make_node("MatMul", ["x", "weights"], ["score"])],
    "score",
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 16])],
    [helper.make_tensor_value_info("score", TensorProto.FLOAT, ["n", 1])],
    [numpy_helper.from_array(weights, "weights")],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
onnx.save(model, "float32.onnx")
quantize_dynamic("float32.onnx", "int8.onnx", weight_type=QuantType.QInt8)

one = numbers.normal(size=(1, 16)).astype(numpy.float32)
mate = 10 * numbers.normal(size=(1, 16)).astype(numpy.float32)
print("onnxruntime", onnxruntime.__version__, "onnx", onnx.__version__)
apart = {}
for name in ("float32", "int8"):
    session = onnxruntime.InferenceSession(f"{name}.onnx", providers=["CPUExecutionProvider"])
    alone = session.run(None, {"x": one})[0][0, 0]
    beside = session.run(None, {"x": numpy.concatenate([one, mate])})[0][0, 0]
    apart[name] = abs(float(alone) - float(beside))
    print(f"{name}: {alone:.5f} alone, {beside:.5f} beside another input")
assert apart["float32"] < 1e-5
assert apart["int8"] > 1e-3
PYTHON
