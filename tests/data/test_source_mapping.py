"""`data.source` as a mapping of official splits or of labels, up to the prepared rows."""

import csv
import json
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from hf_newscls.data.preparation import prepare
from hf_newscls.data.prepared.splits import PreparedData
from hf_newscls.data.sources.fetch import fetch_source
from hf_newscls.errors import DataError, SourceError
from tests.conftest import write_csv
from tests.tiny_models import MakeRecipe

Rows = list[dict[str, str]]
PLAIN = ("data.near_duplicates=null", "data.keep=null")


@pytest.fixture
def write_parts(news_rows: Rows, tmp_path: Path) -> Callable[..., dict[str, str]]:
    """Write the tiny news into files, each from the row that is given to the next one's."""

    def write(**starts: int) -> dict[str, str]:
        ends = [*starts.values(), len(news_rows)][1:]
        for (name, start), end in zip(starts.items(), ends, strict=True):
            write_csv(tmp_path / f"{name}.csv", news_rows[start:end])
        return {name: str(tmp_path / f"{name}.csv") for name in starts}

    return write


def list_titles(prepared: PreparedData, split: str) -> set[str]:
    return {text.split(". ")[0] for text in prepared.splits[split]["text"]}


def test_files_are_the_splits(
    write_parts: Callable[..., dict[str, str]], make_recipe: MakeRecipe, news_rows: Rows
) -> None:
    paths = write_parts(a=0, b=60, c=90)
    source = {"train": paths["b"], "validation": paths["c"], "test": paths["a"]}
    prepared = prepare(make_recipe(f"data.source={json.dumps(source)}", *PLAIN))
    titles = [row["title"] for row in news_rows]
    assert list_titles(prepared, "test") == {*titles[:60]}
    assert list_titles(prepared, "train") == {*titles[60:90]}
    assert list_titles(prepared, "validation") == {*titles[90:]}
    assert prepared.manifest.strategy == "by file"
    assert prepared.manifest.fractions is None


def test_validation_is_cut_from_train(
    write_parts: Callable[..., dict[str, str]], make_recipe: MakeRecipe, news_rows: Rows
) -> None:
    paths = write_parts(train=0, test=80)
    prepared = prepare(make_recipe(f"data.source={json.dumps(paths)}", *PLAIN))
    titles = [row["title"] for row in news_rows]
    # The recipe's fractions are 0.6 and 0.2.
    assert {split: len(rows) for split, rows in prepared.splits.items()} == {"train": 60, "validation": 20, "test": 40}
    assert list_titles(prepared, "test") == {*titles[80:]}
    assert "validation" in prepared.manifest.strategy


def test_several_files_can_be_one_split(write_parts: Callable[..., dict[str, str]], make_recipe: MakeRecipe) -> None:
    paths = write_parts(a=0, b=40, c=80)
    source = {"train": [paths["a"], paths["c"]], "test": paths["b"]}
    prepared = prepare(make_recipe(f"data.source={json.dumps(source)}", *PLAIN))
    assert {split: len(rows) for split, rows in prepared.splits.items()} == {"train": 60, "validation": 20, "test": 40}


def test_article_in_two_files_stays_in_test(make_recipe: MakeRecipe, news_rows: Rows, tmp_path: Path) -> None:
    write_csv(tmp_path / "train.csv", news_rows[:90])
    write_csv(tmp_path / "test.csv", news_rows[84:])
    source = {"train": str(tmp_path / "train.csv"), "test": str(tmp_path / "test.csv")}
    manifest = prepare(make_recipe(f"data.source={json.dumps(source)}", *PLAIN)).manifest
    assert manifest.dropped["duplicate in another split"] == 6
    assert sum(manifest.label_counts["test"].values()) == 36
    assert manifest.leakage.rows == 0


