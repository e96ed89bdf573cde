"""Listwise rerankers ask what plain transformers would be asked, one window after another."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rerankbench.errors import ModelError, UsageError
from rerankbench.protocols import Job, RerankerSpec, ScoredBatch
from rerankbench.rerankers import detection
from rerankbench.rerankers.listwise.factory import FACTORY
from rerankbench.rerankers.listwise.generation import GeneratedAnswer, Generator
from rerankbench.rerankers.listwise.order import ListwiseReranker
from rerankbench.rerankers.listwise.prompt import Question, QuestionWriter, messages
from rerankbench.rerankers.listwise.recipe import ListwiseRecipe
from rerankbench.types import Candidates, Document, EngineRef, RerankerRef
from tests.rerankers.loaded import load

from ... import tiny
from .. import writers

WINDOW, STRIDE = 4, 2
SMALL = {"window": WINDOW, "stride": STRIDE, "passage_words": 12}
REF = RerankerRef(name="scripted", family="listwise", revision="1", max_length=900, reads="lists")
ModelOf = Callable[..., Path]


@pytest.fixture(scope="session")
def model_of(tmp_path_factory: pytest.TempPathFactory) -> ModelOf:
    folder = tmp_path_factory.mktemp("writers")

    @cache
    def build(kind: str = "Llama") -> Path:
        return writers.build(folder / kind, kind)

    return build


def _load(folder: Path, recipe: dict[str, Any] | None = None, **options: Any) -> ListwiseReranker:
    options = {"dtype": "float32"} | options
    spec = RerankerSpec(model=str(folder), recipe=recipe or SMALL, **options)
    reranker: ListwiseReranker = load(FACTORY, spec)
    return reranker


def _lists(sizes: Sequence[int], seed: int = 0, longest: int = 20) -> list[Candidates]:
    numbers = random.Random(seed)
    return tiny.candidates(
        [
            (
                tiny.sentence(numbers, numbers.randint(1, 6)),
                [tiny.sentence(numbers, numbers.randint(1, longest)) for _ in range(size)],
            )
            for size in sizes
        ]
    )


def _batches(
    reranker: ListwiseReranker, candidates: Sequence[Candidates], done: Sequence[int] = ()
) -> list[ScoredBatch]:
    job = Job(candidates=candidates, done=frozenset(done))
    return list(reranker.score(reranker.prepare(job)))


def _orders(reranker: ListwiseReranker, candidates: Sequence[Candidates]) -> list[list[int]]:
    """Each list best first, by its scores."""
    scores: dict[int, float] = {}
    for batch in _batches(reranker, candidates):
        assert scores.keys().isdisjoint(batch.pairs)
        scores.update(zip(batch.pairs, batch.scores, strict=True))
    found = []
    for each in candidates:
        first = [scores.pop(pair) for pair in list(scores)[: len(each.documents)]]
        found.append(sorted(range(len(first)), key=first.__getitem__, reverse=True))
    assert not scores
    return found


def _plain_order(folder: Path, each: Candidates, most_words: int = 12) -> list[int]:
    """One window at a time, its prompt written out by hand, generated greedily."""
    tokens, model = writers.reference(folder)
    penalty = model.generation_config.repetition_penalty
    assert penalty == 5.0, "the checkpoint says nothing that had to be overruled"
    order, end = list(range(len(each.documents))), len(each.documents)
    while end >= 2:
        start = end - 4 if end > 4 else 0
        count, query = end - start, each.query.text
        prompt = (
            "<s><|system|>\nYou are RankLLM, an intelligent assistant that can rank passages "
            "based on their relevancy to the query</s>\n<|user|>\nI will provide you with "
            f"{count} passages, each indicated by a numerical identifier []. Rank the passages "
            f"based on their relevance to the search query: {query}.\n"
        )
        for number in range(count):
            words = each.documents[order[start + number]].text.split(" ")[:most_words]
            prompt += "[" + str(number + 1) + "] " + " ".join(words) + "\n"
        prompt += (
            f"Search Query: {query}.\nRank the {count} passages above based on their relevance to "
            "the search query. All the passages should be included and listed using identifiers, "
            "in descending order of relevance. The output format should be [] > [], e.g., "
            "[2] > [1], Answer concisely and directly and only respond with the ranking results, "
            "do not say any word or explain.</s>\n<|assistant|>\n"
        )
        ids = tokens(prompt, add_special_tokens=False, return_tensors="pt")["input_ids"]
        longest = " > ".join(f"[{number + 1}]" for number in range(count))
        with torch.no_grad():
            for _ in range(len(tokens(longest, add_special_tokens=False)["input_ids"]) + 1):
                token = model(input_ids=ids).logits[0, -1].argmax()
                ids = torch.cat([ids, token.reshape(1, 1)], dim=1)
                if token == 2:
                    break
        answer = tokens.decode(ids[0], skip_special_tokens=False).split("<|assistant|>\n")[1]
        named: list[int] = []
        for number_text in re.findall(r"\d+", answer.removesuffix("</s>")):
            place = int(number_text) - 1
            if 0 <= place < count and place not in named:
                named.append(place)
        named += [place for place in range(count) if place not in named]
        before = order[start:end]
        order[start:end] = [before[place] for place in named]
        if start == 0:
            break
        end -= 2
    return order


@pytest.mark.parametrize("kind", writers.KINDS)
def test_orders_are_those_of_plain_transformers(model_of: ModelOf, kind: str) -> None:
    folder, candidates = model_of(kind), _lists([7, 1, 4, 0, 9, 2], seed=1)
    expected = [_plain_order(folder, each) for each in candidates]
    assert _orders(_load(folder, batch_tokens=5000), candidates) == expected
    changed = [order for order in expected if order != sorted(order)]
    assert len(changed) >= 3, "the model changes too few orders to tell anything"


@settings(max_examples=12)
@given(beside=st.integers(1, 6), sizes=st.lists(st.integers(0, 7), min_size=1, max_size=5))
def test_neighbours_and_padding_change_no_order(
    model_of: ModelOf, beside: int, sizes: list[int]
) -> None:
    candidates = _lists(sizes, seed=len(sizes))
    reranker = _load(model_of(), batch_tokens=beside * writers.POSITIONS)
    alone = _load(model_of(), batch_tokens=1)
    expected = [_orders(alone, [each])[0] for each in candidates]
    assert _orders(reranker, candidates) == expected


class Scripted:
    """Answers a question as it is told to, reading it as the model would."""

    attention_kernel = None

    def __init__(self, tokens: Any, answer: Callable[[list[str]], str]) -> None:
        self._tokens, self._answer = tokens, answer
        self.asked: list[list[str]] = []
        self.beside: list[int] = []

    def __call__(self, questions: Sequence[Question]) -> list[GeneratedAnswer]:
        self.beside.append(len(questions))
        return [self._written(question) for question in questions]

    def _written(self, question: Question) -> GeneratedAnswer:
        text = self._tokens.decode(question.ids)
        named = re.findall(r"^\[(\d+)\] (.*)$", text, re.M)
        assert [int(number) for number, _ in named] == list(range(1, question.size + 1))
        self.asked.append([passage for _, passage in named])
        return GeneratedAnswer(text=self._answer(self.asked[-1]), tokens=3, padded_tokens=5)

    def warnings(self) -> Sequence[str]:
        return ()

    def peak_device_bytes(self) -> int | None:
        return None


def _scripted(
    answer: Callable[[list[str]], str],
    *,
    window: int = WINDOW,
    stride: int = STRIDE,
    beside: int = 3,
) -> tuple[ListwiseReranker, Scripted]:
    tokens = _tokens()
    generator: Any = Scripted(tokens, answer)
    reranker = ListwiseReranker(
        ref=REF,
        engine_ref=EngineRef(engine="torch", device="cpu"),
        writer=QuestionWriter(
            tokens, ListwiseRecipe(window=window), max_length=900, name="scripted"
        ),
        generator=generator,
        window=window,
        stride=stride,
        beside=beside,
    )
    return reranker, generator


@cache
def _tokens() -> Any:
    return writers.tokenizer()


def _by_worth(passages: list[str]) -> str:
    """A perfect judge of passages that begin with their worth."""
    best_first = sorted(range(len(passages)), key=lambda i: -int(passages[i].split()[0]))
    return " > ".join(f"[{i + 1}]" for i in best_first)


def _worths(worths: Sequence[int]) -> Candidates:
    (found,) = tiny.candidates([("tide", [f"{worth} moon" for worth in worths])])
    return found


@settings(max_examples=60)
@given(data=st.data(), window=st.integers(2, 6))
def test_a_perfect_judge_brings_the_best_to_the_top(data: st.DataObject, window: int) -> None:
    stride = data.draw(st.integers(1, window))
    worths = data.draw(st.permutations(range(data.draw(st.integers(1, 14)))))
    reranker, _ = _scripted(_by_worth, window=window, stride=stride)
    (order,) = _orders(reranker, [_worths(worths)])
    found = [worths[place] for place in order]
    # The same by hand: sort slices in place, from the back.
    expected, back = list(worths), len(worths)
    while back > 0:
        front = max(0, back - window)
        expected[front:back] = sorted(expected[front:back], reverse=True)
        back = 0 if front == 0 else back - stride
    assert found == expected
    best = sorted(worths, reverse=True)[: window - stride]
    assert found[: len(best)] == best


@pytest.mark.parametrize(
    ("answer", "outcome", "order"),
    [
        ("[3] > [1] > [2]", "ok", [2, 0, 1]),
        ("The best is [3].", "wrong format", [2, 0, 1]),
        ("[3] > [3] > [1]", "repetition", [2, 0, 1]),
        ("[3] > [1]", "missing", [2, 0, 1]),
        ("", "wrong format", [0, 1, 2]),
    ],
)
def test_malformed_answers_are_repaired_and_counted(
    answer: str, outcome: str, order: list[int]
) -> None:
    reranker, _ = _scripted(lambda passages: answer)
    lists = [_worths([5, 6, 7]), _worths([1, 2, 3])]
    assert _orders(reranker, lists) == [order, order]
    assert [dict(each.answers) for each in _batches(reranker, lists)] == [{outcome: 1}] * 2


def test_scores_count_down_to_one_and_none_tie() -> None:
    reranker, _ = _scripted(_by_worth)
    (batch,) = _batches(reranker, [_worths([2, 9, 4, 1, 7])])
    assert (list(batch.pairs), list(batch.scores)) == ([0, 1, 2, 3, 4], [3.0, 5.0, 2.0, 1.0, 4.0])
    assert all(type(score) is float for score in batch.scores)


def test_a_single_candidate_needs_no_question_and_none_no_batch() -> None:
    reranker, generator = _scripted(_by_worth)
    (batch,) = _batches(reranker, [_worths([]), _worths([3])])
    assert (list(batch.scores), dict(batch.answers), generator.asked) == ([1.0], {}, [])


def test_windows_of_several_queries_are_asked_side_by_side() -> None:
    reranker, generator = _scripted(_by_worth, beside=3)
    _batches(reranker, [_worths(range(size)) for size in (8, 4, 5, 6)])
    # Windows of 8: 3; of 4: 1; of 5: 2, all beside each other; then two of 6.
    assert generator.beside == [3, 2, 1, 1, 1]


def test_a_list_that_is_not_wholly_done_is_ordered_and_given_back_whole() -> None:
    reranker, _ = _scripted(_by_worth, beside=2)
    lists = [_worths([1, 2, 3]), _worths([6, 5, 4]), _worths([7, 9, 8])]
    whole = _batches(reranker, lists)
    assert [list(each.pairs) for each in whole] == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]
    assert _batches(reranker, lists, done=[0, 1, 2, 4]) == whole[1:]
    assert _batches(reranker, lists, done=[*range(6), 8]) == whole[2:]
    assert _batches(reranker, lists, done=range(9)) == []


def test_resuming_asks_with_the_same_neighbours_as_an_unbroken_run(model_of: ModelOf) -> None:
    candidates = _lists([6, 5, 7, 3], seed=4)
    reranker = _load(model_of(), batch_tokens=2 * writers.POSITIONS)
    whole = _batches(reranker, candidates)
    assert _batches(reranker, candidates, done=range(6)) == whole[1:]
    assert _batches(reranker, candidates, done=range(6, 18)) == [whole[0], whole[3]]


def test_the_prompt_is_rank_llms_word_for_word() -> None:
    form = ListwiseRecipe()
    system, user = messages(form, "what is [3]?", [["a", "[1]", "b[12]"], ["[x]", "[]"]])
    assert system["content"].startswith("You are RankLLM, an intelligent assistant")
    assert user["content"] == (
        "I will provide you with 2 passages, each indicated by a numerical identifier []. Rank "
        "the passages based on their relevance to the search query: what is (3)?.\n"
        "[1] a (1) b(12)\n[2] [x] []\n"
        "Search Query: what is (3)?.\nRank the 2 passages above based on their relevance to the "
        "search query. All the passages should be included and listed using identifiers, in "
        "descending order of relevance. The output format should be [] > [], e.g., [2] > [1], "
        "Answer concisely and directly and only respond with the ranking results, do not say any "
        "word or explain."
    )


def test_fields_inside_texts_stay_as_they_are() -> None:
    _, user = messages(ListwiseRecipe(), "{candidate} {0} %s", [["{query}", "{rank}", "{num}"]])
    assert "search query: {candidate} {0} %s.\n[1] {query} {rank} {num}\n" in user["content"]


def _writer(max_length: int = 900, window: int = 3, **changes: Any) -> QuestionWriter:
    recipe = ListwiseRecipe(window=window, **changes)
    return QuestionWriter(_tokens(), recipe, max_length=max_length, name="m")


def test_passages_are_cut_to_words_and_titles_named() -> None:
    writer = _writer(passage_words=4)
    words = [
        writer.passage(Document(doc_id="a", title=title, text=text))
        for title, text in (("T", "one  two three four"), ("", "one\ttwo"), ("T", ""))
    ]
    question = writer.question("q", words)
    told = _tokens().decode(question.ids)
    assert "[1] Title: T Content: one\n[2] one two\n[3] Title: T Content:\n" in told
    assert question.cut == {0}
    assert told.startswith("<s><|system|>\n")
    assert told.count("<s>") == 1


def test_a_template_that_begins_with_its_own_token_gets_no_second_one() -> None:
    question = _writer(chat_template="<s>" + writers.CHAT).question("q", [["a"], ["b"]])
    assert _tokens().decode(question.ids).count("<s>") == 1


@settings(max_examples=40)
@given(
    words=st.lists(st.integers(0, 200), min_size=1, max_size=3),
    query=st.text("ab tide,é", max_size=2000),
    max_length=st.integers(520, 700),
)
def test_every_question_leaves_room_for_its_answer(
    words: list[int], query: str, max_length: int
) -> None:
    writer = _writer(max_length)
    passages = [
        writer.passage(Document(doc_id="d", title="", text="quiver " * count)) for count in words
    ]
    question = writer.question(query, passages)
    answer = _tokens()("[1] > [2] > [3]", add_special_tokens=False)["input_ids"]
    assert len(question.ids) <= max_length - len(answer) - 1
    told = _tokens().decode(question.ids)
    kept = [len(each.split()) for each in re.findall(r"^\[\d+\] (.*)$", told, re.M)]
    most = max(kept)
    assert kept == [min(count, most) for count in words]
    assert question.cut == {i for i, count in enumerate(words) if count > kept[i]}
    assert question.query_cut == (f"search query: {query}.\n" not in told)
    if question.query_cut:
        assert most == 0


def test_queries_that_were_cut_are_told() -> None:
    reranker, _ = _scripted(lambda passages: "[1]")
    list(_batches(reranker, tiny.candidates([("tide " * 2000, ["moon", "gull"])])))
    assert list(reranker.warnings()) == ["1 queries were cut to fit the model's length"]


def test_truncated_pairs_are_documents_that_lost_words(model_of: ModelOf) -> None:
    texts = ["tide " * 12, "moon " * 13, "gull", "kelp " * 40, "otter " * 12]
    (batch,) = _batches(_load(model_of()), tiny.candidates([("sable", texts)]))
    assert batch.truncated_pairs == 2
    assert 0 < batch.tokens <= batch.padded_tokens


class _ShortOfMemory:
    """A model that fails above so many rows at once."""

    def __init__(self, model: Any, most_rows: int) -> None:
        self._model, self._most_rows = model, most_rows
        self.config, self.generation_config = model.config, model.generation_config

    def generate(self, *, input_ids: Any, **options: Any) -> Any:
        if len(input_ids) > self._most_rows:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        self._model.generation_config = self.generation_config
        return self._model.generate(input_ids=input_ids, **options)


def _with_memory_for(folder: Path, rows: int) -> ListwiseReranker:
    tokens, model = writers.reference(folder)
    reranker = _load(folder, batch_tokens=5000)
    short = _ShortOfMemory(model, rows)
    reranker._generator = Generator(short, tokens, device=torch.device("cpu"), name="m")
    return reranker


def test_running_out_of_memory_asks_fewer_at_once_and_loses_nothing(model_of: ModelOf) -> None:
    candidates = _lists([5, 6, 4, 5], seed=2)
    reranker = _with_memory_for(model_of(), 1)
    assert _orders(reranker, candidates) == _orders(_load(model_of()), candidates)
    assert list(reranker.warnings()) == ["memory ran out: at most 1 questions were asked at once"]


def test_one_question_that_does_not_fit_ends_with_a_remedy(model_of: ModelOf) -> None:
    with pytest.raises(ModelError, match=r"^m: memory does not suffice .* lower --max-length"):
        _batches(_with_memory_for(model_of(), 0), _lists([3]))


def test_the_record_says_what_was_run(model_of: ModelOf) -> None:
    loadable = FACTORY.identify(RerankerSpec(model=str(model_of())))
    ref, engine = loadable.ref, loadable.choose_engine().engine
    assert (ref.family, ref.scores_lists, ref.max_length) == ("listwise", True, writers.POSITIONS)
    assert ref.scale == "rank"
    assert (ref.recipe["window"], ref.recipe["stride"]) == (20, 10)
    assert (ref.recipe["score"], engine.engine) == ("-rank", "torch")
    changed = FACTORY.identify(RerankerSpec(model=str(model_of()), recipe={"system": ""})).ref
    assert changed.recipe["prompt"] != ref.recipe["prompt"]


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        ({"widnow": 4}, "unknown recipe key 'widnow'; did you mean 'window'"),
        ({"window": "4"}, "recipe key 'window' must be a whole number"),
        ({"window": 1}, "window must be at least 2"),
        ({"window": 4, "stride": 5}, "stride must be between 1 and its window, 4"),
        ({"stride": 0}, "stride must be between 1"),
        ({"passage_words": 0}, "passage_words must be at least 1"),
        ({"body": "{candidate}\n"}, r"body must hold \{rank\}"),
        ({"titled": "{title}"}, r"titled must hold \{text\}"),
        ({"prefix": "", "suffix": ""}, r"prefix or suffix must hold \{query\}"),
    ],
)
def test_a_recipe_that_cannot_be_is_refused(
    model_of: ModelOf, recipe: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        FACTORY.identify(RerankerSpec(model=str(model_of()), recipe=recipe))


def test_a_length_without_room_is_refused(model_of: ModelOf) -> None:
    with pytest.raises(UsageError, match=r"leaves no room .* ask for more than \d+ tokens"):
        _load(model_of(), max_length=100)


def test_a_tokeniser_without_a_chat_template_needs_one_in_the_recipe(tmp_path: Path) -> None:
    folder = writers.build(tmp_path / "m", chat=None)
    with pytest.raises(ModelError, match="has no chat template; give one"):
        _load(folder)
    reranker = _load(folder, {**SMALL, "chat_template": writers.CHAT})
    assert len(_batches(reranker, _lists([3]))) == 1


def test_a_template_that_knows_no_system_message_is_told_of() -> None:
    refusing = (
        "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system') }}{% endif %}"
    )
    with pytest.raises(ModelError, match=r"\(no system\); .* set the recipe's 'system' to ''"):
        _writer(chat_template=refusing + writers.CHAT)
    _writer(chat_template=refusing + writers.CHAT, system="")


def test_a_classifier_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="BertForSequenceClassification does not write"):
        FACTORY.identify(RerankerSpec(model=str(tiny.build(tmp_path / "bert"))))


@pytest.mark.parametrize("name", ["rank_zephyr_7b_v1_full", "RankZephyr", "my-rank-zephyr-awq"])
def test_rankzephyr_is_known_by_its_name(model_of: ModelOf, tmp_path: Path, name: str) -> None:
    (tmp_path / name).symlink_to(model_of(), target_is_directory=True)
    spec = RerankerSpec(model=str(tmp_path / name), name=name)
    ref = detection.FACTORY.identify(spec).ref
    assert ref.family == "listwise"
