"""Train the demo's cross-encoder: a small reranker taken further on the demo collection.

Three steps, all seeded:

1. the base model's vocabulary is widened by word pieces of the teacher's that the demo's passages
   use or that are frequent in English, their vectors mapped over from the teacher's;
2. *pseudo* stage: queries cut out of the passages themselves (title, sentence, crop, words dropped
   or replaced by a neighbour in the teacher's word vectors), the passage without that sentence as
   the answer, BM25's candidates as hard negatives, the teacher's scores as a second target;
3. *judged* stage: the train queries with their grades, the teacher's scores, and pseudo queries
   for rehearsal.

Step 3 is cross-validated over the train queries first (step 2 sees none of them); that is the
only figure to choose settings by. Then it runs on all train queries. Only with `--final` are the
test queries read: once, at the end. `--reference` adds a collection and a run to measure
forgetting.

Half the time or more goes into memory that glibc gives back and takes again. Setting
MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=100000000000 MALLOC_TOP_PAD_=536870912 avoids it.
"""

from __future__ import annotations

import argparse
import copy
import json
import random
import re
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bm25s
import numpy as np
import pytrec_eval
import Stemmer
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

PACKAGE = Path(__file__).parents[1] / "rerankbench"
THREADS = 2
PERMUTATIONS = 10_000
MAX_LENGTH = 192
FOLDS = 4
CANDIDATES = 100
FREQUENT_PIECES = 9000  # the teacher's vocabulary is in order of frequency, roughly
PSEUDO_RATE = 8e-4
JUDGED_RATE = 3e-4
TEACHER_SHARE = 0.5
TEACHER_TEMPERATURE = 2.0
QUERY_DROPOUT = 0.1
GAIN_WEIGHTS = (0.0, 1.0, 3.0)

Qrels = dict[str, dict[str, int]]
Run = dict[str, dict[str, float]]


@dataclass(frozen=True)
class Collection:
    """Passages by id (title, text) and queries by id."""

    passages: dict[str, tuple[str, str]]
    queries: dict[str, str]

    def document(self, doc_id: str) -> str:
        """Title and text in one line, as a reranker sees them."""
        return " ".join(self.passages[doc_id]).strip()


@dataclass
class Group:
    """One query with candidate texts, their grades, and the teacher's scores once known."""

    query: str
    documents: list[str]
    grades: list[int]
    teacher: list[float] = field(default_factory=list)


def read_collection(folder: Path) -> Collection:
    """Read a BEIR folder's passages and queries."""
    passages = {row["_id"]: (row["title"], row["text"]) for row in _rows(folder / "corpus.jsonl")}
    return Collection(passages, {r["_id"]: r["text"] for r in _rows(folder / "queries.jsonl")})


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def read_qrels(path: Path) -> Qrels:
    """Read a BEIR qrels file."""
    qrels: Qrels = {}
    for line in path.read_text(encoding="utf-8").splitlines()[1:]:
        query, document, grade = line.split("\t")
        qrels.setdefault(query, {})[document] = int(grade)
    return qrels


class FirstStage:
    """BM25 over a collection's passages, set up as rerankbench's own first stage is."""

    def __init__(self, collection: Collection) -> None:
        """Index the passages."""
        self._ids = list(collection.passages)
        self._stem = Stemmer.Stemmer("porter").stemWords
        self._index = bm25s.BM25(method="lucene", k1=0.9, b=0.4)
        documents = [collection.document(doc_id) for doc_id in self._ids]
        self._index.index(self._tokens(documents), show_progress=False)

    def _tokens(self, texts: list[str]) -> Any:
        return bm25s.tokenize(texts, stopwords="en", stemmer=self._stem, show_progress=False)

    def search(self, queries: list[str], count: int) -> list[dict[str, float]]:
        """The best `count` passages with a score above zero, for each query."""
        count = min(count, len(self._ids))
        rows, scores = self._index.retrieve(self._tokens(queries), k=count, show_progress=False)
        return [
            {self._ids[j]: float(s) for j, s in zip(row, line, strict=True) if s > 0}
            for row, line in zip(rows, scores, strict=True)
        ]


