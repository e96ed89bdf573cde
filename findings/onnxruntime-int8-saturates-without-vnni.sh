#!/usr/bin/env bash
# onnxruntime's product of 8-bit weights (QInt8) and activations adds pairs in 16 bits on x86
# processors without VNNI instructions, where they saturate: the same quantised model gives another
# score there, far from float32's. With reduce_range=True (7 bits) it does not, on any processor.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check \
    onnxruntime==1.31.1 onnx==1.23.2 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import logging
import platform
from pathlib import Path

import numpy
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

logging.disable()
lines = Path("/proc/cpuinfo").read_text().splitlines()
flags = set(next((line for line in lines if line.startswith("flags")), "").split())
seen = sorted(each for each in flags if each.startswith(("avx", "amx")))
saturates = platform.machine() in ("x86_64", "AMD64") and not any("vnni" in each for each in seen)
print("onnxruntime", onnxruntime.__version__, "on", platform.machine(), "with", *seen)
print("no VNNI: saturation is expected" if saturates else "VNNI or no x86: none is expected")

# One weight of -1 among ones makes the scale symmetric: all are quantised to 127 or -127.
weights = numpy.ones((256, 1), numpy.float32)
weights[0] = -1
graph = helper.make_graph(
    [helper.make_node("MatMul", ["x", "weights"], ["score"])],
    "score",
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 256])],
    [helper.make_tensor_value_info("score", TensorProto.FLOAT, ["n", 1])],
    [numpy_helper.from_array(weights, "weights")],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
onnx.save(model, "float32.onnx")
scores = {}
for name, reduce_range in (("float32", None), ("8 bits", False), ("7 bits", True)):
    path = "float32.onnx"
    if reduce_range is not None:
        path = f"{name}.onnx"
        quantize_dynamic(
            "float32.onnx", path, weight_type=QuantType.QInt8, reduce_range=reduce_range
        )
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    scores[name] = float(session.run(None, {"x": numpy.ones((1, 256), numpy.float32)})[0][0, 0])
    print(f"{name}: {scores[name]:.2f}")
assert scores["float32"] == 254
assert abs(scores["7 bits"] - 254) < 3
# Each pair is cut to 32767, about half of 2 * 255 * 127.
assert (scores["8 bits"] < 140) if saturates else (abs(scores["8 bits"] - 254) < 3)
PYTHON
