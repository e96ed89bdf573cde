"""What a config may say of a model or a first stage, and the page that shows it.

`python -m tests.rerankers.test_recipe` writes the tables in the page anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, get_args

import pytest
from pydantic import BaseModel, Field, ValidationError
from pydantic.fields import FieldInfo

from rerankbench import registry
from rerankbench.errors import UsageError
from rerankbench.firststage.bm25 import Bm25Arguments
from rerankbench.firststage.rank_bm25 import LongArguments, OkapiArguments, PlusArguments
from rerankbench.firststage.run_file import RunFileArguments
from rerankbench.protocols import RerankerSpec
from rerankbench.rerankers.http.forms import FORMS
from rerankbench.rerankers.http.recipe import ServiceRecipe
from rerankbench.rerankers.recipe import LabelName, Recipe, Texts, bounds, kind_of, one_of, read

PAGE = Path(__file__).resolve().parents[2] / "docs" / "recipes.md"
START = "<!-- written by python -m tests.rerankers.test_recipe -->\n"
FIRST_STAGES: dict[str, type[BaseModel]] = {
    "`bm25`": Bm25Arguments,
    "`rank-bm25`, `variant: okapi`": OkapiArguments,
    "`rank-bm25`, `variant: l`": LongArguments,
    "`rank-bm25`, `variant: plus`": PlusArguments,
    "`run`": RunFileArguments,
}
ROWS = {"bm25", "oracle", "random", "demo-cross-encoder", "detected"}
LONGEST_DEFAULT = 20


def _recipes() -> Iterator[tuple[str, type[BaseModel]]]:
    for name in registry.built_in("rerankers"):
        if name not in ROWS:
            recipe = registry.load("rerankers", name).recipe
            if recipe.model_fields:
                yield f"Family `{name}`", recipe
            if recipe is ServiceRecipe:
                yield from _forms()


def _forms() -> Iterator[tuple[str, type[BaseModel]]]:
    """Those that take more than any service does."""
    for recipe in dict.fromkeys(form.recipe for form in FORMS.values()):
        apis = ", ".join(f"`{api}`" for api, form in FORMS.items() if form.recipe is recipe)
        if recipe is not ServiceRecipe:
            yield f"Family `http`, `api` {apis}", recipe


def _page() -> str:
    text = PAGE.read_text(encoding="utf-8")
    tables = [*_recipes(), *((f"First stage {name}", kind) for name, kind in FIRST_STAGES.items())]
    return (
        text[: text.index(START)]
        + START
        + "".join(f"\n## {title}\n\n{_table(kind)}" for title, kind in tables)
    )


def _table(kind: type[BaseModel]) -> str:
    inherited = ServiceRecipe.model_fields if kind.__base__ is ServiceRecipe else {}
    rows = "| key | is | unless named | |\n|---|---|---|---|\n"
    for name, field in kind.model_fields.items():
        if name not in inherited:
            shown = f"{_kind(field)} | {_default(field)} | {field.description}"
            rows += f"| `{name}` | {shown} |\n"
    return rows


def _kind(field: FieldInfo) -> str:
    names = [name for name in get_args(field.annotation) if isinstance(name, str)]
    if names:
        return " or ".join(f"`{name}`" for name in names)
    within = any(hasattr(each, "ge") for each in field.metadata)
    return kind_of(field) + (f", {bounds(field)}" if within else "")


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "*needed*"
    if field.default is None:
        return ""
    shown = str(field.default).lower() if isinstance(field.default, bool) else str(field.default)
    if len(shown) > LONGEST_DEFAULT or "\n" in shown:
        return "RankZephyr's"
    return f"`{shown}`" if shown else "nothing"


@pytest.mark.parametrize(("title", "kind"), list(_recipes()))
def test_every_key_is_described(title: str, kind: type[BaseModel]) -> None:
    assert issubclass(kind, Recipe)
    assert [name for name, field in kind.model_fields.items() if not field.description] == []


def test_the_page_shows_every_key() -> None:
    assert _page() == PAGE.read_text(encoding="utf-8")


def test_a_schema_allows_the_keys_and_no_others() -> None:
    schema = registry.load("rerankers", "listwise").recipe.model_json_schema()
    assert schema["additionalProperties"] is False
    assert schema["properties"]["window"]["type"] == "integer"
    assert schema["properties"]["window"]["default"] == 20
    assert "passages" in schema["properties"]["window"]["description"]


class Example(Recipe):
    """A key of each kind."""

    text: str | None = None
    texts: Texts | None = None
    count: int = Field(3, ge=1, le=9)
    most: int | None = Field(None, ge=1)
    share: float = 0.5
    flag: bool = False
    label: LabelName | None = None
    side: Annotated[str | None, one_of(("left", "right"))] = None


def _read(**recipe: Any) -> Example:
    return read(RerankerSpec(model="m", recipe=recipe), Example)


def test_a_text_is_a_list_of_one_and_lists_stay_in_order() -> None:
    assert _read(texts="b").texts == ("b",)
    assert _read(texts=["b", "a"]).texts == ("b", "a")
    assert _read(texts=("b", "a")).texts == ("b", "a")


@pytest.mark.parametrize("label", ["yes", 0, 1, True, False])
def test_a_label_stays_what_it_was(label: bool | int | str) -> None:
    assert repr(_read(label=label).label) == repr(label)


def test_a_recipe_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        _read().count = 4  # type: ignore[misc]


@pytest.mark.parametrize(
    ("recipe", "told"),
    [
        ({"txt": "a"}, "unknown recipe key 'txt'; did you mean 'text'?"),
        ({"text": 3}, "recipe key 'text' must be a text (given: 3)"),
        ({"text": None}, "recipe key 'text' must be a text (given: None)"),
        ({"texts": []}, "recipe key 'texts' must be a text or a list of texts (given: [])"),
        ({"texts": ["a", 3]}, "recipe key 'texts' must be a text or a list of texts (given: 3)"),
        ({"count": 0}, "recipe key 'count' must be 1 to 9 (given: 0)"),
        ({"count": 10}, "recipe key 'count' must be 1 to 9 (given: 10)"),
        ({"count": True}, "recipe key 'count' must be a whole number (given: True)"),
        ({"count": 2.0}, "recipe key 'count' must be a whole number (given: 2.0)"),
        ({"count": "2"}, "recipe key 'count' must be a whole number (given: '2')"),
        ({"most": 0}, "recipe key 'most' must be 1 or more (given: 0)"),
        ({"share": False}, "recipe key 'share' must be a number (given: False)"),
        ({"share": "0.5"}, "recipe key 'share' must be a number (given: '0.5')"),
        ({"flag": 1}, "recipe key 'flag' must be true or false (given: 1)"),
        ({"label": 1.5}, "recipe key 'label' must be a label's name or its index (given: 1.5)"),
        ({"side": "rigt"}, "no side 'rigt'; did you mean 'right'?"),
        ({"side": 1}, "recipe key 'side' must be a text (given: 1)"),
    ],
)
def test_what_cannot_be_is_one_line(recipe: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError) as caught:
        _read(**recipe)
    assert str(caught.value) == f"m: {told}"


def test_a_family_without_settings_says_so() -> None:
    with pytest.raises(UsageError, match=r"^m: unknown recipe key 'a'; its family takes none$"):
        read(RerankerSpec(model="m", recipe={"a": 1}), Recipe)


if __name__ == "__main__":
    PAGE.write_text(_page(), encoding="utf-8")