class Encoder:
    """A cross-encoder with its tokenizer; texts are tokenised once and kept."""

    def __init__(self, model: Any, tokenizer: Any, max_length: int = MAX_LENGTH) -> None:
        """Wrap a loaded model; pairs are cut at `max_length` pieces."""
        self.model = model.eval()  # no dropout in training either: dropped query pieces do that
        self.tokenizer = tokenizer
        self._max_length = max_length
        self._pieces: dict[str, list[int]] = {}

    @classmethod
    def load(cls, folder: Path, max_length: int = MAX_LENGTH) -> Encoder:
        """Load a checkpoint folder."""
        model = AutoModelForSequenceClassification.from_pretrained(folder)
        return cls(model, AutoTokenizer.from_pretrained(folder), max_length)

    def _ids(self, text: str) -> list[int]:
        if text not in self._pieces:
            self._pieces[text] = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        return self._pieces[text]

    def batch(
        self, pairs: Sequence[tuple[str, str]], dropout: random.Random | None = None
    ) -> dict[str, torch.Tensor]:
        """Padded inputs of (query, document) pairs; `dropout` loses query pieces at random."""
        cls_id, sep_id = self.tokenizer.cls_token_id, self.tokenizer.sep_token_id
        rows = []
        for query, document in pairs:
            head = self._ids(query)
            if dropout is not None:
                head = [i for i in head if dropout.random() >= QUERY_DROPOUT] or head
            head = [cls_id, *head, sep_id]
            tail = [*self._ids(document)[: self._max_length - len(head) - 1], sep_id]
            rows.append((head, tail))
        width = max(len(head) + len(tail) for head, tail in rows)
        ids, types, mask = (np.zeros((len(rows), width), dtype=np.int64) for _ in range(3))
        for n, (head, tail) in enumerate(rows):
            end = len(head) + len(tail)
            ids[n, :end], types[n, len(head) : end], mask[n, :end] = head + tail, 1, 1
        names = ("input_ids", "token_type_ids", "attention_mask")
        return {
            name: torch.from_numpy(a) for name, a in zip(names, (ids, types, mask), strict=True)
        }

    def forward(self, inputs: dict[str, torch.Tensor], *, bfloat16: bool) -> torch.Tensor:
        """One logit per pair, in float32."""
        with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
            logits: torch.Tensor = self.model(**inputs).logits
        return logits[:, 0].float()

    def score(
        self, pairs: Sequence[tuple[str, str]], *, bfloat16: bool = False, batch_size: int = 32
    ) -> list[float]:
        """One logit per pair, in the order given; pairs of like length go together."""
        lengths = [len(self._ids(q)) + len(self._ids(d)) for q, d in pairs]
        order = sorted(range(len(pairs)), key=lengths.__getitem__)
        scores = [0.0] * len(pairs)
        with torch.inference_mode():
            for start in range(0, len(order), batch_size):
                chosen = order[start : start + batch_size]
                inputs = self.batch([pairs[i] for i in chosen])
                found = self.forward(inputs, bfloat16=bfloat16).tolist()
                for i, value in zip(chosen, found, strict=True):
                    scores[i] = value
        return scores


# --- the widened vocabulary ---------------------------------------------------------------------


