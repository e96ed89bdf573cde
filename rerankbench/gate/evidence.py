"""Evidence that a change of quality is real: facts that do not vary by chance."""

from __future__ import annotations

from collections.abc import Iterator

from rerankbench.run.quality import TIE_RATE_LIMIT
from rerankbench.types import Record


def signs(base: Record, new: Record) -> tuple[str, ...]:
    """In words, evidence that the new record was made differently; empty where there is none.

    One quality key means one model on one task. How many pairs it scores, and how many of them
    it cuts, then depends only on the texts that it reads, not on rounding.
    """
    return (*_other_texts(base, new), *_new_ties(base, new))


def _other_texts(base: Record, new: Record) -> Iterator[str]:
    if base.quality_key != new.quality_key:
        return
    if base.scored_pairs != new.scored_pairs:
        yield f"{base.scored_pairs:,} → {new.scored_pairs:,} pairs scored by one model on one task"
    if base.truncated_pairs != new.truncated_pairs:
        yield f"{base.truncated_pairs:,} → {new.truncated_pairs:,} pairs cut, so other texts read"


def _new_ties(base: Record, new: Record) -> Iterator[str]:
    before, after = (0.0 if record.ties is None else record.ties.rate for record in (base, new))
    if before <= TIE_RATE_LIMIT < after:
        yield f"{before:.1%} → {after:.1%} of neighbouring scores tie"
