"""The list of models is complete, agrees with what was published, and is read strictly."""

from __future__ import annotations

import datetime
import re
from collections import Counter
from pathlib import Path

import pytest

from rerankbench import registry
from rerankbench.errors import ConfigError, UsageError
from rerankbench.known import models
from rerankbench.known.models import KnownModel, find, known, matching
from rerankbench.types import Price

# As BEIR's leaderboard prints them.
BEIR = [
    "cross-encoder/ms-marco-MiniLM-L-2-v2",
    "cross-encoder/ms-marco-MiniLM-L-4-v2",
    "cross-encoder/ms-marco-MiniLM-L-6-v2",
    "cross-encoder/ms-marco-MiniLM-L-12-v2",
    "cross-encoder/ms-marco-TinyBERT-L-2-v2",
    "cross-encoder/ms-marco-TinyBERT-L-4",
    "cross-encoder/ms-marco-TinyBERT-L-6",
    "cross-encoder/ms-marco-electra-base",
]
# The parameters that sentence-transformers' GooAQ comparison prints.
GOOAQ = {
    "cross-encoder/ms-marco-MiniLM-L6-v2": "22.7M",
    "jinaai/jina-reranker-v1-tiny-en": "33M",
    "jinaai/jina-reranker-v1-turbo-en": "37.8M",
    "jinaai/jina-reranker-v2-base-multilingual": "278M",
    "BAAI/bge-reranker-base": "278M",
    "BAAI/bge-reranker-large": "560M",
    "BAAI/bge-reranker-v2-m3": "568M",
    "mixedbread-ai/mxbai-rerank-xsmall-v1": "70.8M",
    "mixedbread-ai/mxbai-rerank-base-v1": "184M",
    "mixedbread-ai/mxbai-rerank-large-v1": "435M",
    "mixedbread-ai/mxbai-rerank-base-v2": "494M",
    "mixedbread-ai/mxbai-rerank-large-v2": "1.54B",
    "Alibaba-NLP/gte-reranker-modernbert-base": "150M",
    "tomaarsen/reranker-ModernBERT-base-gooaq-bce": "150M",
    "tomaarsen/reranker-ModernBERT-large-gooaq-bce": "396M",
}
# The parameters that CELI's paper gives its backbones.
CELI = {
    "microsoft/MiniLM-L12-H384-uncased": "33M",
    "google/electra-base-discriminator": "110M",
    "google/electra-large-discriminator": "340M",
}
COMMON = {
    "Qwen/Qwen3-Reranker-0.6B": "causal-lm",
    "Qwen/Qwen3-Reranker-4B": "causal-lm",
    "Qwen/Qwen3-Reranker-8B": "causal-lm",
    "mixedbread-ai/mxbai-rerank-base-v2": "causal-lm",
    "jinaai/jina-reranker-v3": "jina-v3",
    "Alibaba-NLP/gte-multilingual-reranker-base": "sequence-classification",
    "ibm-granite/granite-embedding-reranker-english-r2": "sequence-classification",
    "cross-encoder/ettin-reranker-150m-v1": "sequence-classification",
    "BAAI/bge-reranker-v2-gemma": "causal-lm",
    "BAAI/bge-reranker-v2-minicpm-layerwise": "causal-lm",
    "castorini/monot5-base-msmarco": "seq2seq",
    "castorini/monot5-3b-msmarco": "seq2seq",
    "Soyoung97/RankT5-base": "seq2seq",
    "castorini/rank_zephyr_7b_v1_full": "listwise",
    "answerdotai/answerai-colbert-small-v1": "late-interaction",
    "colbert-ir/colbertv2.0": "late-interaction",
    "sentence-transformers/static-retrieval-mrl-en-v1": "bi-encoder",
    "rerank-v3.5": "http",
    "rerank-v4.0-pro": "http",
    "rerank-2.5": "http",
    "rerank-2.5-lite": "http",
}


def entry(name: str) -> KnownModel:
    found = find(name)
    assert found is not None, name
    return found


def one(**fields: object) -> str:
    return "- " + "\n  ".join(f"{key}: {value}" for key, value in fields.items())


@pytest.mark.parametrize("name", BEIR)
def test_every_model_of_beirs_leaderboard_is_known(name: str) -> None:
    found = entry(name)
    assert (found.provider, found.family) == ("Sentence Transformers", "sequence-classification")
    assert (found.max_length, found.licence) == (512, "Apache-2.0")


@pytest.mark.parametrize(("name", "printed"), (GOOAQ | CELI).items())
def test_sizes_agree_with_the_published_ones(name: str, printed: str) -> None:
    millions = float(printed[:-1]) * (1000 if printed.endswith("B") else 1)
    parameters = entry(name).parameters
    assert parameters is not None
    assert parameters / 1e6 == pytest.approx(millions, rel=0.02)


@pytest.mark.parametrize(("name", "family"), COMMON.items())
def test_common_models_are_known_by_family(name: str, family: str) -> None:
    assert entry(name).family == family


def test_sizes_in_names_are_the_sizes() -> None:
    for model in known():
        size = re.search(r"[-_](\d+(?:\.\d+)?)([mb])(?![a-z0-9.])", model.name.lower())
        if size and model.parameters is not None:
            stated = float(size[1]) * (1e6 if size[2] == "m" else 1e9)
            assert model.parameters == pytest.approx(stated, rel=0.06), model.name


