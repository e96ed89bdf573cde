"""Figures that the BEIR project published, as records.

Source: https://github.com/beir-cellar/beir, examples/retrieval/evaluation/reranking/README.md
(Apache-2.0), the present table and an older one. Here: the model, Docs / Sec, and
nDCG@10 in thousandths by collection; a "-" is a blank there.
"""

from __future__ import annotations

from collections.abc import Sequence

from rerankbench.types import Record

from .records import make_record

COLLECTIONS = (
    *("msmarco", "trec-covid", "bioasq", "nfcorpus", "nq", "hotpotqa", "fiqa", "signal1m"),
    *("trec-news", "arguana", "webis-touche2020", "dbpedia-entity"),
    *("scidocs", "fever", "climate-fever", "scifact"),
)

FULL = """
MiniLM-L-2-v2   4100 373 669 471 337 465 655 278 334 417 157 363 502 145 759 215 607
MiniLM-L-4-v2   2500 392 720 516 358 509 699 327 350 431 430 371 531 156 775 228 680
MiniLM-L-6-v2   1800 401 722 529 360 530 712 334 351 436 415 349 542 164 802 240 682
MiniLM-L-12-v2   960 401 737 532 339 531 717 336 348 451 333 378 541 165 814 250 680
TinyBERT-L-2-v2 9000 354 689 466 346 444 650 270 338 385 341 311 497 151 647 173 662
TinyBERT-L-4    2900 371 640 470 323    - 679 260 312 377 398 333 350 149 760 194 658
TinyBERT-L-6     680 380 652 473 339    - 682 305 314 418 480 375 371 143 789 237 645
electra-base     340 384 667 489 303 516 701 326 308 430 313 378 380 154 793 246 524
"""

OLDER = """
electra-base     340 384 667 489 303 516 701 326 308 430 313 378 380 154 793 246 524
TinyBERT-L-2-v2 9000 354 689 - - 444 - - - - - - - - - - -
MiniLM-L-2-v2   4100 373 669 - - 465 - - - - - - - - - - -
MiniLM-L-4-v2   2500 392 720 - - 509 - - - - - - - - - - -
MiniLM-L-6-v2   1800 401 722 - - 530 - - - - - - - - - - -
MiniLM-L-12-v2   960    - 737 - - 531 - - - - - - - - - - -
"""


def records(figures: str) -> list[Record]:
    """One record per figure that is there.

    The speed of a model was published once, not by collection: it stands at TREC-COVID, which
    every model has.
    """
    return [
        make_record(
            f"cross-encoder/ms-marco-{model}",
            {"nDCG@10": int(value) / 1000},
            collection=collection,
            docs_per_s=float(docs_per_s) if collection == "trec-covid" else None,
        )
        for model, docs_per_s, *values in _lines(figures)
        for collection, value in zip(COLLECTIONS, values, strict=True)
        if value != "-"
    ]


def _lines(figures: str) -> Sequence[Sequence[str]]:
    return [line.split() for line in figures.strip().splitlines()]
