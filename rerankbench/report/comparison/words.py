"""The words and tables of a comparison, shared by all formats."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rerankbench.compare.pairs import Pair
from rerankbench.compare.side_by_side import Comparison, QueryDifference, RankedDocument
from rerankbench.leaderboard.table import Entry, Table, headers, printable, table_of
from rerankbench.results.candidate_words import shortfall
from rerankbench.results.figures import DOCS_PER_S, LATENCIES_MS
from rerankbench.results.numbers import P_DECIMALS
from rerankbench.types import Document

_MOST_TEXT = 300
_MOST_SNIPPET = 200
_MOST_ID = 80


def title(first: Comparison) -> str:
    return f"{first.pair.a.label} and {first.pair.b.label}, {first.metric}"


def heading(comparison: Comparison) -> str:
    """The task, and the reranker if both sides have the same one."""
    pair = comparison.pair
    cell = pair.a.record.cell
    first_stage = pair.a.archive.first_stage(pair.a.record)
    sample = cell.collection.sampled_queries
    return (
        f"{cell.collection.name} ({cell.collection.split}), {first_stage} "
        f"top-{cell.depth}{shortfall([pair.a.record, pair.b.record])}"
        + (" and missed positives" if cell.adds_positives else "")
        + (f", {sample} sampled queries" if sample is not None else "")
        + (f": {rerankers(pair)}" if rerankers(pair) else "")
    )


def rerankers(pair: Pair) -> str:
    """The names of the rerankers, unless the labels are these names."""
    a, b = (side.record.cell.reranker.name for side in (pair.a, pair.b))
    if (a, b) == (pair.a.label, pair.b.label):
        return ""
    return a if a == b else f"{a} and {b}"


def summary(comparisons: Sequence[Comparison]) -> Table:
    names = ("Collection", "A", "B", "Δ", "95 % interval", "p", "W-L-T")
    return table_of(headers(names), map(_entries, comparisons))


def explanations(comparisons: Sequence[Comparison]) -> Iterator[str]:
    """Explains the figures of the summary."""
    metric = comparisons[0].metric
    yield (
        f"A and B: mean {metric}. Δ is B − A, negative where B is worse; its interval is a "
        "bootstrap over queries."
    )
    differ = sum(each.ties < each.queries for each in comparisons)
    which = "" if differ == len(comparisons) else f"the {differ} that differ of "
    among = f", after Holm over {which}{len(comparisons)} comparisons" if differ > 1 else ""
    yield f"p: two-sided paired randomisation test{among}.{_beside_the_gate(comparisons)}"
    yield "W-L-T: queries on which B is better, worse, equal."


def _beside_the_gate(comparisons: Sequence[Comparison]) -> str:
    """Why `gate` prints another p of the same two places."""
    pair = comparisons[0].pair
    if pair.a.archive is pair.b.archive:
        return ""
    return (
        " rerankbench gate tests only whether B is worse: one-sided, so before Holm its p of a "
        "drop is half of this one."
    )


def verdict(comparison: Comparison) -> str:
    """Wins, losses and ties in words, and the effect size."""
    size = comparison.effect_size
    effect = (
        "" if size is None else f"; effect size {size:+.2f} (mean difference ÷ standard deviation)"
    )
    return (
        f"B is better on {comparison.wins} of {comparison.queries} queries, worse on "
        f"{comparison.losses}, equal on {comparison.ties}{effect}"
    )


def remarks(comparison: Comparison) -> list[str]:
    """All remarks about one task, a line each."""
    lines = (verdict(comparison), comparison.no_speeds, *comparison.notes)
    return [line for line in lines if line]


def rankings(
    query: QueryDifference, comparison: Comparison
) -> Iterator[tuple[str, tuple[RankedDocument, ...] | None]]:
    """The label of each ranking, and the documents at its top."""
    yield f"{comparison.pair.a.label} (A)", query.first_a
    yield f"{comparison.pair.b.label} (B)", query.first_b


def _entries(comparison: Comparison) -> tuple[Entry, ...]:
    cell = comparison.pair.a.record.cell
    name = rerankers(comparison.pair)
    return (
        Entry(value=f"{cell.collection.name}: {name}" if name else cell.collection.name),
        Entry(value=comparison.mean_a, form="fixed", decimals=3),
        Entry(value=comparison.mean_b, form="fixed", decimals=3),
        Entry(value=comparison.difference, form="signed", decimals=3),
        Entry(value=f"{comparison.interval.low:+z.3f} to {comparison.interval.high:+z.3f}"),
        Entry(value=comparison.p_holm, form="probability", decimals=P_DECIMALS),
        Entry(value=f"{comparison.wins}W-{comparison.losses}L-{comparison.ties}T"),
    )


def speed_table(comparison: Comparison) -> Table | None:
    """Docs per second and latency of both; None if they are not comparable."""
    speeds = comparison.speeds
    if speeds is None:
        return None
    columns = (
        (DOCS_PER_S, speeds.docs_per_s),
        (LATENCIES_MS[50], speeds.p50_ms),
        (LATENCIES_MS[95], speeds.p95_ms),
    )
    return table_of(
        headers(("", *(figure.head for figure, _ in columns))),
        (
            (Entry(value=name), *(Entry(value=of[at], form=figure.form) for figure, of in columns))
            for at, name in enumerate("AB")
        ),
    )


def cut(text: str, most: int) -> str:
    """One printable line of at most `most` characters."""
    line = printable(text)
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}…"


def query_text(query: QueryDifference) -> str:
    """The text of the query, if it was kept."""
    return "(text not kept)" if query.text is None else cut(query.text, _MOST_TEXT)


def values(query: QueryDifference, metric: str) -> str:
    """What both reached on a query, and the difference."""
    return f"{metric} {query.a:.3f} and {query.b:.3f} ({query.b - query.a:+.3f})"


def identifier(name: str) -> str:
    return cut(name, _MOST_ID)


def facts(ranked: RankedDocument, query: QueryDifference) -> str:
    """What is known about a document besides its text."""
    parts = []
    if query.judged:
        parts.append("unjudged" if ranked.grade is None else f"grade {ranked.grade}")
    if ranked.first_stage_rank is not None:
        parts.append(f"first stage {ranked.first_stage_rank}")
    return ", ".join(parts)


def snippet(document: Document) -> tuple[str, str]:
    """The title and the beginning of a document."""
    return cut(document.title, _MOST_SNIPPET), cut(document.text, _MOST_SNIPPET)
