"""What the checks find in tables with one fault each, and that they are silent on sound ones."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rerankbench.audit.findings import Finding
from rerankbench.audit.review import review


def _found(folder: Path, text: str, name: str = "table.md") -> list[Finding]:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return list(review([path]).findings)


def _markdown(headings: list[str], rows: list[list[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"


def _tabs(headings: list[str], rows: list[list[str]]) -> str:
    return "\n".join("\t".join(cells) for cells in [headings, *rows]) + "\n"


@dataclasses.dataclass(frozen=True)
class _Sound:
    """A table without a fault, best row first, whose rows differ by the same in every column."""

    columns: list[int]
    offsets: list[int]
    speeds: list[float]

    def rows(self) -> list[list[float]]:
        return [[(base + step) / 1000 for base in self.columns] for step in self.offsets]

    def cells(self) -> tuple[list[str], list[list[str]]]:
        headings = ["Model", "Docs / Sec", *[f"Set {at}" for at in range(len(self.columns))]]
        rows = [
            [f"m{at}", f"{speed:.1f}", *(f"{value:.3f}" for value in row), f"{fmean(row):.3f}"]
            for at, (row, speed) in enumerate(zip(self.rows(), self.speeds, strict=True))
        ]
        return [*headings, "Average"], rows


@st.composite
def _sound(draw: st.DrawFn) -> _Sound:
    columns = draw(st.lists(st.integers(100, 700), min_size=2, max_size=14))
    offsets = draw(st.lists(st.integers(-90, 200), min_size=2, max_size=9, unique=True))
    odd = st.floats(1, 9000).map(lambda value: round(value) + 0.3)
    speeds = draw(st.lists(odd, min_size=len(offsets), max_size=len(offsets), unique=True))
    return _Sound(columns, sorted(offsets, reverse=True), speeds)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tables")


@given(table=_sound())
def test_a_sound_table_gives_no_finding(table: _Sound, folder: Path) -> None:
    headings, rows = table.cells()
    assert _found(folder, _markdown(headings, rows)) == []
    assert _found(folder, _tabs(headings, rows), "table.tsv") == []


@given(table=_sound(), data=st.data())
def test_an_average_off_by_more_than_rounding_is_found_in_its_row(
    table: _Sound, data: st.DataObject, folder: Path
) -> None:
    headings, rows = table.cells()
    at = data.draw(st.integers(0, len(rows) - 1))
    # Rounding of the average and of the columns can add up to one unit of the last digit.
    off = data.draw(st.integers(2, 50)) * data.draw(st.sampled_from([-1, 1]))
    rows[at][-1] = f"{float(rows[at][-1]) + off / 1000:.3f}"
    found = [one for one in _found(folder, _markdown(headings, rows)) if one.check == "average"]
    assert [(one.line, one.severity, one.printed) for one in found] == [
        (at + 3, "error", rows[at][-1])
    ]
    assert abs(float(found[0].expected) - fmean(table.rows()[at])) <= 0.0006


def test_two_lines_that_also_agree_with_fewer_columns_do_not_hide_a_wrong_average(
    tmp_path: Path,
) -> None:
    """0.302 lies within rounding of the last three columns, and so does the sound second row."""
    rows = [
        ["m0", "1.3", "0.101", "0.494", "0.101", "0.101", "0.701", "0.302"],
        ["m1", "2.3", "0.100", "0.493", "0.100", "0.100", "0.700", "0.299"],
    ]
    (finding,) = _found(tmp_path, _markdown(["Model", "Docs / Sec", *"ABCDE", "Average"], rows))
    assert (finding.check, finding.severity, finding.row) == ("average", "error", "m0")


@given(table=_sound(), data=st.data())
def test_a_zero_among_qualities_is_found(table: _Sound, data: st.DataObject, folder: Path) -> None:
    headings, rows = table.cells()
    at = data.draw(st.integers(0, len(rows) - 1))
    column = data.draw(st.integers(2, len(headings) - 2))
    rows[at][column] = "0.000"
    found = [one for one in _found(folder, _markdown(headings, rows)) if one.check == "zero"]
    assert [(one.line, one.column) for one in found] == [(at + 3, headings[column])]


def test_an_average_of_another_set_of_columns_is_one_finding_of_the_column(tmp_path: Path) -> None:
    rows = [[f"m{at}", f"0.{at}10", f"0.{at}20", "0.900"] for at in range(1, 5)]
    (one,) = _found(tmp_path, _markdown(["Model", "A", "B", "Avg"], rows))
    assert (one.check, one.severity, one.row, one.column) == ("average", "warning", "", "Avg")
    assert "in 4 of 4 rows" in one.message


def test_an_average_may_leave_out_one_column_in_all_rows(tmp_path: Path) -> None:
    """Such as MS MARCO, on which the models were trained."""
    rows = [["a", "0.900", "0.400", "0.500", "0.450"], ["b", "0.800", "0.300", "0.400", "0.350"]]
    assert _found(tmp_path, _markdown(["M", "MSMARCO", "A", "B", "Avg"], rows)) == []


def test_an_average_in_percent_of_shares_is_one(tmp_path: Path) -> None:
    rows = [["a", "0.400", "0.500", "45.0"], ["b", "0.300", "0.400", "35.0"]]
    assert _found(tmp_path, _markdown(["M", "A", "B", "Avg"], rows)) == []


def test_an_average_of_more_columns_than_are_here_is_left_alone(tmp_path: Path) -> None:
    rows = [["a", "0.400", "0.500", "0.300"], ["b", "0.300", "0.400", "0.200"]]
    assert _found(tmp_path, _markdown(["M", "A", "B", "Average of 18"], rows)) == []


def test_a_mean_over_the_columns_that_are_filled_is_told(tmp_path: Path) -> None:
    rows = [["a", "0.400", "0.500", "0.300", "0.400"], ["b", "0.390", "0.500", "", "0.445"]]
    (one,) = _found(tmp_path, _markdown(["M", "A", "B", "C", "Avg"], rows))
    assert (one.check, one.line) == ("partial-average", 4)
    assert "the 2 columns that are filled, of 3" in one.message


def test_the_printed_average_of_another_row_is_pointed_at(tmp_path: Path) -> None:
    rows = [
        ["a", "0.400", "0.500", "0.450"],
        ["b", "0.300", "0.400", "0.450"],
        ["c", "0.200", "0.300", "0.250"],
    ]
    (one,) = _found(tmp_path, _markdown(["M", "A", "B", "Avg"], rows))
    assert (one.row, one.printed, one.expected) == ("b", "0.450", "0.350")
    assert "0.450 is also printed for a" in one.message


def _leading(*steps: float) -> str:
    """A row and another that is ahead of it by these steps."""
    old = [0.30, 0.41, 0.52, 0.63, 0.74]
    new = [value + step for value, step in zip(old, steps, strict=True)]
    rows = [
        [name, *(f"{value:.3f}" for value in row), f"{fmean(row):.3f}"]
        for name, row in (("new", new), ("old", old))
    ]
    return _markdown(["M", "A", "B", "C", "D", "E", "Avg"], rows)


def test_a_column_with_more_than_half_of_a_lead_carries_it(tmp_path: Path) -> None:
    assert _found(tmp_path, _leading(0.018, 0.010, 0.012, 0.010, -0.004)) == []
    (one,) = _found(tmp_path, _leading(0.180, 0.010, 0.012, 0.010, -0.004))
    assert (one.check, one.severity, one.column) == ("carried-mean", "note", "A")
    # 0.208 / 5, 0.028 / 4 and 0.180 / 0.208
    assert "+0.0416 over 5 columns, +0.0070 without it (87% of the lead)" in one.message


def test_a_column_without_which_there_is_no_lead_is_a_warning(tmp_path: Path) -> None:
    (one,) = _found(tmp_path, _leading(0.180, -0.010, 0.012, -0.010, -0.004))
    assert (one.check, one.severity) == ("carried-mean", "warning")
    assert "without it new over old has no lead" in one.message


def test_a_lead_below_the_last_digit_is_none(tmp_path: Path) -> None:
    assert _found(tmp_path, _leading(0.004, 0, 0, 0, 0)) == []


def _sorted_table(values: list[str], names: str = "hgbdacfe") -> str:
    rows = [[name, value] for name, value in zip(names, values, strict=False)]
    return _markdown(["M", "nDCG@10"], rows)


def test_a_row_that_breaks_the_order_is_found(tmp_path: Path) -> None:
    values = ["0.70", "0.69", "0.68", "0.62", "0.66", "0.65", "0.64"]
    (one,) = _found(tmp_path, _sorted_table(values))
    assert (one.check, one.row, one.line) == ("order", "a", 7)
    assert "0.66 stands below 0.62 (d), though 5 of 6 neighbours are in order" in one.message


@pytest.mark.parametrize(
    ("values", "names"),
    [
        (["0.70", "0.69", "0.68", "0.67", "0.66", "0.65"], "hgbdac"),  # in order
        (["0.70", "0.60", "0.68", "0.67", "0.69", "0.65"], "hgbdac"),  # in none
        (["0.70", "0.69", "0.68", "0.62", "0.66", "0.65"], "abcdef"),  # in that of the names
        (["0.70", "0.69", "0.71"], "hgb"),  # too few
    ],
)
def test_what_is_not_meant_to_be_in_order_is_left_alone(
    values: list[str], names: str, tmp_path: Path
) -> None:
    assert _found(tmp_path, _sorted_table(values, names)) == []


def test_a_rank_that_is_not_the_rows_own_is_found(tmp_path: Path) -> None:
    ranks, values = "1234657", ["0.9", "0.8", "0.7", "0.6", "0.5", "0.4", "0.3"]
    rows = [
        [rank, name, value] for rank, name, value in zip(ranks, "gfaebdc", values, strict=True)
    ]
    found = _found(tmp_path, _markdown(["Rank", "Model", "nDCG@10"], rows))
    assert found == []  # Two of seven: by some other figure, perhaps.
    rows += [[str(at), f"m{at}", f"0.{30 - at}"] for at in range(8, 13)]
    found = _found(tmp_path, _markdown(["Rank", "Model", "nDCG@10"], rows))
    assert [(one.row, one.printed, one.expected) for one in found] == [
        ("b", "6", "5"),
        ("d", "5", "6"),
    ]


def test_ties_share_a_rank_or_not(tmp_path: Path) -> None:
    values = ["0.9", "0.8", "0.8", "0.7", "0.6", "0.5", "0.4"]
    for ranks in ("1224567", "1234567", "1324567"):
        rows = [[r, n, v] for r, n, v in zip(ranks, "gfaebdc", values, strict=True)]
        assert _found(tmp_path, _markdown(["#", "Model", "nDCG@10"], rows)) == []


def test_bold_that_is_not_the_best_is_found(tmp_path: Path) -> None:
    rows = [["a", "0.7", "**0.5**"], ["b", "**0.6**", "0.4"], ["c", "0.5", "0.3"]]
    (one,) = _found(tmp_path, _markdown(["M", "A", "B"], rows))
    assert (one.check, one.row, one.printed, one.expected) == ("bold", "b", "0.6", "0.7")


def test_bold_is_the_best_of_its_block(tmp_path: Path) -> None:
    head = "Backbone\tM\tA\n"
    text = head + "s\ta\t<b>0.5</b>\n\tb\t0.4\nl\ta\t0.6\n\tb\t<b>0.7</b>\n"
    assert _found(tmp_path, text, "t.tsv") == []
    worse = text.replace("\tb\t0.4", "\tb\t0.55")
    (one,) = _found(tmp_path, worse, "t.tsv")
    assert (one.check, one.row, one.expected) == ("bold", "s / a", "0.55")


def test_bold_rows_are_someones_own(tmp_path: Path) -> None:
    rows = [["a", "0.7", "0.5"], ["**ours**", "**0.6**", "**0.4**"]]
    assert _found(tmp_path, _markdown(["M", "A", "B"], rows)) == []


_MODELS = [
    ("cross-encoder/ms-marco-MiniLM-L6-v2", "1800"),
    ("cross-encoder/ms-marco-MiniLM-L-12-v2", "960"),
    ("ms-marco-electra-base", "340"),
    ("someone/else", "77"),
]


def test_published_speeds_are_recognised_under_other_spellings(tmp_path: Path) -> None:
    rows = [[name, speed, f"0.{70 - at}"] for at, (name, speed) in enumerate(_MODELS)]
    (one,) = _found(tmp_path, _markdown(["M", "Docs/s", "nDCG@10"], rows))
    assert (one.check, one.severity, one.column) == ("copied-speed", "warning", "Docs/s")
    assert "3 of 4 speeds" in one.message and "V100" in one.message
    rows[0][1] = "1801"
    assert _found(tmp_path, _markdown(["M", "Docs/s", "nDCG@10"], rows)) == []


def test_speeds_beside_new_figures_are_copies_but_not_beside_more_columns(tmp_path: Path) -> None:
    speeds = ["11", "22", "33"]
    first = [[n, s, v] for n, s, v in zip("abc", speeds, ["0.7", "0.6", "0.5"], strict=True)]
    anew = [[n, s, v] for n, s, v in zip("abc", speeds, ["0.5", "0.4", "0.3"], strict=True)]
    head = ["M", "Docs/s", "nDCG@10"]
    other = _markdown(["M", "Docs/s", "nDCG@5"], anew)
    assert _found(tmp_path, _markdown(head, first) + "\n" + other) == []
    (one,) = _found(tmp_path, _markdown(head, first) + "\n" + _markdown(head, anew))
    assert (one.check, one.line) == ("copied-speed", 7)
    assert "all 3 speeds are those of" in one.message


def test_one_speed_for_all_is_found(tmp_path: Path) -> None:
    rows = [[name, "50", value] for name, value in zip("abc", ["0.7", "0.6", "0.5"], strict=True)]
    (one,) = _found(tmp_path, _markdown(["M", "Docs/s", "nDCG@10"], rows))
    assert (one.check, one.message) == ("copied-speed", "is 50 in all 3 rows")


def test_round_speeds_are_a_note(tmp_path: Path) -> None:
    rows = [
        [name, f"{at}0", f"0.{at}1"] for at, name in zip(range(9, 4, -1), "ebdac", strict=True)
    ]
    (one,) = _found(tmp_path, _markdown(["M", "Docs/s", "nDCG@10"], rows))
    assert (one.check, one.severity) == ("round-speed", "note")


def test_latencies_that_cannot_be_are_found(tmp_path: Path) -> None:
    head = ["M", "Mean ms", "P50 ms", "P90 ms", "P99 ms"]
    sound = ["a", "10.0", "9.0", "15.0", "20.0"]
    assert _found(tmp_path, _markdown(head, [sound])) == []
    assert _found(tmp_path, _markdown(head, [["a", "10", "9", "", "20"]])) == []
    found = _found(tmp_path, _markdown(head, [["a", "16.0", "15.5", "15.0", "20.0"]]))
    assert [(one.column, one.severity) for one in found] == [
        ("P50 ms", "error"),
        ("Mean ms", "warning"),
    ]


def _two_tables(second: list[str], rows: str = "abcde") -> str:
    first = ["0.41", "0.42", "0.43", "0.44", "0.46"]
    return "\n".join(
        _markdown(["M", "BEIR Avg. nDCG@10"], [[n, v] for n, v in zip(rows, values, strict=True)])
        for values in (first, second)
    )


def test_a_figure_with_two_values_in_one_file_is_found(tmp_path: Path) -> None:
    (one,) = _found(tmp_path, _two_tables(["0.41", "0.42", "0.43", "0.45", "0.46"]))
    assert (one.check, one.row, one.printed, one.expected) == ("disagreement", "d", "0.45", "0.44")
    assert one.line == 14 and "4 of 5 shared figures are equal" in one.message


def test_more_digits_are_no_disagreement(tmp_path: Path) -> None:
    assert _found(tmp_path, _two_tables(["0.41", "0.42", "0.43", "0.444", "0.46"])) == []


def test_tables_of_two_settings_share_headings_alone(tmp_path: Path) -> None:
    assert _found(tmp_path, _two_tables(["0.51", "0.42", "0.53", "0.55", "0.56"])) == []