def test_files_are_the_labels(make_recipe: MakeRecipe, news_rows: Rows, tmp_path: Path) -> None:
    write_csv(tmp_path / "Fake.csv", [{"title": row["title"]} for row in news_rows[:50]])
    write_csv(tmp_path / "True.csv", [{"title": row["title"]} for row in news_rows[50:]])
    source = {"FAKE": str(tmp_path / "Fake.csv"), "REAL": str(tmp_path / "True.csv")}
    recipe = make_recipe(f"data.source={json.dumps(source)}", "data.label=null", "data.text=[title]", *PLAIN)
    prepared = prepare(recipe)
    assert prepared.label_names == ["FAKE", "REAL"]
    counts = Counter[str]()
    for split in prepared.manifest.label_counts.values():
        counts.update(split)
    assert counts == {"FAKE": 50, "REAL": 70}
    fake = {row["title"] for row in news_rows[:50]}
    rows = prepared.splits["train"]
    assert all((text in fake) == (label == 0) for text, label in zip(rows["text"], rows["label"], strict=True))


def test_first_label_of_a_list_is_taken_if_the_recipe_says_so(
    make_recipe: MakeRecipe, news_rows: Rows, tmp_path: Path
) -> None:
    records = [row | {"category": [row["category"], "NEWS"]} for row in news_rows]
    (tmp_path / "news.jsonl").write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
    overrides = (f"data.source={tmp_path / 'news.jsonl'}", *PLAIN)
    with pytest.raises(DataError, match=r"`data\.label_choice: first`"):
        prepare(make_recipe(*overrides))
    prepared = prepare(make_recipe(*overrides, "data.label_choice=first"))
    assert prepared.label_names == ["BUSINESS", "SCIENCE", "SPORTS"]


def test_checksum_of_a_mapping_is_that_of_its_files(write_parts: Callable[..., dict[str, str]]) -> None:
    paths = write_parts(a=0, b=60)
    mapped = fetch_source({"train": paths["a"], "test": [paths["b"]]})
    listed = fetch_source([paths["a"], paths["b"]])
    assert (mapped.sha256, mapped.paths, mapped.keys) == (listed.sha256, listed.paths, ["train", "test"])
    assert listed.keys is None
    assert fetch_source({"train": paths["b"], "test": paths["a"]}).sha256 != mapped.sha256


def test_file_in_two_splits_is_refused(write_parts: Callable[..., dict[str, str]]) -> None:
    path = write_parts(a=0)["a"]
    with pytest.raises(SourceError, match=r"'.*a\.csv'"):
        fetch_source({"train": path, "test": path})


def test_pattern_in_a_mapping_stands_for_all_its_files(write_parts: Callable[..., dict[str, str]]) -> None:
    folder = Path(write_parts(a1=0, a2=30, b=60)["b"]).parent
    source = fetch_source({"FAKE": f"{folder}/a*.csv", "REAL": f"{folder}/b.csv"})
    assert [*zip([path.name for path in source.paths], source.keys or [], strict=True)] == [
        ("a1.csv", "FAKE"),
        ("a2.csv", "FAKE"),
        ("b.csv", "REAL"),
    ]


def write_folders(folder: Path, rows: Sequence[tuple[str, str]]) -> Path:
    """Write each text to a file in the folder of its label, numbered from 1 in each folder as BBC does."""
    numbers = Counter[str]()
    for label, text in rows:
        numbers[label] += 1
        (folder / label).mkdir(parents=True, exist_ok=True)
        (folder / label / f"{numbers[label]:03}.txt").write_text(text, encoding="utf-8", newline="")
    return folder


FOLDER = ("data.text=[text]", *PLAIN)


@pytest.mark.parametrize("label", ["null", "folder"])
def test_folders_are_the_labels(label: str, make_recipe: MakeRecipe, news_rows: Rows, tmp_path: Path) -> None:
    folder = write_folders(tmp_path / "bbc", [(row["category"], row["title"]) for row in news_rows])
    prepared = prepare(make_recipe(f"data.source={folder}/", f"data.label={label}", *FOLDER))
    assert prepared.manifest.rows_read == 120
    assert prepared.label_names == ["BUSINESS", "SCIENCE", "SPORTS"]
    label_of = {row["title"]: row["category"] for row in news_rows}
    test = prepared.splits["test"]
    assert [label_of[text] for text in test["text"]] == [prepared.label_names[label] for label in test["label"]]


