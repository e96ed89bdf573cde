"""Makes a comparison, as text in one of the formats, from two names or two places."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from rerankbench.compare.pairs import Pairing, pair_places, pair_rerankers
from rerankbench.compare.side_by_side import compare
from rerankbench.errors import UsageError, nearest
from rerankbench.report.screen import is_read_at_terminal
from rerankbench.results import derived
from rerankbench.results.find_texts import CollectionFinder
from rerankbench.results.record_set import open_archive

_FORMATS: Mapping[str, str] = {
    "markdown": "rerankbench.report.comparison.markdown",
    "html": "rerankbench.report.comparison.html",
    "json": "rerankbench.report.comparison.json",
}
_AT_TERMINAL = "rerankbench.report.comparison.terminal"
RESULTS = Path("results")


def publish(
    a: str,
    b: str,
    paths: Sequence[Path],
    format_name: str | None,
    *,
    metric: str | None,
    queries: int,
    library: CollectionFinder | None,
) -> str:
    """The page of `a` beside `b`, with texts of documents if there is a library.

    Without a format it is for reading: as a terminal shows it, or Markdown when piped.

    Raises UsageError if they cannot be compared, and for an unknown format.
    """
    if format_name is not None and format_name not in _FORMATS:
        raise UsageError(f"no format '{format_name}'; {nearest(format_name, _FORMATS)}")
    usual = _AT_TERMINAL if is_read_at_terminal() else _FORMATS["markdown"]
    module = usual if format_name is None else _FORMATS[format_name]
    pairing = find_pairs(a, b, paths)
    records = [side.record for pair in pairing.pairs for side in (pair.a, pair.b)]
    chosen = derived.choose_metric(records, metric, all_hold_it=True)
    comparisons = compare(pairing.pairs, chosen, queries=queries, library=library)
    text: str = importlib.import_module(module).render(comparisons, pairing.notes)
    return text


def find_pairs(a: str, b: str, paths: Sequence[Path]) -> Pairing:
    """Two places if both exist and no paths are given; else the names of two rerankers.

    Raises UsageError if only one of them is a place, or nothing can be compared.
    """
    places = [Path(a), Path(b)]
    exists = [place.exists() for place in places]
    if paths or not any(exists):
        return pair_rerankers(open_archive(paths or [RESULTS]), a, b)
    if not all(exists):
        place, name = (a, b) if exists[0] else (b, a)
        raise UsageError(
            f"{place} exists, but not '{name}'; name two folders or files of records, or two "
            "rerankers and then the folders of their records"
        )
    # Of two places the same reranker is compared, also where its settings are what changed.
    archives = (
        open_archive(places[:1], with_settings=False),
        open_archive(places[1:], with_settings=False),
    )
    return pair_places(archives, (a, b))
