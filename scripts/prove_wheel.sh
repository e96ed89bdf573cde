#!/usr/bin/env bash
# Does the wheel bring its engine? Builds it, installs it into a fresh environment, and runs the demo
# there with no compiler on the PATH. Prints which engine ran and which library it came from.
set -euo pipefail
root="$(cd "$(dirname "$0")/.." && pwd)"
work="$(mktemp -d)"
remove="$(type -P rm)"
trap '"$remove" -rf "$work"' EXIT

"${PYTHON:-python3}" -m venv "$work/build"
"$work/build/bin/pip" wheel --quiet --no-deps --wheel-dir "$work" "$root"
"${PYTHON:-python3}" -m venv "$work/fresh"
"$work/fresh/bin/pip" install --quiet --constraint "$root/constraints.txt" "$work"/rerankbench-*.whl

mkdir "$work/bin"
for tool in env cat uname git; do
    if type -P "$tool" > /dev/null; then ln -s "$(type -P "$tool")" "$work/bin/"; fi
done
cd "$work"
unset CXX CC
export PATH="$work/fresh/bin:$work/bin" RERANKBENCH_HOME="$work/home" HF_HUB_OFFLINE=1
if type -P c++ g++ gcc clang++ clang; then
    echo "a compiler is on the PATH" >&2
    exit 1
fi

rerankbench run --no-speed
python - <<'PY'
import ctypes
import json
from pathlib import Path

import torch

import rerankbench
from rerankbench.rerankers.engines import native_library, prebuilt
from rerankbench.rerankers.engines.native_structs import check_layout

records = [json.loads(path.read_text()) for path in Path("results").rglob("records/*.json")]
cells = {record["cell"]["reranker"]["name"]: record["cell"] for record in records}
engine = cells["demo-cross-encoder"]["engine"]["engine"]
library = Path(native_library.library()._name)
assert engine == "native", engine
assert library == prebuilt.library(), library
assert not Path("home/native").exists(), "something was compiled"
print(f"engine {engine} from {library.name}, torch {torch.__version__}, in {Path(rerankbench.__file__).parents[1].name}")
for name in prebuilt.NEEDED_FLAGS:
    check_layout(ctypes.CDLL(str(prebuilt.FOLDER / f"{name}.so")))
    print(f"{name}.so loads, and its structs lie as ours")
PY