def widen(base: Path, teacher: Encoder, texts: Sequence[str], out: Path) -> Encoder:
    """Copy `base` to `out` with more of the teacher's word pieces, and load it.

    The pieces of `texts` and the most frequent ones are added. Their vectors are the teacher's,
    through the linear map that best takes the teacher's vectors of the shared pieces to the
    base's.
    """
    out.mkdir(parents=True, exist_ok=True)
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(base / name, out / name)
        (out / name).chmod(0o644)
    spec = json.loads((out / "tokenizer.json").read_text(encoding="utf-8"))
    vocabulary: dict[str, int] = spec["model"]["vocab"]
    old = dict(vocabulary)
    theirs: dict[str, int] = teacher.tokenizer.get_vocab()
    used = {piece for text in texts for piece in teacher.tokenizer.tokenize(text)}
    frequent = {p for p, i in theirs.items() if i < FREQUENT_PIECES and re.fullmatch("[a-z]+", p)}
    added = sorted((used | frequent) - old.keys(), key=theirs.__getitem__)
    for piece in added:
        vocabulary[piece] = len(vocabulary)
    (out / "tokenizer.json").write_text(json.dumps(spec, ensure_ascii=False), encoding="utf-8")
    model = AutoModelForSequenceClassification.from_pretrained(base)
    source = teacher.model.get_input_embeddings().weight.detach()
    target = model.get_input_embeddings().weight.detach()
    shared = [piece for piece in old if piece in theirs]
    solution = torch.linalg.lstsq(
        source[[theirs[p] for p in shared]], target[[old[p] for p in shared]]
    ).solution
    model.resize_token_embeddings(len(vocabulary), mean_resizing=False)
    with torch.no_grad():
        model.get_input_embeddings().weight[len(old) :] = (
            source[[theirs[p] for p in added]] @ solution
        )
    print(f"vocabulary {len(old)} + {len(added)} pieces", flush=True)
    return Encoder(model, AutoTokenizer.from_pretrained(out))


# --- training material --------------------------------------------------------------------------


class Paraphraser:
    """Rough paraphrases: words dropped, or replaced by a neighbour in the teacher's vectors."""

    def __init__(self, teacher: Encoder, rng: random.Random) -> None:
        """Take the teacher's whole words of letters, but neither its rarest nor stop words."""
        self._rng = rng
        vocabulary = teacher.tokenizer.get_vocab()
        self._words = [
            p
            for p, i in sorted(vocabulary.items(), key=lambda x: x[1])
            if 2100 < i < 20000 and re.fullmatch("[a-z]{3,}", p)
        ]
        self._row = {word: n for n, word in enumerate(self._words)}
        vectors = teacher.model.get_input_embeddings().weight.detach()
        vectors = vectors[[vocabulary[word] for word in self._words]]
        self._vectors = torch.nn.functional.normalize(vectors - vectors.mean(0), dim=-1)
        self._near: dict[str, list[str]] = {}

    def _neighbours(self, word: str) -> list[str]:
        if word not in self._near:
            similarity = self._vectors @ self._vectors[self._row[word]]
            values, rows = similarity.topk(5)
            found = zip(values.tolist()[1:], rows.tolist()[1:], strict=True)
            self._near[word] = [self._words[n] for value, n in found if value > 0.4]
        return self._near[word]

    def __call__(self, text: str, drop: float, replace: float) -> str:
        """`text` in lower case with words dropped and replaced with these probabilities."""
        kept = []
        for word in re.findall(r"[a-z0-9]+", text.lower()):
            if self._rng.random() < drop:
                continue
            near = self._neighbours(word) if word in self._row else []
            swap = near and self._rng.random() < replace
            kept.append(self._rng.choice(near) if swap else word)
        return " ".join(kept) or text


def pseudo_groups(
    collection: Collection, stage: FirstStage, paraphrase: Paraphraser, rng: random.Random
) -> list[Group]:
    """Queries cut out of the passages, each with its passage and five hard negatives."""
    made: list[tuple[str, str, str]] = []  # query, passage id, passage without the query
    for doc_id, (title, text) in collection.passages.items():
        made.append((paraphrase(title, 0.0, 0.0), doc_id, text))
        made.append((paraphrase(title, 0.1, 0.5), doc_id, text))
        for sentence in re.split(r"(?<=[.!?])\s+", text):
            rest = f"{title} {text.replace(sentence, '').strip()}"
            words = sentence.split()
            size = min(len(words), rng.randint(6, 14))
            start = rng.randint(0, len(words) - size)
            crop = " ".join(words[start : start + size])
            made.append((paraphrase(crop, 0.1, 0.0), doc_id, rest))
            whole = collection.document(doc_id)
            made.append((paraphrase(crop, 0.3, 0.6), doc_id, rng.choice((rest, whole))))
    by_query = stage.search([query for query, _, _ in made], 20)
    by_passage = dict(
        zip(
            collection.passages,
            stage.search([collection.document(d) for d in collection.passages], 20),
            strict=True,
        )
    )
    groups = []
    for (query, doc_id, answer), found in zip(made, by_query, strict=True):
        near = [d for d in found if d != doc_id]
        like = [d for d in by_passage[doc_id] if d != doc_id]
        drawn = rng.sample(near, min(3, len(near)))
        drawn += rng.sample(like, 5)
        negatives = list(dict.fromkeys(drawn))[:5]
        documents = [answer, *map(collection.document, negatives)]
        groups.append(Group(query, documents, [2] + [0] * len(negatives)))
    return groups


