"""Explains how the figures are computed; the text does not depend on the records."""

from __future__ import annotations

from markupsafe import Markup

from rerankbench.report.sections.section import Section

_PARTS = (
    (
        "Quality",
        "A first stage retrieves candidates for every query, and a model reorders as many of them "
        "as the table's title says. The order is judged by trec_eval's metrics, computed by "
        "pytrec_eval: nDCG has linear gain, ties go by document id. Every query with judgments "
        "counts in the mean; one without results counts as 0. A document that the first stage "
        "missed cannot be won back, so the candidates set a ceiling below 1.",
    ),
    (
        "Speed",
        "Docs/s is the offline scenario: all query–document pairs of a sample of queries are "
        "known at once, and the clock covers tokenising, batching, the forward pass and the "
        "scores' return, not the loading of the model. Passes are warmed up, then at least three "
        "are timed; the median counts. Latency is the single-stream scenario: one query with its "
        "candidates at a time, percentiles by nearest rank, so every figure is a request that "
        "took place. Speeds compare only on one machine and one device.",
    ),
    (
        "Intervals",
        "A 95 % interval of a mean comes from the bootstrap: queries are drawn with "
        "replacement ten thousand times, with a fixed seed. It says how far the mean would move "
        "with other queries of the same kind. It does not cover other collections, other "
        "judgments or another training of the model.",
    ),
    (
        "Significance",
        "Models of one collection are compared by Fisher's paired randomisation test over its "
        "queries, two-sided, and p is corrected by Holm's method for the number of comparisons. "
        "Models that share a letter do not differ significantly (5 %); a rank such as 2–4 says "
        "which ranks are possible. No significant difference does not mean equal.",
    ),
    (
        "Pareto front",
        "A model is on the front if no other model shown is at least as good in both figures and "
        "better in one. Every model below the front is beaten by one on it.",
    ),
    (
        "Depth",
        "A model that scores each pair by itself gives the same scores whatever else is "
        "reranked, so one run gives the quality at every smaller depth. Candidates beyond that "
        "depth keep the first stage's order behind the reranked ones.",
    ),
    (
        "Query length",
        "Words are separated by white space. For every length the mean difference to the first "
        "stage's own order is one point, and the line is fitted to the points by least squares, "
        "all with equal weight. It explores the data and tests nothing.",
    ),
)


def method() -> Section:
    """One short paragraph for each kind of figure."""
    texts = (Markup("<div><h3>{}</h3><p>{}</p></div>").format(*part) for part in _PARTS)
    columns = Markup('<div class="columns">{}</div>').format(Markup("").join(texts))
    return Section(identifier="method", title="Method", blocks=(columns,))