def test_folders_of_labels_can_be_the_splits(make_recipe: MakeRecipe, news_rows: Rows, tmp_path: Path) -> None:
    rows = [(row["category"], row["title"]) for row in news_rows]
    source = {
        "train": str(write_folders(tmp_path / "1", rows[:90])),
        "test": str(write_folders(tmp_path / "2", rows[90:])),
    }
    recipe = make_recipe(f"data.source={json.dumps(source)}", "data.label=folder", *FOLDER)
    counts = prepare(recipe).manifest.label_counts
    assert counts["test"] == {"BUSINESS": 10, "SCIENCE": 10, "SPORTS": 10}


def test_flat_folders_can_be_the_labels(make_recipe: MakeRecipe, news_rows: Rows, tmp_path: Path) -> None:
    rows = [("fake" if index < 50 else "real", row["title"]) for index, row in enumerate(news_rows)]
    folder = write_folders(tmp_path / "news", rows)
    source = {"FAKE": str(folder / "fake"), "REAL": str(folder / "real")}
    prepared = prepare(make_recipe(f"data.source={json.dumps(source)}", "data.label=null", *FOLDER))
    assert prepared.label_names == ["FAKE", "REAL"]
    assert prepared.manifest.rows_read == 120


def test_label_is_null_but_the_source_is_a_file(make_recipe: MakeRecipe) -> None:
    with pytest.raises(SourceError, match=r"news\.csv: data\.label is null"):
        prepare(make_recipe("data.label=null"))


@pytest.mark.slow
def test_real_news_in_two_files_is_read(make_recipe: MakeRecipe, real_data: Path, tmp_path: Path) -> None:
    with (real_data / "fake_news" / "titles_6335.csv").open(encoding="utf-8", newline="") as stream:
        rows = [*csv.DictReader(stream)]
    for label in ("FAKE", "REAL"):
        write_csv(tmp_path / f"{label}.csv", [{"title": row["title"]} for row in rows if row["label"] == label])
    source = {label: str(tmp_path / f"{label}.csv") for label in ("FAKE", "REAL")}
    recipe = make_recipe(f"data.source={json.dumps(source)}", "data.label=null", "data.text=[title]", "data.keep=null")
    manifest = prepare(recipe).manifest
    assert manifest.rows_read == 6_335
    assert [sum(split[label] for split in manifest.label_counts.values()) for label in source] == [3_164, 3_171]


@pytest.mark.slow
def test_real_news_in_folders_is_read(make_recipe: MakeRecipe, real_data: Path, tmp_path: Path) -> None:
    with (real_data / "long_documents" / "bbc.csv").open(encoding="utf-8", newline="") as stream:
        rows = [*csv.DictReader(stream)]
    folder = write_folders(tmp_path / "bbc", [(row["label"], f"{row['title']}\n\n{row['text']}") for row in rows])
    manifest = prepare(make_recipe(f"data.source={folder}", "data.label=null", *FOLDER)).manifest
    assert manifest.rows_read == 2_225
    counts = {
        label: sum(split[label] for split in manifest.label_counts.values()) for label in {r["label"] for r in rows}
    }
    assert counts == Counter(row["label"] for row in rows)


@pytest.mark.slow
def test_real_news_wrapped_in_an_object_is_read(make_recipe: MakeRecipe, real_data: Path, tmp_path: Path) -> None:
    lines = (real_data / "news_category" / "News_Category_Dataset_v3_16k.json").read_text(encoding="utf-8").splitlines()
    (tmp_path / "wrapped.json").write_text(f'{{"data": [{",".join(lines)}]}}', encoding="utf-8")
    recipe = make_recipe(
        f"data.source={tmp_path / 'wrapped.json'}", "data.json.records=data", "data.text=[headline]", "data.min_count=3"
    )
    manifest = prepare(recipe).manifest
    assert manifest.rows_read == 16_242
    assert len(manifest.label_counts["train"]) == 42
