"""Layouts are strict: every mistake is named, all of them at once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from rerankbench.errors import ConfigError, InputError
from rerankbench.leaderboard import layout
from rerankbench.leaderboard.columns.base import HEADER_FIELDS
from rerankbench.leaderboard.columns.kinds import COLUMN_KINDS
from rerankbench.leaderboard.layout_file import DEFAULT, load_layout, names

DOCS = Path(__file__).parents[2] / "docs" / "layouts.md"
COLUMN = "tables:\n  - columns:\n      - {kind: model}\n"


def _load(folder: Path, text: str) -> layout.Layout:
    path = folder / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return load_layout(str(path))


def _problems(folder: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        _load(folder, text)
    return [
        line.removeprefix(f"{folder / 'mine.yaml'}: ") for line in str(caught.value).split("\n")
    ]


def test_built_in_layouts_load_under_their_names() -> None:
    assert names() == sorted(names())
    assert set(names()) >= {
        *("beir-full", "beir-older", *(f"celi-{table}" for table in range(1, 7))),
        *("hf-blog", "honesty", "plain", "ratings", "wide"),
    }
    assert DEFAULT in names()
    assert [load_layout(name).name for name in names()] == names()


def test_a_file_is_named_after_itself(tmp_path: Path) -> None:
    assert _load(tmp_path, COLUMN).name == "mine"
    path = tmp_path / "my (new) layout.yml"
    path.write_text(COLUMN, encoding="utf-8")
    assert load_layout(str(path)).name == "my-new-layout"


def test_a_file_may_name_itself(tmp_path: Path) -> None:
    assert _load(tmp_path, f"name: ours\n{COLUMN}").name == "ours"


def test_unknown_layout_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match="no layout 'beir-ful'; did you mean 'beir-full'"):
        load_layout("beir-ful")


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        load_layout(str(tmp_path / "absent.yaml"))


@pytest.mark.parametrize("text", ["", "- a list\n", "just words\n"])
def test_a_file_without_keys_is_no_layout(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError, match=r"is no mapping of keys.*docs/layouts\.md"):
        _load(tmp_path, text)


def test_every_mistake_is_named_at_once(tmp_path: Path) -> None:
    text = """
detph: 100
order: best
decimals: "3"
families:
  - titel: Ours
    models: [a, {name: b, lable: c}]
tables:
  - headig_level: 2
    columns:
      - {kind: model, algin: left}
      - {kind: metrics}
      - {header: none}
      - {kind: latency, percentil: 90}
      - {kind: latency, percentile: 900}
      - {kind: metric, metric: 3, collection: x}
"""
    problems = _problems(tmp_path, text)
    expected = [
        r"unknown key 'detph'; did you mean 'depth'\?",
        r"'order' must be one of listed, metric, rating, name \(given: 'best'\)",
        r"'decimals' must be a valid integer \(given: '3'\)",
        r"unknown key 'families\[0\]\.titel'; did you mean 'title'\?",
        r"'families\[0\]\.title' is missing; add it",
        r"unknown key 'families\[0\]\.models\[1\]\.lable'; did you mean 'label'\?",
        r"unknown key 'tables\[0\]\.headig_level'; did you mean 'heading_level'\?",
        r"unknown key 'tables\[0\]\.columns\[0\]\.algin'; did you mean 'align'\?",
        r"'tables\[0\]\.columns\[1\]\.kind' cannot be 'metrics'; did you mean 'metric'\?",
        r"'tables\[0\]\.columns\[2\]\.kind' is missing; known: .*, metric, model, .*",
        r"unknown key 'tables\[0\]\.columns\[3\]\.percentil'; did you mean 'percentile'\?",
        r"'tables\[0\]\.columns\[4\]\.percentile' must be .*equal to 100 \(given: 900\)",
        r"'tables\[0\]\.columns\[5\]\.metric' must be a valid string \(given: 3\)",
    ]
    assert len(problems) == len(expected)
    for pattern in expected:
        assert any(re.fullmatch(pattern, problem) for problem in problems), (pattern, problems)


def test_columns_that_could_never_be_filled_are_mistakes(tmp_path: Path) -> None:
    text = """
