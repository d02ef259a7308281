"""The tables of errors have the right rows."""

import csv
from pathlib import Path

import pytest

from hf_newscls.report.error_tables import write_error_tables, write_rows
from hf_newscls.report.measured_run import MeasuredRun
from tests.conftest import FinishedRun, read_table
from tests.measured_runs import build_measured


@pytest.fixture(scope="module")
def measured() -> MeasuredRun:
    """A run of two labels."""
    return build_measured(text="first\nsecond, {label}")


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return [*csv.DictReader(stream)]


def test_tables_are_written(measured: MeasuredRun, tmp_path: Path) -> None:
    write_error_tables(measured, tmp_path / "errors")
    names = ["by_label", "by_length", "by_year", "confused_pairs", "mistakes", "suspicious_labels"]
    assert sorted(path.name for path in (tmp_path / "errors").iterdir()) == [f"{name}.csv" for name in names]


def test_run_without_dates_has_no_table_of_years(tmp_path: Path) -> None:
    (tmp_path / "errors").mkdir()
    (tmp_path / "errors" / "by_year.csv").touch()
    write_error_tables(build_measured(dates=False), tmp_path / "errors")
    assert not (tmp_path / "errors" / "by_year.csv").exists()


def test_all_mistakes_are_listed_most_confident_first(tiny_run: FinishedRun) -> None:
    wrong = {row["id"]: row for row in read_table(tiny_run.run) if row["prediction"] != row["reference"]}
    listed = read(tiny_run.run.errors / "mistakes.csv")
    assert {row["id"] for row in listed} == {*wrong}
    probabilities = [float(row["probability of prediction"]) for row in listed]
    assert probabilities == sorted(probabilities, reverse=True)
    for row in listed:
        assert row["prediction"] == wrong[row["id"]]["prediction"]
        assert row["reference"] == wrong[row["id"]]["reference"]
        assert row["text"] == wrong[row["id"]]["text"]


def test_text_is_on_one_line(measured: MeasuredRun, tmp_path: Path) -> None:
    write_error_tables(measured, tmp_path / "errors")
    assert {row["text"].split(",")[0] for row in read(tmp_path / "errors" / "mistakes.csv")} == {"first second"}


def test_labels_have_their_scores(measured: MeasuredRun, tmp_path: Path) -> None:
    write_error_tables(measured, tmp_path / "errors")
    rows = {row["label"]: row for row in read(tmp_path / "errors" / "by_label.csv")}
    for name, scores in measured.report.test.per_class.items():
        assert rows[name]["f1"] == f"{scores['f1']:.4f}"
        assert float(rows[name]["f1 low"]) <= scores["f1"] <= float(rows[name]["f1 high"]) + 1e-4


def test_pairs_add_up_to_the_mistakes(measured: MeasuredRun, tmp_path: Path) -> None:
    write_error_tables(measured, tmp_path / "errors")
    pairs = read(tmp_path / "errors" / "confused_pairs.csv")
    assert sum(int(pair["rows"]) for pair in pairs) == len(measured.errors.mistakes)


@pytest.mark.parametrize("start", ["=", "+", "-", "@"])
def test_no_cell_is_a_formula(start: str, tmp_path: Path) -> None:
    write_rows(tmp_path / "a.csv", ("id", "text"), [(1, f"{start}HYPERLINK(A1)"), (2, f"5 {start} 3")])
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as stream:
        assert [*csv.reader(stream)] == [["id", "text"], ["1", f"'{start}HYPERLINK(A1)"], ["2", f"5 {start} 3"]]


def test_direction_marks_are_visible(tmp_path: Path) -> None:
    measured = build_measured(text="trusted\u202etxt of {label}")
    write_error_tables(measured, tmp_path / "errors")
    text = (tmp_path / "errors/mistakes.csv").read_text(encoding="utf-8")
    assert "\u202e" not in text
    assert "trusted[U+202E]txt" in text