def judged_groups(collection: Collection, qrels: Qrels, stage: FirstStage) -> dict[str, Group]:
    """The train queries with every judged passage and BM25's first 24."""
    runs = stage.search([collection.queries[q] for q in qrels], 24)
    groups = {}
    for (query, grades), run in zip(qrels.items(), runs, strict=True):
        doc_ids = list(dict.fromkeys([*grades, *run]))
        groups[query] = Group(
            collection.queries[query],
            [collection.document(d) for d in doc_ids],
            [grades.get(d, 0) for d in doc_ids],
        )
    return groups


def add_teacher(groups: Sequence[Group], teacher: Encoder) -> None:
    """Set the teacher's scores of all groups."""
    pairs = [(g.query, d) for g in groups for d in g.documents]
    scores = iter(teacher.score(pairs, bfloat16=True))
    for group in groups:
        group.teacher = [next(scores) for _ in group.documents]


# --- training -----------------------------------------------------------------------------------


def target(group: Group) -> torch.Tensor:
    """The distribution to learn: the grades' and the teacher's, mixed."""
    gains = torch.tensor([GAIN_WEIGHTS[g] for g in group.grades])
    taught = torch.softmax(torch.tensor(group.teacher) / TEACHER_TEMPERATURE, dim=0)
    return (1 - TEACHER_SHARE) * gains / gains.sum() + TEACHER_SHARE * taught


def sample(group: Group, size: int, rng: random.Random) -> Group:
    """All relevant documents of the group and some of the others, `size` together."""
    chosen = [n for n, grade in enumerate(group.grades) if grade > 0]
    others = [n for n, grade in enumerate(group.grades) if grade == 0]
    chosen += rng.sample(others, min(len(others), size - len(chosen)))
    return Group(
        group.query,
        [group.documents[n] for n in chosen],
        [group.grades[n] for n in chosen],
        [group.teacher[n] for n in chosen],
    )


