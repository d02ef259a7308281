"""`overview` describes a file and writes page, figures, JSON and lists of rows."""

import csv
import json
import os
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from hf_newscls import workflow
from hf_newscls.cli.display.tables import print_overview
from hf_newscls.errors import DataError, RunError, StorageError
from hf_newscls.overview.overview import Overview
from hf_newscls.overview.page import render_overview
from hf_newscls.recipe.loading import read_recipe
from hf_newscls.recipe.recipe import Recipe
from tests.conftest import LABELS, write_csv, write_recipe
from tests.processes import Result, read_files

FIGURES = [
    "confused_labels.png",
    "confusion_matrix.png",
    "lengths_by_label.png",
    "rows_by_label.png",
    "rows_by_year.png",
    "suspicious_labels.png",
    "text_lengths.png",
]
# Indices of the rows that were changed in the tiny news.
DUPLICATE, CONFLICTING, EMPTY, WRONG = 30, 31, 33, 34


def change(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """Return the tiny news with a duplicate, a conflicting label, an empty text and a wrong label."""
    rows = [dict(row) for row in rows]
    rows[DUPLICATE] = rows[0] | {"title": rows[0]["title"].upper()}
    rows[CONFLICTING] = rows[1] | {"category": LABELS[2]}
    rows[EMPTY] = rows[EMPTY] | {"title": "", "body": " "}
    rows[WRONG] = rows[WRONG] | {"category": LABELS[(WRONG + 1) % 3]}
    return rows


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("overview")


@pytest.fixture(scope="module")
def recipe(folder: Path, news_rows: list[dict[str, str]], tiny_encoder: Path) -> Recipe:
    write_csv(folder / "changed.csv", change(news_rows))
    path = write_recipe(folder / "tiny.yaml", source=folder / "changed.csv", encoder=tiny_encoder)
    return read_recipe(str(path), ["data.date=date", "data.keep=null"])


@pytest.fixture(scope="module")
def written(recipe: Recipe, folder: Path) -> tuple[Overview, Path]:
    """An overview of the changed news, and its folder."""
    return workflow.overview(recipe, folder / "written"), folder / "written"


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return [*csv.DictReader(stream)]


def read_json(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def test_folder_has_all_files(written: tuple[Overview, Path]) -> None:
    names = [
        "conflicting_labels.csv",
        "duplicates.csv",
        "figures",
        "overview.json",
        "overview.md",
        "suspicious_labels.csv",
    ]
    assert sorted(os.listdir(written[1])) == names
    assert sorted(os.listdir(written[1] / "figures")) == FIGURES
    for name in FIGURES:
        assert (written[1] / "figures" / name).read_bytes().startswith(b"\x89PNG\r\n")


def test_json_has_the_statistics(written: tuple[Overview, Path]) -> None:
    content = read_json(written[1] / "overview.json")
    data, quality = content["data"], content["label_quality"]
    assert (content["recipe"], data["rows_read"], data["rows_kept"]) == ("tiny", 120, 119)
    assert data["dropped"] == {"missing label": 0, "empty text": 1, "short text": 0}
    assert sum(data["label_counts"].values()) == 119
    assert {name: sum(years.values()) for name, years in data["year_counts"].items()} == data["label_counts"]
    assert data["years"] == ["2020"]
    assert data["articles"] == 117
    assert (data["exact_duplicates"]["groups"], data["conflicting_labels"]["groups"]) == (2, 1)
    assert (quality["rows"], quality["rows_given"], quality["folds"]) == (119, 119, 5)
    (file,) = data["files"]
    assert (file["name"], file["encoding"], file["csv"]["separator"], file["rows"]) == (
        "changed.csv",
        "utf-8",
        ",",
        120,
    )
    assert [sum(row) for row in quality["confusion"]] == [*data["label_counts"].values()]


def test_duplicates_are_listed_group_by_group(written: tuple[Overview, Path]) -> None:
    rows = read_csv(written[1] / "duplicates.csv")
    assert [(row["group"], row["id"], row["label"]) for row in rows] == [
        ("0", "0", "BUSINESS"),
        ("0", "30", "BUSINESS"),
        ("1", "1", "SCIENCE"),
        ("1", "31", "SPORTS"),
    ]
    assert rows[1]["text"].isupper() is False
    assert rows[1]["text"].startswith(rows[0]["text"].split(". ")[0].upper())


def test_conflicting_labels_are_listed(written: tuple[Overview, Path]) -> None:
    rows = read_csv(written[1] / "conflicting_labels.csv")
    assert [(row["id"], row["label"]) for row in rows] == [("1", "SCIENCE"), ("31", "SPORTS")]


def test_wrong_label_is_suspicious(written: tuple[Overview, Path]) -> None:
    rows = {row["id"]: row for row in read_csv(written[1] / "suspicious_labels.csv")}
    assert str(WRONG) in rows
    row = rows[str(WRONG)]
    assert (row["label"], row["suggested"]) == (LABELS[(WRONG + 1) % 3], LABELS[WRONG % 3])
    assert 0 <= float(row["probability of label"]) < float(row["probability of suggested"]) <= 1
    content = read_json(written[1] / "overview.json")
    counts = Counter(row["label"] for row in rows.values())
    assert content["label_quality"]["suspicious"]["by_label"] == {name: counts[name] for name in LABELS}


def test_page_shows_each_figure_and_list(written: tuple[Overview, Path]) -> None:
    page = (written[1] / "overview.md").read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)]+)\)", page)
    local = sorted({target for target in targets if not target.startswith("https://")})
    assert local == sorted(
        [*(f"figures/{name}" for name in FIGURES), "conflicting_labels.csv", "duplicates.csv", "suspicious_labels.csv"]
    )
    assert all((written[1] / target).is_file() for target in local)


