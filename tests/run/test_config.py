"""Strict YAML: every mistake at once, where it is, and what was probably meant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from rerankbench.errors import ConfigError, InputError
from rerankbench.run import config
from rerankbench.types import Price

LEAST = "datasets: [demo]\nmodels: [bm25]\n"


def _load(folder: Path, text: str, name: str = "run.yaml", **overrides: Any) -> config.RunConfig:
    path = folder / name
    path.write_bytes(text.encode())
    return config.load(path, overrides)


def _complaints(folder: Path, text: str, **overrides: Any) -> list[str]:
    """What is said of a file, line by line, without its path."""
    with pytest.raises(ConfigError) as caught:
        _load(folder, text, **overrides)
    start = f"{folder / 'run.yaml'}: "
    lines = str(caught.value).splitlines()
    assert all(line.startswith(start) for line in lines)
    return [line.removeprefix(start) for line in lines]


def test_the_least_config_gets_the_documented_defaults(tmp_path: Path) -> None:
    found = _load(tmp_path, LEAST)
    assert (found.top_k, found.metrics, found.device, found.dtype) == (
        100,
        ("nDCG@10",),
        "auto",
        "auto",
    )
    assert [stage.name for stage in found.first_stages] == ["bm25"]
    assert found.first_stages[0].arguments == {}
    assert (found.speed.enabled, found.speed.passes, found.speed.budget_s) == (True, 3, 60.0)
    assert found.results == Path("results")
    assert found.limit_queries is None


def test_the_demo_config_is_valid() -> None:
    assert config.load(config.demo_path(), {}).datasets[0].id == "demo"


def test_a_full_config_is_read(tmp_path: Path) -> None:
    text = """
suite: cpu-2026
datasets:
  - scifact/
  - {id: beir/fiqa/test, split: dev}
first_stages:
  - bm25
  - {name: bm25, k1: 1.5, b: 0.75}
models:
  - cross-encoder/x
  - {model: y, name: short, revision: abc, trust_remote_code: true, dtype: bfloat16,
     engine: padded, batch_tokens: 9, max_length: 128}
top_k: 30
metrics: [MAP, nDCG@5]
device: cuda:1
dtype: float16
speed: {enabled: false, passes: 5, budget_s: 1.5}
results: out
"""
    found = _load(tmp_path, text)
    assert found.suite == "cpu-2026"
    assert [(each.id, each.split) for each in found.datasets] == [
        ("scifact/", None),
        ("beir/fiqa/test", "dev"),
    ]
    assert [each.arguments for each in found.first_stages] == [{}, {"k1": 1.5, "b": 0.75}]
    short = found.models[1]
    assert (short.model, short.name, short.revision, short.trust_remote_code) == (
        "y",
        "short",
        "abc",
        True,
    )
    assert (short.dtype, short.engine, short.batch_tokens, short.max_length) == (
        "bfloat16",
        "padded",
        9,
        128,
    )
    assert found.models[0].dtype is None
    assert (found.top_k, found.metrics, found.device, found.dtype) == (
        30,
        ("MAP", "nDCG@5"),
        "cuda:1",
        "float16",
    )
    assert (found.speed.enabled, found.speed.passes, found.speed.budget_s) == (False, 5, 1.5)
    assert found.results == Path("out")


def test_every_mistake_is_named_at_once(tmp_path: Path) -> None:
    text = """
topk: 10
datasets: [demo]
models:
  - {model: a, revison: b}
  - {name: c}