tables:
  - title: "{collection}"
    columns:
      - {kind: metric}
      - {kind: delta, collection: a, members: [b, c]}
      - {kind: metric, collection: a, every_collection: true}
"""
    problems = _problems(tmp_path, text)
    assert problems[0].startswith("tables[0].title: {collection} needs 'per_collection: true'")
    assert [problem.split(":")[0] for problem in problems[1:]] == [
        f"tables[0].columns[{at}]" for at in range(3)
    ]


def test_per_collection_columns_name_no_collection(tmp_path: Path) -> None:
    text = """
per_collection: true
tables:
  - columns:
      - {kind: metric, collection: scifact}
"""
    (problem,) = _problems(tmp_path, text)
    assert "with 'per_collection' every column shows the table's own collection" in problem


@pytest.mark.parametrize("header", ["{colection}", "{metric.__class__}", "{metric!r}", "{0}"])
def test_headers_are_filled_with_plain_fields_only(tmp_path: Path, header: str) -> None:
    text = f"tables:\n  - columns:\n      - {{kind: model, header: '{header}'}}\n"
    (problem,) = _problems(tmp_path, text)
    assert "cannot be filled in; known: {metric}, {collection}, {count}, {percentile}" in problem


def test_an_unclosed_field_is_a_mistake(tmp_path: Path) -> None:
    text = "tables:\n  - columns:\n      - {kind: model, header: '{metric'}\n"
    (problem,) = _problems(tmp_path, text)
    assert problem.startswith("tables[0].columns[0].header: ")


def test_broken_yaml_names_its_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"mine\.yaml:4: not readable as YAML"):
        _load(tmp_path, "tables:\n\n  - [a\nb: }\n")


def test_characters_that_yaml_forbids_are_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"not readable as YAML \(unacceptable character #x0007"):
        _load(tmp_path, f"name: a\x07b\n{COLUMN}")


def test_a_key_that_stands_twice_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"mine\.yaml:2: .*key 'depth' is given twice"):
        _load(tmp_path, f"depth: 1\ndepth: 2\n{COLUMN}")


def test_keys_that_are_no_names_are_mistakes(tmp_path: Path) -> None:
    (problem,) = _problems(tmp_path, f"1: 2\n{COLUMN}")
    assert problem.startswith("unknown key '1'; known: ")
    with pytest.raises(InputError, match="not readable as YAML"):
        _load(tmp_path, f"? [a]\n: 2\n{COLUMN}")


def test_yaml_makes_no_objects(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not readable as YAML"):
        _load(tmp_path, "a: !!python/object/apply:os.system ['true']\n")


@pytest.mark.parametrize("name", ["a b", "-->", "ä", ""])
def test_names_that_would_break_a_marker_are_mistakes(tmp_path: Path, name: str) -> None:
    (problem,) = _problems(tmp_path, f"name: '{name}'\n{COLUMN}")
    assert problem.startswith("'name' must be letters, digits, ")


def test_blank_lines_inside_block_texts_stay(tmp_path: Path) -> None:
    text = f"tables:\n  - preamble: |\n      one\n\n\n      two\n    {COLUMN.split('- ', 1)[1]}"
    assert _load(tmp_path, text).tables[0].preamble == "one\n\n\ntwo\n"


def test_every_key_is_explained() -> None:
    text = DOCS.read_text(encoding="utf-8")
    models: list[type[BaseModel]] = [
        *(layout.Layout, layout.TableForm, layout.Family, layout.ListedModel),
        layout.FirstStages,
        *COLUMN_KINDS.values(),
    ]
    keys = {key for model in models for key in model.model_fields} | set(COLUMN_KINDS)
    fields = {f"{{{field}}}" for field in (*HEADER_FIELDS, *layout.TITLE_FIELDS)}
    assert [key for key in sorted(keys | fields) if f"`{key}`" not in text] == []


def test_the_examples_in_the_docs_are_layouts(tmp_path: Path) -> None:
    examples = re.findall(r"```yaml\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    assert examples
    for example in examples:
        _load(tmp_path, example)