def test_page_is_valid_markdown(written: tuple[Overview, Path]) -> None:
    page = (written[1] / "overview.md").read_text(encoding="utf-8")
    tokens = MarkdownIt("commonmark").enable("table").parse(page)
    rows = sum(token.type == "tr_open" for token in tokens)
    assert rows > 20
    assert not [line for line in page.splitlines() if line.startswith("|") and line.count("|") < 3]
    # markdown-it cuts off cells that have no header.
    for table in re.findall(r"(?:^\|.*\n)+", page, flags=re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1
    assert "\n\n\n" not in page
    assert {token.content for token in tokens if token.type == "inline" and token.content.startswith("|")} == set()
    assert not [token.content for token in tokens if token.type in {"html_block", "code_block"}]


@pytest.mark.slow
def test_overview_replaces_an_earlier_one(recipe: Recipe, written: tuple[Overview, Path], tmp_path: Path) -> None:
    (tmp_path / "again").mkdir()
    for name in ("overview.json", "overview.md", "old.png"):
        (tmp_path / "again" / name).write_text("")
    workflow.overview(recipe, tmp_path / "again")
    assert read_files(tmp_path / "again") == read_files(written[1])
    assert os.listdir(tmp_path) == ["again"]


def test_folder_with_other_files_is_refused(recipe: Recipe, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(RunError, match=f"^{re.escape(str(tmp_path))}: "):
        workflow.overview(recipe, tmp_path)
    assert os.listdir(tmp_path) == ["mine.txt"]
    with pytest.raises(StorageError, match=r"mine\.txt"):
        workflow.overview(recipe, tmp_path / "mine.txt")


def test_missing_column_of_dates_is_refused(recipe: Recipe, tmp_path: Path) -> None:
    changed = recipe.model_copy(update={"data": recipe.data.model_copy(update={"date": "dat"})})
    with pytest.raises(DataError, match=r"'dat'.*'date'"):
        workflow.overview(changed, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_dates_that_cannot_be_read_are_counted(
    recipe: Recipe, news_rows: list[dict[str, str]], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rows = [row | ({"date": "soon"} if index < 4 else {}) for index, row in enumerate(news_rows)]
    write_csv(tmp_path / "news.csv", rows)
    data = recipe.data.model_copy(update={"source": str(tmp_path / "news.csv")})
    found = workflow.overview(recipe.model_copy(update={"data": data}), tmp_path / "out")
    assert found.data.unreadable_dates == 4
    assert found.data.years[-1] == "unknown"
    assert "| rows with a date that cannot be read | 4 |" in (tmp_path / "out" / "overview.md").read_text()
    assert re.search(r"4 of \d+ .*'date'.*'soon \(id 2\)', … \(4 in all\).*data\.date_format", caplog.text)


def test_page_lists_merged_labels(recipe: Recipe, written: tuple[Overview, Path]) -> None:
    assert "The recipe merges labels" not in render_overview(written[0], figures=[])
    data = recipe.data.model_copy(update={"merge_labels": {"NEWS": ["BUSINESS", "SPORTS"]}})
    overview = type(written[0])(**vars(written[0]) | {"recipe": recipe.model_copy(update={"data": data})})
    assert "\nThe recipe merges labels:\n\n- NEWS: BUSINESS, SPORTS\n\n## Rows per label\n" in render_overview(
        overview, figures=[]
    )


def test_page_shows_how_the_file_was_read(written: tuple[Overview, Path], news_rows: list[dict[str, str]]) -> None:
    page = render_overview(written[0], figures=[]).replace("\\-", "-")
    assert "| file | changed.csv, CSV, utf-8, separated by ',', with header, quoting minimal |" in page
    assert "| rows | 120 read, 0 lines skipped; columns title, body, category, date |" in page
    assert f"| first row | title '{news_rows[0]['title']}', body '" in page


def test_page_mentions_the_sample(written: tuple[Overview, Path]) -> None:
    assert "a stratified sample" not in render_overview(written[0], figures=[])
    quality = written[0].quality
    sampled = type(quality)(**vars(quality) | {"rows_given": 250_000})
    overview = type(written[0])(**vars(written[0]) | {"quality": sampled})
    assert "5 folds on 119 rows, a stratified sample of 250,000 (seed 17)" in render_overview(overview, figures=[])


def test_tables_show_the_main_statistics(written: tuple[Overview, Path], capsys: pytest.CaptureFixture[str]) -> None:
    print_overview(written[0])
    text = capsys.readouterr().out
    assert "file:      changed.csv, CSV, utf-8, separated by ',', with header" in text
    assert "rows:      120 read, 0 lines skipped; columns title, body" in text
    assert "first row: title '" in text
    assert re.search(r"rows kept +119, 117 unique articles", text)
    assert re.search(r"rows dropped: empty text +1\b", text)
    assert re.search(r"\bduplicates +2 \(exact 2, near 0\)", text)
    assert re.search(r"groups of exact duplicates +4 rows in 2 groups", text)
    assert re.search(r"conflicting labels +2 rows in 1 group\b", text)
    assert re.search(r"BUSINESS +│ +39 │ +32\.8% │ 2020 +│ +\d", text)


def test_command_writes_a_folder_and_prints_its_path(
    news_rows: list[dict[str, str]],
    tiny_encoder: Path,
    call: Callable[..., Result],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = change(news_rows)
    for index in (0, DUPLICATE):
        rows[index] = rows[0] | {"title": "<b>50% | *more* [link](x)\nnext", "body": "£ 東京"}
    write_csv(tmp_path / "news.csv", rows)
    write_recipe(tmp_path / "tiny.yaml", source=tmp_path / "elsewhere.csv", encoder=tiny_encoder)
    result = call("overview", "tiny.yaml", "--data", "news.csv")
    assert result.code == 0, result.err
    assert result.out.splitlines()[-1] == "page: overview/tiny/overview.md"
    page = (tmp_path / "overview" / "tiny" / "overview.md").read_text(encoding="utf-8")
    # Texts are shown unchanged.
    tokens = MarkdownIt("commonmark").enable("table").parse(page)
    shown = ["".join(child.content for child in token.children or []) for token in tokens if token.type == "inline"]
    assert "BUSINESS, id 0: <b>50% | *more* [link](x) next. £ 東京" in shown
    # The recipe has no column of dates.
    assert "rows_by_year" not in page
    assert sorted(os.listdir("overview/tiny/figures")) == [name for name in FIGURES if name != "rows_by_year.png"]
