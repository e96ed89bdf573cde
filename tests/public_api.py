"""What the package promises, as text: every public name with parameters, fields and methods.

`tests/public_api.txt` keeps it. After a change that is meant, write it anew:
`python -m tests.public_api --write`.
"""

from __future__ import annotations

import dataclasses
import inspect
import sys
from pathlib import Path

import rerankbench

KEPT = Path(__file__).with_suffix(".txt")


def describe() -> str:
    """One line a name, and one a field or method below it."""
    lines: list[str] = []
    for name in sorted(rerankbench.__all__):
        public = getattr(rerankbench, name)
        if inspect.isclass(public):
            bases = ", ".join(base.__name__ for base in public.__bases__)
            lines += [f"class {name}({bases})", *(f"    {line}" for line in _members(public))]
        elif inspect.isfunction(public):
            lines.append(f"{name}{inspect.signature(public)}")
        else:
            lines.append(name if name == "__version__" else f"{name} = {public}")
    return "\n".join(lines) + "\n"


def _members(public: type) -> list[str]:
    if dataclasses.is_dataclass(public):
        fields = [_field(each) for each in dataclasses.fields(public)]
    else:
        kinds = inspect.get_annotations(public)
        fields = [f"{n}: {getattr(k, '__forward_arg__', k)}" for n, k in kinds.items()]
    methods = [
        f"{name}{inspect.signature(getattr(public, name))}"
        for name, value in vars(public).items()
        if not name.startswith("_")
        and (inspect.isfunction(value) or isinstance(value, classmethod))
    ]
    properties = [name for name, value in vars(public).items() if isinstance(value, property)]
    return [*fields, *properties, *methods]


def _field(field: dataclasses.Field[object]) -> str:
    required = (
        field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    )
    return f"{field.name}: {field.type}" + ("" if required else " = …")


if __name__ == "__main__":
    if "--write" in sys.argv:
        KEPT.write_text(describe(), encoding="utf-8")
    else:
        print(describe(), end="")  # noqa: T201