speed: {passes: 1, budget: 3}
device: gpu
dtype: float8
suite: a/b
limit_queries: 0
"""
    complaints = _complaints(tmp_path, text)
    assert sorted(complaints) == sorted(
        [
            "unknown key 'topk'; did you mean 'top_k'?",
            "unknown key 'models[0].revison'; did you mean 'revision'?",
            "'models[1].model' is missing; add it",
            "unknown key 'speed.budget'; did you mean 'budget_s'?",
            "'speed.passes' must be greater than or equal to 3 (given: 1)",
            "'device' must be auto, cpu, cuda or cuda:N (given: 'gpu')",
            "'dtype' must be one of auto, float32, bfloat16, float16, int8 (given: 'float8')",
            "'suite' must be letters, digits, '.', '_' and '-', starting with a letter or digit"
            " (given: 'a/b')",
            "'limit_queries' must be greater than or equal to 1 (given: 0)",
        ]
    )


@pytest.mark.parametrize("value", [".nan", ".inf", "-.inf"])
@pytest.mark.parametrize(
    "place",
    [
        "speed: {{budget_s: {}}}",
        "models: [{{model: bm25, price: {{amount: {}, unit: hour, date: 2026-01-01}}}}]",
        "models: [{{model: bm25, price: {{amount: 1, per: {}, unit: hour, date: 2026-01-01}}}}]",
    ],
)
def test_numbers_that_are_not_finite_are_refused(place: str, value: str, tmp_path: Path) -> None:
    models = "" if place.startswith("models") else "models: [bm25]\n"
    (complaint,) = _complaints(tmp_path, f"datasets: [demo]\n{models}{place.format(value)}\n")
    assert "finite number" in complaint or "greater than or equal" in complaint, complaint


def test_a_list_whose_only_entry_is_wrong_is_not_called_empty(tmp_path: Path) -> None:
    text = "datasets: [{idd: x, id: demo}]\nmodels: [{dtype: auto}]\n"
    assert _complaints(tmp_path, text) == [
        "unknown key 'datasets[0].idd'; did you mean 'id'?",
        "'models[0].model' is missing; add it",
    ]


def test_an_empty_list_is_called_too_short(tmp_path: Path) -> None:
    (complaint,) = _complaints(tmp_path, "datasets: []\nmodels: [bm25]\n")
    assert complaint.startswith("'datasets': ") and "at least 1" in complaint


def test_what_is_missing_is_named_with_the_option_that_gives_it(tmp_path: Path) -> None:
    assert _complaints(tmp_path, "top_k: 3") == [
        "'datasets' is missing; add it (or -d DATASET)",
        "'models' is missing; add it (or -m MODEL)",
    ]


def test_mistakes_on_the_command_line_are_said_to_be_there() -> None:
    with pytest.raises(ConfigError, match=r"^the command line: 'models' is missing; add it"):
        config.load(None, {"datasets": ["demo"]})


def test_a_long_wrong_value_is_cut_short(tmp_path: Path) -> None:
    (complaint,) = _complaints(tmp_path, LEAST + f"device: {'x' * 500}\n")
    assert len(complaint) < 160


@pytest.mark.parametrize("device", ["auto", "cpu", "cuda", "cuda:12"])
def test_known_devices_are_taken(device: str, tmp_path: Path) -> None:
    assert _load(tmp_path, LEAST + f"device: {device}\n").device == device


@pytest.mark.parametrize("device", ["cuda:", "cuda:x", "mps", "cpu\n", "xcpu"])
def test_other_devices_are_refused(device: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="must be auto, cpu, cuda or cuda:N"):
        config.load(None, {"datasets": ["demo"], "models": ["bm25"], "device": device})


@pytest.mark.parametrize("suite", ["", "../up", "-x", ".hidden", "a b"])
def test_a_suite_that_is_no_plain_folder_name_is_refused(suite: str) -> None:
    with pytest.raises(ConfigError, match="'suite'"):
        config.load(None, {"datasets": ["demo"], "models": ["bm25"], "suite": suite})


def test_options_win_over_the_file_and_unset_ones_do_not(tmp_path: Path) -> None:
    text = LEAST + "top_k: 5\nmetrics: [MAP]\nspeed: {passes: 7, budget_s: 2}\n"
    found = _load(
        tmp_path,
        text,
        top_k=9,
        metrics=None,
        models=["oracle", "random"],
        speed={"enabled": False, "passes": None},
    )
    assert found.top_k == 9
    assert found.metrics == ("MAP",)
    assert [each.model for each in found.models] == ["oracle", "random"]
    assert (found.speed.enabled, found.speed.passes, found.speed.budget_s) == (False, 7, 2.0)


def test_an_option_fills_a_section_that_the_file_lacks_or_leaves_blank(tmp_path: Path) -> None:
    assert _load(tmp_path, LEAST, speed={"passes": 4}).speed.passes == 4
    assert _load(tmp_path, LEAST + "speed:\n", speed={"passes": 4}).speed.passes == 4


def test_unset_options_do_not_make_up_a_section(tmp_path: Path) -> None:
    assert _load(tmp_path, LEAST, speed={"passes": None}).speed.passes == 3


def test_an_option_does_not_hide_that_its_section_is_no_section(tmp_path: Path) -> None:
    (complaint,) = _complaints(tmp_path, LEAST + "speed: fast\n", speed={"passes": 4})
    assert complaint.startswith("'speed' must be a valid dictionary") and "'fast'" in complaint


@pytest.mark.parametrize(
    ("name", "suite"),
    [
        ("nightly.yaml", "nightly"),
        ("my run (2).yaml", "my-run-2"),
        ("Größe.v2.yaml", "Gr-e.v2"),
        ("_x-.yaml", "x"),
        ("日本.yaml", "default"),
    ],
)
def test_the_file_names_the_suite_where_nothing_else_does(
    name: str, suite: str, tmp_path: Path
) -> None:
    assert _load(tmp_path, LEAST, name).suite == suite
    assert _load(tmp_path, LEAST + "suite: own\n", name).suite == "own"
    assert _load(tmp_path, LEAST, name, suite="mine").suite == "mine"


def test_without_a_file_the_suite_is_default() -> None:
    assert config.load(None, {"datasets": ["demo"], "models": ["bm25"]}).suite == "default"


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_broken_yaml_is_found_by_the_files_own_line(end: str, tmp_path: Path) -> None:
    text = end.join(["# a comment", "", "", "datasets: [demo]", "", "models: [a", "top_k: 3", ""])
    with pytest.raises(InputError, match=r"run\.yaml:7: .*mend the YAML"):
        _load(tmp_path, text)


def test_windows_line_ends_change_nothing(tmp_path: Path) -> None:
    text = LEAST + "\nmetrics:\n  - MAP\n"
    assert _load(tmp_path, text.replace("\n", "\r\n")) == _load(tmp_path, text)


@pytest.mark.parametrize("text", ["", "# nothing\n", "- demo\n", "demo\n", "3\n"])
def test_what_is_no_mapping_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no mapping of keys to values; start from"):
        _load(tmp_path, text)


@pytest.mark.parametrize(
    "text",
    [
        "suite: 2026-13-45\n",
        "a: *b\n",
        "? [a]\n: b\n",
        "a: !!python/object/apply:os.getcwd []\n",
        "a: @b\n",
        "a: " + "[" * 2000,
    ],
)
def test_yaml_that_cannot_be_read_is_no_traceback(text: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="mend the YAML"):
        _load(tmp_path, text)


def test_a_key_given_twice_is_refused_by_its_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"run\.yaml:3: .*'models'.*twice"):
        _load(tmp_path, LEAST + "models: [oracle]\n")
    with pytest.raises(InputError, match=r"run\.yaml:3: .*'passes'.*twice"):
        _load(tmp_path, LEAST + "speed: {passes: 3, passes: 4}\n")


def test_merged_keys_may_be_overridden(tmp_path: Path) -> None:
    text = (
        "datasets: [demo]\nmodels:\n  - &base {model: a, dtype: float32}\n"
        "  - {<<: *base, model: b}\n"
    )
    assert [(each.model, each.dtype) for each in _load(tmp_path, text).models] == [
        ("a", "float32"),
        ("b", "float32"),
    ]


def test_keys_that_are_no_strings_are_unknown_keys(tmp_path: Path) -> None:
    (complaint,) = _complaints(tmp_path, LEAST + "1: 2\n")
    assert complaint.startswith("unknown key '1'; ")


def test_the_byte_order_mark_of_an_editor_is_no_mistake(tmp_path: Path) -> None:
    assert _load(tmp_path, "\ufeff" + LEAST).models[0].model == "bm25"


def test_a_config_is_frozen(tmp_path: Path) -> None:
    found = _load(tmp_path, LEAST)
    with pytest.raises(ValidationError):
        found.top_k = 3  # type: ignore[misc]


@pytest.mark.parametrize(
    ("value", "threads"),
    [("3", 3), (None, 8), ("", 8), ("0", 8), ("-2", 8), ("many", 8), ("4,2", 8), ("²", 8)],
)
def test_threads_are_those_of_the_variable_where_it_is_a_number(
    value: str | None, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if value is not None:
        monkeypatch.setenv("OMP_NUM_THREADS", value)
    assert config.threads_wanted(8) == threads


PRICED = "datasets: [demo]\nmodels:\n  - {model: a, price: {amount: 2, unit: search, %s}}\n"


@pytest.mark.parametrize(
    ("unit", "per"), [("token", 1_000_000.0), ("search", 1_000.0), ("hour", 1.0)]
)
def test_a_price_counts_what_is_usual_for_its_unit(unit: str, per: float, tmp_path: Path) -> None:
    text = PRICED.replace("search", unit) % "date: 2026-11-01"
    price = _load(tmp_path, text).models[0].price
    assert price is not None
    assert price == Price(amount=2.0, unit=unit, per=per, date="2026-11-01", currency="USD")  # type: ignore[arg-type]


def test_a_price_may_say_how_many_units_and_which_money(tmp_path: Path) -> None:
    text = PRICED % 'date: "2026-11-01", per: 1, currency: EUR'
    price = _load(tmp_path, text).models[0].price
    assert price is not None
    assert (price.per, price.currency) == (1.0, "EUR")


def test_a_price_may_be_of_a_month(tmp_path: Path) -> None:
    price = _load(tmp_path, PRICED % "date: 2026-11").models[0].price
    assert price is not None
    assert price.date == "2026-11"


def test_models_have_no_price_unless_it_is_given(tmp_path: Path) -> None:
    assert _load(tmp_path, LEAST).models[0].price is None


@pytest.mark.parametrize(
    ("price", "complaint"),
    [
        ("amount: 2, unit: search", "'models[0].price.date' is missing; add it"),
        (
            "amount: 2, unit: search, date: 2026-11-01, pre: 3",
            "unknown key 'models[0].price.pre'; did you mean 'per'?",
        ),
        (
            "amount: 2, unit: query, date: 2026-11-01",
            "'models[0].price.unit' must be one of token, search, hour (given: 'query')",
        ),
        (
            "amount: 2, unit: hour, date: 2026-11-01, currency: usd",
            "'models[0].price.currency' must be three capital letters, as in USD (given: 'usd')",
        ),
        (
            "amount: 2, unit: hour, date: 1.11.2026",
            "'models[0].price.date' must be a date, as in 2026-11-01 (given: '1.11.2026')",
        ),
        (
            "amount: 2, unit: hour, date: 20261101",
            "'models[0].price.date' must be a date, as in 2026-11-01 (given: 20261101)",
        ),
        (
            'amount: 2, unit: hour, date: "20261101"',
            "'models[0].price.date' must be a date, as in 2026-11-01 (given: '20261101')",
        ),
        (
            "amount: -1, unit: hour, date: 2026-11-01",
            "'models[0].price.amount' must be greater than or equal to 0 (given: -1)",
        ),
        (
            "amount: .inf, unit: hour, date: 2026-11-01",
            "'models[0].price.amount' must be a finite number (given: inf)",
        ),
        (
            "amount: 1, unit: hour, date: 2026-11-01, per: 0",
            "'models[0].price.per' must be greater than or equal to 0.000000001 (given: 0)",
        ),
    ],
)
def test_a_wrong_price_is_named(price: str, complaint: str, tmp_path: Path) -> None:
    text = f"datasets: [demo]\nmodels: [{{model: a, price: {{{price}}}}}]\n"
    assert _complaints(tmp_path, text) == [complaint]


def test_a_wrong_fusion_names_the_methods() -> None:
    entry = {"model": "m", "fusion": "rff"}
    with pytest.raises(ConfigError, match=r"fusion\.method' must be one of rrf, linear"):
        config.validated({"datasets": ["demo"], "models": [entry]}, "f.yaml")


def test_no_depth_is_beyond_what_a_record_can_hold(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(
        "datasets: [demo]\nmodels: [bm25]\ntop_k: 99999999999999999999\n"
    )
    with pytest.raises(ConfigError, match="'top_k' must be less than or equal to 2147483"):
        config.load(tmp_path / "c.yaml", {})
