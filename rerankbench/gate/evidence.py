"""What points to a fault besides the values: more equal scores, or pairs cut otherwise."""

from __future__ import annotations

from collections.abc import Iterator

from rerankbench.run.quality import TIE_RATE_LIMIT
from rerankbench.types import Record


def signs(base: Record, new: Record) -> tuple[str, ...]:
    """In words, what points to a fault in how the new record was made; empty where nothing does.

    No sign is a test. One quality key promises one model on one task. How many pairs it scores,
    and how many of them it cuts, then depends only on the texts that it is given.
    """
    return (*_other_texts(base, new), *_new_ties(base, new))


def _other_texts(base: Record, new: Record) -> Iterator[str]:
    if base.quality_key != new.quality_key:
        return
    facts = (
        ("scored", base.scored_pairs, new.scored_pairs),
        ("cut to the model's length", base.truncated_pairs, new.truncated_pairs),
    )
    for what, before, after in facts:
        if before != after:
            yield (
                f"{before:,} pairs were {what} before and {after:,} now with the same settings, "
                "which points to other texts"
            )


def _new_ties(base: Record, new: Record) -> Iterator[str]:
    before, after = (0.0 if record.ties is None else record.ties.rate for record in (base, new))
    if before <= TIE_RATE_LIMIT < after:
        yield (
            f"equal scores rose from {before:.1%} to {after:.1%}, which points to rounded or "
            "saturated scores"
        )
