"""Games out of metrics or from a judge, and the ratings that are made of them."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rerankbench.compare.games import Games, Outcome, Result, games_by_metric, games_of
from rerankbench.compare.ratings import Ratings, fit, fit_outcomes
from rerankbench.stats import bradley_terry

Values = dict[str, dict[str, float]]


def _values(queries: int = 40, models: int = 4, seed: int = 0) -> Values:
    rng = random.Random(seed)
    # Few distinct values, so that there are ties.
    return {
        f"m{model}": {
            f"q{query}": rng.randrange(4 + model) / (4 + model) for query in range(queries)
        }
        for model in range(models)
    }


def _outcomes(values: Values, margin: float = 0.0) -> list[Outcome]:
    """Pair by pair and query by query, as the definition says it."""
    found = []
    names = sorted(values)
    for at, a in enumerate(names):
        for b in names[at + 1 :]:
            for query_id in values[a]:
                ahead = values[a][query_id] - values[b][query_id]
                result: Result = "tie" if abs(ahead) <= margin else "a" if ahead > 0 else "b"
                found.append(Outcome(query_id=query_id, a=a, b=b, result=result))
    return found


def _between_two(wins: int, losses: int, ties: int = 0) -> list[Outcome]:
    counts: dict[Result, int] = {"a": wins, "b": losses, "tie": ties}
    results = [result for result, count in counts.items() for _ in range(count)]
    return [
        Outcome(query_id=str(query), a="x", b="y", result=result)
        for query, result in enumerate(results)
    ]


def test_the_higher_value_wins_and_equal_ones_tie() -> None:
    games = games_by_metric({"a": {"1": 0.9, "2": 0.5, "3": 0.1}, "b": dict.fromkeys("123", 0.5)})
    assert games.points[:, 0, 1].tolist() == [1, 0.5, 0]
    assert games.points[:, 1, 0].tolist() == [0, 0.5, 1]
    assert not games.points[:, [0, 1], [0, 1]].any()


def test_what_a_margin_apart_or_a_rounding_is_a_tie() -> None:
    values = {"a": {"1": 0.3, "2": 0.3, "3": 0.1 + 0.2}, "b": {"1": 0.2, "2": 0.19, "3": 0.3}}
    assert games_by_metric(values, margin=0.1).points[:, 0, 1].tolist() == [0.5, 1, 0.5]
    assert games_by_metric(values).points[:, 0, 1].tolist() == [1, 1, 0.5]


def test_who_lacks_a_query_does_not_play_on_it() -> None:
    games = games_by_metric({"a": {"1": 1.0, "2": 1.0}, "b": {"1": 0.0}})
    assert games.points.sum(axis=(1, 2)).tolist() == [1, 0]


@pytest.mark.parametrize("margin", [0.0, 0.25])
def test_a_metric_decides_as_a_judge_who_reads_it_would(margin: float) -> None:
    values = _values()
    assert fit([games_by_metric(values, margin=margin)]) == fit_outcomes(_outcomes(values, margin))


def test_a_judge_may_not_say_two_things_of_one_game() -> None:
    once = Outcome(query_id="1", a="x", b="y", result="a")
    with pytest.raises(ValueError, match="met twice on query '1'"):
        games_of([once, Outcome(query_id="1", a="y", b="x", result="a")])
    with pytest.raises(ValueError, match="against itself"):
        games_of([replace(once, b="x")])


@settings(max_examples=30)
@given(st.randoms(use_true_random=False))
def test_the_order_of_games_changes_nothing_at_all(order: random.Random) -> None:
    outcomes = _outcomes(_values(queries=12))
    expected = fit_outcomes(outcomes, collection="c")
    turned: dict[Result, Result] = {"a": "b", "b": "a", "tie": "tie"}
    shuffled = [
        replace(one, a=one.b, b=one.a, result=turned[one.result]) if order.random() < 0.5 else one
        for one in outcomes
    ]
    order.shuffle(shuffled)
    assert fit_outcomes(shuffled, collection="c") == expected


def test_wins_losses_and_ties_are_counted() -> None:
    values = _values()
    outcomes = _outcomes(values)
    for standing in fit([games_by_metric(values)]).standings:
        mine = [one for one in outcomes if standing.name in (one.a, one.b)]
        won = sum(standing.name == {"a": o.a, "b": o.b}.get(o.result) for o in mine)
        tied = sum(one.result == "tie" for one in mine)
        assert (standing.wins, standing.ties) == (won, tied)
        assert standing.losses == len(mine) - won - tied
        assert standing.games == len(mine) == 120
        assert standing.win_rate == pytest.approx((won + tied / 2) / len(mine))


def test_two_rerankers_are_as_far_apart_as_their_points_say() -> None:
    x, y = fit_outcomes(_between_two(6, 2, 2)).standings
    assert x.rating - y.rating == pytest.approx(400 * math.log10(7 / 3))
    assert (x.rank, y.rank) == (1, 2)
    assert (x.wins, x.losses, x.ties) == (y.losses, y.wins, y.ties) == (6, 2, 2)


def _pool(wins: int, losses: int, collection: str) -> Games:
    return games_of(_between_two(wins, losses), collection=collection)


def test_a_large_collection_counts_as_much_as_a_small_one() -> None:
    # 80 % of 10 queries and 20 % of 1,000: even, where pooled games would give 21 %.
    overall = fit([_pool(8, 2, "small"), _pool(200, 800, "large")])
    assert [one.rating for one in overall.standings] == pytest.approx([1500, 1500])
    assert [one.win_rate for one in overall.standings] == pytest.approx([0.5, 0.5])
    assert [one.rank for one in overall.standings] == [1, 1]
    assert overall.queries == {"small": 10, "large": 1000}
    found = overall.find("x")
    assert found is not None
    assert (found.wins, found.losses) == (208, 802)


def test_a_weight_is_what_a_collection_counts() -> None:
    halves = [
        replace(_pool(9, 1, "part one"), weight=0.5),
        replace(_pool(7, 3, "two"), weight=0.5),
    ]
    parts = fit([*halves, _pool(3, 7, "whole")])
    assert parts.standings[0].win_rate == pytest.approx((0.9 / 2 + 0.7 / 2 + 0.3) / 2)
    assert parts.standings[0].rating - 1500 == pytest.approx(200 * math.log10(0.55 / 0.45))


def test_who_lacks_a_collection_is_rated_through_common_opponents() -> None:
    """A wins against B, B against C, C only met B: yet A stands above C."""
    first = games_by_metric(
        {
            "A": {str(q): float(q % 4 > 0) for q in range(40)},
            "B": {str(q): 0.5 for q in range(40)},
        },
        collection="first",
    )
    second = games_by_metric(
        {
            "B": {str(q): 0.5 for q in range(40)},
            "C": {str(q): float(q % 4 == 0) for q in range(40)},
        },
        collection="second",
    )
    overall = fit([first, second])
    assert overall.as_it_stands
    steps = {one.name: one.rating for one in overall.standings}
    assert steps["A"] - steps["B"] == pytest.approx(400 * math.log10(3))
    assert steps["B"] - steps["C"] == pytest.approx(400 * math.log10(3))
    assert {one.name: one.collections for one in overall.standings} == {
        "A": ("first",),
        "B": ("first", "second"),
        "C": ("second",),
    }


def test_references_play_and_have_no_rank() -> None:
    values = _values()
    ranked, with_reference = (
        fit([games_by_metric(values)], references=names) for names in ((), ("m2",))
    )
    assert [one.rating for one in ranked.standings] == [
        one.rating for one in with_reference.standings
    ]
    reference = with_reference.find("m2")
    assert reference is not None
    assert reference.rank is None and reference.ranks is None
    assert sorted(one.rank for one in with_reference.standings if one.rank) == [1, 2, 3]
    assert (ranked.ranked, with_reference.ranked) == (4, 3)


def test_who_wins_everything_is_rated_and_said_to_be_unbounded() -> None:
    found = fit([_pool(30, 0, "c")])
    assert not found.as_it_stands
    assert found.standings[0].rating - found.standings[1].rating == pytest.approx(
        400 * math.log10(30.5 / 0.5)
    )


@pytest.mark.parametrize("pools", [[], [games_of([])], [games_by_metric({"a": {"1": 0.5}})]])
def test_one_reranker_has_no_rating(pools: Sequence[Games]) -> None:
    with pytest.raises(ValueError, match="no two rerankers met"):
        fit(pools)


def _slow_intervals(games: Games, resamples: int) -> dict[str, tuple[float, float]]:
    """Query by query, resample by resample, without weights."""
    rng = random.Random(7)
    draws = []
    for _ in range(resamples):
        chosen = rng.choices(range(len(games.queries)), k=len(games.queries))
        table = np.asarray(games.points[chosen].sum(axis=0), dtype=np.float64)
        draws.append(bradley_terry.fit(table).ratings)
    low, high = np.percentile(draws, [2.5, 97.5], axis=0)
    return {name: (low[at], high[at]) for at, name in enumerate(games.models)}


def test_intervals_are_those_of_resampled_queries() -> None:
    games = games_by_metric(_values(queries=200, models=3))
    expected = _slow_intervals(games, 2000)
    for standing in fit([games], resamples=4000).standings:
        assert standing.low == pytest.approx(expected[standing.name][0], abs=4)
        assert standing.high == pytest.approx(expected[standing.name][1], abs=4)
        assert standing.low < standing.rating < standing.high


def test_queries_are_drawn_whole() -> None:
    """Six models that agree on every query: the games of a query are one piece of evidence."""
    strong = {f"s{n}": {str(q): float(q % 3 > 0) for q in range(90)} for n in range(3)}
    weak = {f"w{n}": {str(q): float(q % 3 == 0) for q in range(90)} for n in range(3)}
    many = fit([games_by_metric(strong | weak)])
    two = fit([games_by_metric({"s0": strong["s0"], "w0": weak["w0"]})])

    def width(ratings: Ratings) -> float:
        return ratings.standings[0].high - ratings.standings[0].low

    # Games drawn one by one would make it a third as wide.
    assert width(many) > 0.6 * width(two)


def test_another_collection_leaves_a_collections_draws_alone() -> None:
    one, two = _pool(60, 40, "one"), _pool(30, 70, "two")
    assert fit([one]) == fit([one])
    assert fit([one, two]) == fit([two, one])
    assert fit([one], seed=1).standings[0].low != fit([one], seed=2).standings[0].low


def test_ranks_are_open_where_the_difference_is_uncertain() -> None:
    rng = random.Random(3)
    values = {
        name: {str(q): rng.random() + ahead for q in range(150)}
        for name, ahead in {"best": 0.8, "twin": 0.0, "other twin": 0.0}.items()
    }
    ranks = {one.name: one.ranks for one in fit([games_by_metric(values)]).standings}
    assert ranks == {"best": (1, 1), "twin": (2, 3), "other twin": (2, 3)}


def test_an_interval_covers_the_true_difference_as_often_as_it_says() -> None:
    rng = np.random.default_rng(5)
    true = 400 * math.log10(0.6 / 0.4)
    covered = 0
    for trial in range(200):
        pool = _pool(won := int(rng.binomial(100, 0.6)), 100 - won, f"c{trial}")
        x = fit([pool], resamples=300).find("x")
        assert x is not None
        # With two players the rating is half the difference above 1500.
        covered += x.low <= 1500 + true / 2 <= x.high
    # 95 % of 200, three standard deviations below and above.
    assert 180 <= covered <= 199


def _many(wins: int, losses: int, ties: int) -> list[Result]:
    won: list[Result] = ["a"] * wins
    lost: list[Result] = ["b"] * losses
    tied: list[Result] = ["tie"] * ties
    return won + lost + tied


def test_who_won_as_much_against_equal_opponents_is_rated_alike() -> None:
    # Who meets all others equally often is rated by its points alone: both won 4 more than lost.
    results = {
        ("a", "b"): (4, 4, 22),
        ("a", "c"): (9, 2, 19),
        ("a", "d"): (2, 5, 23),
        ("b", "c"): (6, 3, 21),
        ("b", "d"): (3, 2, 25),
        ("c", "d"): (1, 1, 28),
    }
    outcomes = [
        Outcome(query_id=f"q{number}", a=a, b=b, result=result)
        for (a, b), (wins, losses, ties) in results.items()
        for number, result in enumerate(_many(wins, losses, ties))
    ]
    found = {one.name: one for one in fit_outcomes(outcomes).standings}
    assert found["a"].rating == pytest.approx(found["b"].rating, abs=1e-8)
    assert found["a"].rank == found["b"].rank == 1
