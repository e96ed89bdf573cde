"""What `rerankbench judge` does: counts, checks, asks, and reports the cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rerankbench.errors import UsageError
from rerankbench.files.whole import cache_home
from rerankbench.judge import summary
from rerankbench.judge.judging import Judging, Prices, Workload
from rerankbench.judge.matches import find_matches
from rerankbench.judge.prompt import PROMPT_SHA256
from rerankbench.judge.service import address, connect
from rerankbench.leaderboard.publish import readable
from rerankbench.leaderboard.renderers import markdown
from rerankbench.progress import Progress
from rerankbench.results.find_texts import CollectionFinder
from rerankbench.results.record_set import open_archive
from rerankbench.results.verdicts import Judge, cost_usd

FORMATS = ("markdown", "json")


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeOptions:
    """All options of the command."""

    paths: Sequence[Path]
    url: str
    model: str
    key_variable: str | None
    rerankers: Sequence[str]
    top_k: int
    snippet_chars: int
    queries: int | None
    temperature: float | None
    prices: Prices
    places: Sequence[str]
    concurrency: int
    timeout_s: float
    most_questions: int
    dry_run: bool
    format_name: str | None


def run(options: JudgeOptions, progress: Progress) -> str:
    """Judge what the options select and return the output; a dry run only counts.

    Raises UsageError if there are more questions than allowed, and before any question if
    something is missing; ModelError if the judge does not answer.
    """
    if options.format_name not in (None, *FORMATS):
        raise UsageError(f"no format '{options.format_name}'; known: {', '.join(FORMATS)}")
    service = connect(
        options.url,
        options.model,
        key_variable=None if options.dry_run else options.key_variable,
        temperature=options.temperature,
        timeout_s=options.timeout_s,
        cache=cache_home() / "judge",
    )
    matches = find_matches(
        open_archive(options.paths),
        CollectionFinder(options.places),
        models=options.rerankers,
        top_k=options.top_k,
        snippet_chars=options.snippet_chars,
        queries=options.queries,
    )
    judging = Judging(
        service, _judge(options), concurrency=options.concurrency, prices=options.prices
    )
    workload = judging.workload(matches)
    if options.dry_run:
        return f"{_workload(workload, options)}\n"
    if workload.unanswered > options.most_questions:
        raise UsageError(
            f"{workload.unanswered:,} questions are more than --max-questions "
            f"{options.most_questions:,}; take fewer with --queries or --model, or raise it"
        )
    if workload.unanswered:
        progress.note(_workload(workload, options))
    try:
        judged = judging.judge(matches, progress)
    finally:
        service.close()
        if judging.asked_now:
            progress.note(_bill(judging, options))
    if options.format_name == "json":
        return summary.as_json(matches, judged)
    tables = summary.as_tables(matches, judged)
    return readable(tables) if options.format_name is None else markdown.render(tables)


def _judge(options: JudgeOptions) -> Judge:
    return Judge(
        url=address(options.url),
        model=options.model,
        prompt_sha256=PROMPT_SHA256,
        top_k=options.top_k,
        snippet_chars=options.snippet_chars,
        temperature=options.temperature,
    )


def _workload(workload: Workload, options: JudgeOptions) -> str:
    answered = workload.questions - workload.unanswered
    price = options.prices.prompt
    cost = "" if price is None else f", about {price * workload.prompt_tokens / 1e6:.2f} USD"
    return (
        f"{workload.unanswered:,} questions to ask ({answered:,} were answered before), about "
        f"{workload.prompt_tokens:,} prompt tokens{cost}, not counting the answers"
    )


def _bill(judging: Judging, options: JudgeOptions) -> str:
    tokens_in, tokens_out = judging.tokens_now
    usd = cost_usd(judging.tokens_now, (options.prices.prompt, options.prices.completion))
    cost = "" if usd is None else f", {usd:.4f} USD"
    return (
        f"asked {judging.asked_now:,} times: {tokens_in:,} prompt and {tokens_out:,} completion "
        f"tokens{cost}"
    )
