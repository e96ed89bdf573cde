#!/bin/bash
# PyYAML reads some valid YAML in ways that its own errors and types do not suggest: JSON's escapes for one
# character become two broken ones, a wrong value of an explicit type is no YAMLError, and an alias is the same
# object as its anchor, so that what is small as it is read is large for whatever walks over it.
set -eu
place=$(mktemp -d); trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" --quiet install PyYAML==6.0.3
"$place/venv/bin/python" - <<'PYTHON'
import json

import yaml

print("PyYAML", yaml.__version__)
escaped = '{"text": "\\ud83d\\ude00"}'
by_json, by_yaml = json.loads(escaped)["text"], yaml.safe_load(escaped)["text"]
print("one character for json:", len(by_json), "for yaml:", len(by_yaml))
assert (len(by_json), len(by_yaml)) == (1, 2)
try:
    by_yaml.encode()
except UnicodeEncodeError as error:
    print("which cannot be written:", error.reason)
else:
    raise SystemExit("it can be written now")

for text in ("!!bool maybe", "!!int ''", "!!timestamp soon", "2026-13-45"):
    try:
        yaml.safe_load(text)
    except Exception as error:
        print(f"{text!r}: {type(error).__name__}, a YAMLError: {isinstance(error, yaml.YAMLError)}")
        assert not isinstance(error, yaml.YAMLError)
    else:
        raise SystemExit(f"{text} is read now")

lines = ["a0: &a0 [x, x, x, x]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 4)}]" for n in range(1, 7))]
text = "\n".join(lines)
values = yaml.safe_load(text)
print(f"{len(text)} bytes of YAML are {len(json.dumps(values))} bytes of JSON")
assert values["a6"][0] is values["a5"]
assert len(json.dumps(values)) > 100 * len(text)
PYTHON