def test_the_list_has_every_family_and_counts_by_provider() -> None:
    families = {model.family for model in known()}
    assert families <= set(registry.built_in("rerankers"))
    assert len(families) >= 8
    counts = Counter(model.provider for model in known())
    assert counts["Sentence Transformers"] == 8 + 6 + 1
    assert (counts["BAAI"], counts["Jina AI"], counts["Mixedbread"]) == (5, 4, 5)
    assert (counts["Cohere"], counts["Voyage AI"], counts["Alibaba"]) == (5, 4, 5)
    assert None not in counts


def test_no_name_means_two_models() -> None:
    spellings = [spelling for model in known() for spelling in model.spellings]
    assert len(spellings) == len(set(spellings))


def test_facts_are_well_formed() -> None:
    for model in known():
        assert model.source is not None, model.name
        assert ("/" in model.name) == (model.family != "http"), model.name
        assert model.licence in {None, "Apache-2.0", "MIT", "CC-BY-NC-4.0", "proprietary"}
        dates = [model.released, model.price.date if model.price else None]
        for date in filter(None, dates):
            day = datetime.date.fromisoformat(date if len(date) == 10 else f"{date}-01")
            assert datetime.date(2019, 1, 1) < day < datetime.date(2027, 1, 1), model.name
        if model.family == "http":
            assert model.parameters is None


def test_blank_is_none_and_not_a_guess() -> None:
    assert entry("castorini/monot5-3b-msmarco").licence is None
    assert entry("rerank-v3.5").price is None
    assert entry("colbertv2.0").max_length is None


@pytest.mark.parametrize(
    "name",
    [
        "BAAI/bge-reranker-v2-m3",
        "baai/BGE-reranker-v2-m3",
        "bge-reranker-v2-m3",
        " BGE-Reranker-V2-M3 ",
    ],
)
def test_a_model_is_found_by_id_and_by_its_last_part_in_any_case(name: str) -> None:
    assert entry(name).name == "BAAI/bge-reranker-v2-m3"


def test_old_and_new_ids_are_one_model() -> None:
    assert entry("ms-marco-MiniLM-L-6-v2") == entry("cross-encoder/ms-marco-MiniLM-L6-v2")


@pytest.mark.parametrize("name", ["", "bge", "someone/bge-reranker-v2-m3", "bm25", "a/b/c"])
def test_what_is_not_known_is_none(name: str) -> None:
    assert find(name) is None


def test_matching_looks_into_names_providers_and_families() -> None:
    assert {model.provider for model in matching("COHERE")} == {"Cohere"}
    assert {model.family for model in matching("monoT5")} == {"seq2seq"}
    assert [model.name for model in matching("MiniLM-L-6")] == [
        "cross-encoder/ms-marco-MiniLM-L6-v2"
    ]


def test_matching_nothing_says_what_to_give() -> None:
    with pytest.raises(UsageError, match=r"no known model has 'xyz'.*; give a part of a name"):
        matching("xyz")


@pytest.mark.parametrize(
    ("price", "text"),
    [
        (Price(amount=0.025, unit="token", per=1e6, date=None), "0.025 USD per 1M tokens"),
        (
            Price(amount=2.0, unit="search", per=1000.0, date="2026-11"),
            "2 USD per 1,000 searches (2026-11)",
        ),
        (Price(amount=5.5, currency="EUR", unit="hour", per=1.0, date=None), "5.5 EUR per hour"),
        (Price(amount=0.5, unit="token", per=2.5, date=None), "0.5 USD per 2.5 tokens"),
    ],
)
def test_a_price_says_for_what(price: Price, text: str) -> None:
    assert price.text == text


def _read(folder: Path, text: str) -> tuple[KnownModel, ...]:
    path = folder / "models.yaml"
    path.write_text(text, encoding="utf-8")
    return models.read(path)


def test_only_a_name_and_a_family_are_needed(tmp_path: Path) -> None:
    least = one(name="a/b", family="http")
    assert _read(tmp_path, least) == (KnownModel(name="a/b", family="http"),)
    assert _read(tmp_path, "[]") == ()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"licens": "MIT"}, "unknown key '[0].licens'; did you mean 'licence'?"),
        ({"parameters": "22.7M"}, "'[0].parameters' must be a valid integer"),
        ({"parameters": 0}, "'[0].parameters' must be greater than or equal to 1"),
        ({"released": 2021}, "'[0].released'"),
        ({"released": "2021-13"}, "'[0].released'"),
        ({"aliases": "c"}, "'[0].aliases' must be a valid tuple"),
        ({"source": "ftp://x"}, "'[0].source'"),
        ({"price": "{amount: 1, unit: token}"}, "'[0].price.date' is missing"),
        (
            {"price": "{amount: 1, unit: page, date: ~}"},
            "'[0].price.unit' must be one of token, search, hour",
        ),
    ],
)
def test_a_mistake_names_the_entry_and_the_key(
    fields: dict[str, object], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        _read(tmp_path, one(name="a/b", family="http", **fields))


def test_the_list_is_read_once() -> None:
    assert models.known() is models.known()


def test_a_listed_family_is_one_that_a_config_can_name() -> None:
    assert {model.family for model in known()} <= set(registry.names("rerankers"))