def fit(
    student: Encoder, epochs: Sequence[Sequence[Group]], rate: float, rng: random.Random
) -> None:
    """Train on the groups of each epoch, listwise, with a warm-up and a linear decay."""
    per_batch = 12
    parameters = [p for p in student.model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=rate, weight_decay=0.01)
    total = sum(-(-len(groups) // per_batch) for groups in epochs)
    warm = max(1, total // 10)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda n: min((n + 1) / warm, (total - n) / (total - warm))
    )
    for groups in epochs:
        order = list(groups)
        rng.shuffle(order)
        for start in range(0, len(order), per_batch):
            batch = order[start : start + per_batch]
            pairs = [(g.query, d) for g in batch for d in g.documents]
            logits = student.forward(student.batch(pairs, rng), bfloat16=True)
            parts = torch.split(logits, [len(g.documents) for g in batch])
            losses = [
                -(target(g) * torch.log_softmax(part, dim=0)).sum()
                for g, part in zip(batch, parts, strict=True)
            ]
            torch.autograd.backward(torch.stack(losses).mean())
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()


def fit_judged(
    student: Encoder, judged: Sequence[Group], pseudo: Sequence[Group], epochs: int, seed: int
) -> None:
    """Train on judged queries, with as many pseudo queries as rehearsal."""
    rng = random.Random(seed)
    plan = [
        [sample(g, 10, rng) for g in judged] + rng.sample(list(pseudo), len(judged))
        for _ in range(epochs)
    ]
    fit(student, plan, JUDGED_RATE, rng)


# --- measuring ----------------------------------------------------------------------------------


def rerank(model: Encoder, collection: Collection, run: Run) -> Run:
    """Score a run's candidates."""
    pairs = [(collection.queries[q], collection.document(d)) for q in run for d in run[q]]
    scores = iter(model.score(pairs))
    return {q: {d: next(scores) for d in run[q]} for q in run}


def ndcg(qrels: Qrels, run: Run) -> dict[str, float]:
    """NDCG@10 of each judged query; 0 for one without results."""
    found = pytrec_eval.RelevanceEvaluator(qrels, {"ndcg_cut_10"}).evaluate(run)
    return {q: found[q]["ndcg_cut_10"] if q in found else 0.0 for q in qrels}


def mean(values: dict[str, float]) -> float:
    """The mean over the queries."""
    return sum(values.values()) / len(values)


def compare(one: dict[str, float], other: dict[str, float], seed: int) -> str:
    """Means, queries better and worse, and a two-sided paired randomisation test."""
    difference = np.array([one[q] - other[q] for q in one])
    observed = abs(difference.mean())
    rng = np.random.default_rng(seed)
    signs = rng.choice((-1.0, 1.0), size=(PERMUTATIONS, len(difference)))
    count = int((np.abs((signs * difference).mean(axis=1)) >= observed - 1e-12).sum())
    p = (count + 1) / (PERMUTATIONS + 1)
    better, worse = int((difference > 1e-9).sum()), int((difference < -1e-9).sum())
    return f"{mean(one):.4f} against {mean(other):.4f}: {better} better, {worse} worse, p {p:.4f}"


def read_run(path: Path) -> Run:
    """Read a TREC run."""
    run: Run = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        query, _, document, _, score, _ = line.split()
        run.setdefault(query, {})[document] = float(score)
    return run


# --- the whole way ------------------------------------------------------------------------------


def teach(groups: Sequence[Group], teacher: Encoder, cache: Path | None) -> None:
    """Set the teacher's scores, from `cache` where it has them; the slowest part by far."""
    known: dict[str, list[float]] = {}
    if cache is not None and cache.is_file():
        known = json.loads(cache.read_text(encoding="utf-8"))
    keys = [json.dumps([group.query, *group.documents]) for group in groups]
    add_teacher([g for g, key in zip(groups, keys, strict=True) if key not in known], teacher)
    for group, key in zip(groups, keys, strict=True):
        group.teacher = known.setdefault(key, group.teacher)
    if cache is not None:
        cache.write_text(json.dumps(known), encoding="utf-8")


def cross_validate(
    start: Encoder,
    collection: Collection,
    qrels: Qrels,
    judged: dict[str, Group],
    pseudo: Sequence[Group],
    run: Run,
    args: argparse.Namespace,
) -> dict[str, float]:
    """NDCG@10 of every train query by a model that was fitted without it."""
    queries = list(qrels)
    found: dict[str, float] = {}
    for n in range(FOLDS):
        held = queries[n::FOLDS]  # queries are in order of topic, so every fold has all topics
        student = Encoder(copy.deepcopy(start.model), start.tokenizer)
        rest = [judged[q] for q in queries if q not in held]
        fit_judged(student, rest, pseudo, args.epochs, args.seed)
        part = rerank(student, collection, {q: run[q] for q in held})
        found |= ndcg({q: qrels[q] for q in held}, part)
        print(f"fold {n + 1}: {mean({q: found[q] for q in held}):.4f}", flush=True)
    return {q: found[q] for q in queries}


def save(student: Encoder, out: Path) -> None:
    """Write weights in float16 and a configuration that loads them in float32."""
    model = copy.deepcopy(student.model).half()
    model.save_pretrained(out)
    config = json.loads((out / "config.json").read_text(encoding="utf-8"))
    config["dtype"] = "float32"
    (out / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def final_test(args: argparse.Namespace, collection: Collection, stage: FirstStage) -> None:
    """The one look at the test queries: the saved model and BM25."""
    qrels = read_qrels(args.demo / "qrels" / "test.tsv")
    found = stage.search([collection.queries[q] for q in qrels], CANDIDATES)
    run = dict(zip(qrels, found, strict=True))
    after = ndcg(qrels, rerank(Encoder.load(args.out, 512), collection, run))
    before = ndcg(qrels, rerank(Encoder.load(args.base, 512), collection, run))
    print("test, model against BM25:", compare(after, ndcg(qrels, run), args.seed))
    print("test, model against base:", compare(after, before, args.seed))


def forgetting(args: argparse.Namespace) -> None:
    """The model on another collection's test queries, next to that collection's run."""
    collection, run = read_collection(args.reference[0]), read_run(args.reference[1])
    qrels = read_qrels(args.reference[0] / "qrels" / "test.tsv")
    after = ndcg(qrels, rerank(Encoder.load(args.out, 512), collection, run))
    print("reference, model against run:", compare(after, ndcg(qrels, run), args.seed))


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--base", type=Path, required=True, help="checkpoint to train further")
    parser.add_argument("--teacher", type=Path, required=True, help="checkpoint to learn from")
    parser.add_argument(
        "--demo",
        type=Path,
        default=PACKAGE / "collections" / "demo_collection",
        help="the demo collection",
    )
    parser.add_argument("--out", type=Path, default=PACKAGE / "rerankers" / "demo-cross-encoder")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pseudo-epochs", type=int, default=6)
    parser.add_argument("--epochs", type=int, default=3, help="of the judged stage")
    parser.add_argument("--cache", type=Path, help="file to keep the teacher's scores in")
    parser.add_argument("--final", action="store_true", help="measure on the test queries")
    parser.add_argument(
        "--reference", type=Path, nargs=2, metavar=("FOLDER", "RUN"),
        help="collection and TREC run to measure forgetting on, after --final",
    )  # fmt: skip
    return parser.parse_args()


def main() -> None:
    """Train, cross-validate, save and, when asked to, test."""
    args = parse()
    started = time.perf_counter()
    torch.set_num_threads(THREADS)
    torch.manual_seed(args.seed)
    rng = random.Random(args.seed)
    collection = read_collection(args.demo)
    qrels = read_qrels(args.demo / "qrels" / "train.tsv")
    stage, teacher = FirstStage(collection), Encoder.load(args.teacher)
    pseudo = pseudo_groups(collection, stage, Paraphraser(teacher, rng), rng)
    judged = judged_groups(collection, qrels, stage)
    teach([*judged.values(), *pseudo], teacher, args.cache)
    print(f"{len(pseudo)} pseudo and {len(judged)} judged queries", flush=True)
    passages = [collection.document(d) for d in collection.passages]
    student = widen(args.base, teacher, passages, args.out)
    fit(student, [pseudo] * args.pseudo_epochs, PSEUDO_RATE, random.Random(args.seed))
    found = stage.search([collection.queries[q] for q in qrels], CANDIDATES)
    run = dict(zip(qrels, found, strict=True))
    first, alone = ndcg(qrels, run), ndcg(qrels, rerank(student, collection, run))
    print("dev, pseudo stage alone against BM25:", compare(alone, first, args.seed), flush=True)
    held_out = cross_validate(student, collection, qrels, judged, pseudo, run, args)
    print("dev, cross-validated against BM25:", compare(held_out, first, args.seed), flush=True)
    fit_judged(student, list(judged.values()), pseudo, args.epochs, args.seed)
    save(student, args.out)
    print(f"trained in {time.perf_counter() - started:.0f} s", flush=True)
    if args.final:
        final_test(args, collection, stage)
        if args.reference:
            forgetting(args)


if __name__ == "__main__":
    main()
