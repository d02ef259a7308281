"""Files: one row of answers for each row, in order, whole or resumable, equal to the plain path."""

import csv
import io
import json
import os
import shutil
import signal
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml
from datasets import Dataset

from hf_newscls.errors import DataError, InputError, SourceError, StorageError
from hf_newscls.inference.partial_output import name_partial_folder
from hf_newscls.inference.predicting import load_classifier, predict_probabilities
from hf_newscls.progress import StepProgress, showing
from hf_newscls.workflow.prediction.files import predict_file
from hf_newscls.workflow.prediction.texts import predict
from tests.conftest import LABELS, FinishedRun, build_news_rows, write_csv
from tests.data.excel_files import write_xlsx
from tests.hub_server import HubServer
from tests.processes import read_files
from tests.tiny_models import load_tiny, save_encoder

ROWS = [
    row if index % 13 else {**row, "title": "", "body": " "} for index, row in enumerate(build_news_rows(), start=1)
]
TEXTS = [". ".join(part for name in ("title", "body") if (part := row[name].strip())) for row in ROWS]
EMPTY = 9


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder as `evaluate` leaves it; its weights are large enough for texts to differ."""
    folder = tmp_path_factory.mktemp("model")
    loaded = load_tiny(save_encoder(folder / "encoder", "bert", initializer_range=0.5))
    loaded.model.config.hf_newscls = {"text": {"columns": ["title", "body"], "separator": ". ", "missing_values": []}}
    loaded.model.save_pretrained(folder / "model")
    loaded.tokenizer.save_pretrained(folder / "model")
    return folder / "model"


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hf_newscls.data.readers.row_blocks.BLOCK_ROWS", 25)


@pytest.fixture(scope="module")
def news(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny news; nine rows have no text."""
    path = tmp_path_factory.mktemp("input") / "news.csv"
    write_csv(path, ROWS)
    return path


@pytest.fixture(scope="module")
def expected(model: Path) -> Any:
    """Probabilities of the plain path, in the order of the rows."""
    return predict_probabilities(load_classifier(model), TEXTS)


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return [*csv.DictReader(stream)]


def save_as(kind: str, folder: Path) -> Any:
    """Return the tiny news in a format, as a source."""
    table, path = pd.DataFrame(ROWS), folder / f"news.{kind}"
    if kind == "csv":
        write_csv(path, ROWS)
    elif kind == "jsonl":
        table.to_json(path, orient="records", lines=True)
    elif kind == "parquet":
        table.to_parquet(path)
    elif kind == "xlsx":
        write_xlsx(path, {"News": [[*ROWS[0]], *([*row.values()] for row in ROWS)]})
    elif kind == "stream":
        return io.StringIO("".join(json.dumps(row) + "\n" for row in ROWS))
    else:
        write_csv(folder / "first.csv", ROWS[:50])
        write_csv(folder / "second.csv", ROWS[50:])
        return [folder / "first.csv", folder / "second.csv"]
    return path


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet", "xlsx", "stream", "two files"])
def test_each_row_gets_its_answer(kind: str, model: Path, expected: Any, tmp_path: Path) -> None:
    written = predict_file(model, save_as(kind, tmp_path), tmp_path / "answers.csv", keep=["date"], probabilities=True)
    assert (written.rows, written.empty, written.unsure) == (120, EMPTY, 0)
    rows = read(tmp_path / "answers.csv")
    assert [row["date"] for row in rows] == [row["date"] for row in ROWS]
    for row, text, probabilities in zip(rows, TEXTS, expected, strict=True):
        found = [row[f"probability of {label}"] for label in LABELS]
        assert row["prediction"] == (LABELS[probabilities.argmax()] if text else "")
        assert ([*map(float, found)] == pytest.approx(probabilities, abs=1e-5)) if text else found == ["", "", ""]
    assert [path.name for path in tmp_path.glob("*answers*")] == ["answers.csv"]


def test_output_can_be_named_like_a_part(model: Path, news: Path, tmp_path: Path) -> None:
    output = tmp_path / "part-000001.parquet"
    predict_file(model, news, output)
    assert pq.read_table(output).num_rows == len(ROWS)
    assert [*tmp_path.iterdir()] == [output]


def test_outputs_of_all_formats_hold_the_same(model: Path, news: Path, tmp_path: Path) -> None:
    for ending in ("csv", "jsonl", "parquet"):
        predict_file(model, news, tmp_path / f"answers.{ending}", top_k=2)
    table = pq.read_table(tmp_path / "answers.parquet")
    names = ["title", "body", "prediction", "probability", "prediction_2", "probability_2"]
    assert table.column_names == names
    lines = [json.loads(line) for line in (tmp_path / "answers.jsonl").read_text().splitlines()]
    rows = table.to_pylist()
    assert [row["prediction_2"] for row in lines] == [row["prediction_2"] for row in rows]
    for row, line, texts in zip(rows, lines, read(tmp_path / "answers.csv"), strict=True):
        assert [texts[name] for name in names] == ["" if line[name] is None else str(line[name]) for name in names]
        if row["probability"] is not None:
            assert np.float32(line["probability"]) == np.float32(row["probability"])


def test_answers_below_the_confidence_are_empty(model: Path, news: Path, expected: Any, tmp_path: Path) -> None:
    threshold = float(np.median(expected.max(axis=1)))
    written = predict_file(model, news, tmp_path / "answers.csv", min_confidence=threshold)
    below = [bool(text) and best < threshold for text, best in zip(TEXTS, expected.max(axis=1), strict=True)]
    assert written.unsure == sum(below) > 40
    rows = read(tmp_path / "answers.csv")
    assert [row["prediction"] == "" for row in rows] == [
        not text or low for text, low in zip(TEXTS, below, strict=True)
    ]
    assert [row["probability"] == "" for row in rows] == [not text for text in TEXTS]


def test_lines_of_a_stream_have_no_other_column(model: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="'title'"):
        predict_file(model, io.StringIO("goal coach\n"), tmp_path / "answers.jsonl", text="title")


@pytest.mark.parametrize("content", ["", "\n"])
def test_stream_without_text_has_no_answers(content: str, model: Path, tmp_path: Path) -> None:
    if content:
        assert predict_file(model, io.StringIO(content), tmp_path / "answers.jsonl").empty == 1
    else:
        with pytest.raises(DataError, match="standard input"):
            predict_file(model, io.StringIO(content), tmp_path / "answers.jsonl")
        assert [*tmp_path.iterdir()] == []


def test_error_in_a_stream_leaves_nothing(model: Path, tmp_path: Path) -> None:
    lines = io.StringIO('{"title": "goal", "body": ""}\n' * 60 + "[]\n")
    with pytest.raises(DataError, match="line 61"):
        predict_file(model, lines, tmp_path / "answers.jsonl")
    assert [*tmp_path.iterdir()] == []


def list_predicted(*arguments: Any) -> list[tuple[int, int | None]]:
    """Predict a file, and return the rows that were answered at each report of progress, and all rows."""
    seen: list[StepProgress] = []
    with showing(seen.append):
        predict_file(*arguments)
    return [(one.done, one.total) for one in seen if one.step == "predicting"]


def test_error_of_the_caller_keeps_the_parts(model: Path, news: Path, tmp_path: Path) -> None:
    def stop(now: StepProgress) -> None:
        if (now.step, now.done) == ("predicting", 50):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), showing(stop):
        predict_file(model, news, tmp_path / "answers.csv")
    assert list_predicted(model, news, tmp_path / "answers.csv")[0] == (50, 120)


def test_lines_of_a_stream_are_texts(model: Path, tmp_path: Path) -> None:
    predict_file(model, io.StringIO("goal coach\n\nbank\n"), tmp_path / "answers.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "answers.jsonl").read_text().splitlines()]
    assert [row["text"] for row in rows] == ["goal coach", None, "bank"]
    assert [row["prediction"] in LABELS for row in rows] == [True, False, True]


@pytest.mark.parametrize(("named", "text"), [(["body"], "title"), (None, "text")])
def test_text_columns_can_be_named(named: Sequence[str] | None, text: str, model: Path, tmp_path: Path) -> None:
    # A classifier of anyone has no entry in its config: then the column is called text.
    if named is None:
        config = json.loads((model / "config.json").read_text())
        del config["hf_newscls"]
        plain = tmp_path / "plain"
        plain.mkdir()
        for path in model.iterdir():
            (plain / path.name).write_bytes(path.read_bytes())
        (plain / "config.json").write_text(json.dumps(config))
        model = plain
    write_csv(tmp_path / "news.csv", [{text: row["title"], "body": row["body"]} for row in ROWS])
    predict_file(model, tmp_path / "news.csv", tmp_path / "answers.csv", text=named)
    column = (named or ["text"])[0]
    found = predict_probabilities(load_classifier(model), [row["body" if named else "title"].strip() for row in ROWS])
    rows = read(tmp_path / "answers.csv")
    assert [*rows[0]] == [column, "prediction", "probability"]
    assert [row["prediction"] for row in rows if row["prediction"]] == [
        LABELS[one.argmax()] for row, one in zip(ROWS, found, strict=True) if row["body" if named else "title"].strip()
    ]


def test_hub_id_is_enough(model: Path, news: Path, tmp_path: Path, hub_here: HubServer) -> None:
    hub_here.create_repo("me/news", files=read_files(model))
    predict_file("me/news", news, tmp_path / "hub.csv")
    predict_file(model, news, tmp_path / "folder.csv")
    assert (tmp_path / "hub.csv").read_bytes() == (tmp_path / "folder.csv").read_bytes()


# Interrupted at any point.


def run_and_kill(predict: Callable[[], Any], *, rename: int, before: bool) -> bool:
    """Run in a child process, which is killed before or after its n-th rename; return whether it was.

    Every change of state is a rename.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of forks; no thread holds a lock here
        child = os.fork()
    if child == 0:
        renames, plain = iter(range(10_000)), Path.replace

        def replace(path: Path, target: Any) -> Path:
            is_last = next(renames) == rename
            if is_last and before:
                os.kill(os.getpid(), signal.SIGKILL)
            result = plain(path, target)
            if is_last:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        Path.replace = replace  # type: ignore[method-assign]
        code = 1
        try:
            predict()
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.waitstatus_to_exitcode(status) == 0
    return os.WIFSIGNALED(status)


# The command, five parts, the output, its summary, the output's move and the folder's.
POINTS = [(rename, before) for rename in range(10) for before in (True, False)]


@pytest.mark.parametrize(
    ("ending", "points"),
    [
        ("csv", POINTS[3::4]),
        pytest.param("csv", POINTS, marks=pytest.mark.slow),
        pytest.param("parquet", POINTS, marks=pytest.mark.slow),
    ],
)
def test_killed_at_any_point_the_same_command_gives_the_same_bytes(
    ending: str, points: Sequence[tuple[int, bool]], model: Path, news: Path, tmp_path: Path
) -> None:
    predict_file(model, news, tmp_path / f"whole.{ending}")
    expected = (tmp_path / f"whole.{ending}").read_bytes()
    output = tmp_path / f"answers.{ending}"
    for rename, before in points:
        assert run_and_kill(lambda: predict_file(model, news, output), rename=rename, before=before)
        if output.exists():
            assert output.read_bytes() == expected
        if not output.exists() or name_partial_folder(output).exists():
            assert predict_file(model, news, output).rows == 120
        assert output.read_bytes() == expected
        output.unlink()
        assert not name_partial_folder(output).exists()


def test_what_is_there_is_not_computed_again(model: Path, news: Path, tmp_path: Path) -> None:
    output = tmp_path / "answers.csv"
    assert run_and_kill(lambda: predict_file(model, news, output), rename=3, before=False)
    assert list_predicted(model, news, output) == [(75, 120), (100, 120), (120, 120)]


def test_parts_of_another_command_are_replaced(
    model: Path, news: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    output = tmp_path / "answers.csv"
    assert run_and_kill(lambda: predict_file(model, news, output), rename=3, before=False)
    with caplog.at_level("INFO", logger="hf_newscls"):
        predict_file(model, news, output, top_k=2)
    assert caplog.text.count("removed") == 1
    assert [*read(output)[0]][-1] == "probability_2"
    assert len(read(output)) == 120


def test_two_processes_do_not_write_one_output(model: Path, news: Path, tmp_path: Path) -> None:
    output = tmp_path / "answers.csv"

    def start_another(now: StepProgress) -> None:
        if now.step == "predicting":
            with pytest.raises(StorageError, match="another process"):
                predict_file(model, news, output)

    with showing(start_another):
        predict_file(model, news, output)
    assert len(read(output)) == 120


def remove_and_die(model: Path, news: Path, output: Path, *, removals: int) -> bool:
    """Run another command in a child process, which is killed after so many removals; return whether it was."""

    def predict() -> None:
        unlinks, plain = iter(range(100)), Path.unlink

        def unlink(path: Path, missing_ok: bool = False) -> None:
            if next(unlinks) == removals:
                os.kill(os.getpid(), signal.SIGKILL)
            plain(path, missing_ok)

        Path.unlink = unlink  # type: ignore[method-assign]
        predict_file(model, news, output, top_k=2)

    return run_and_kill(predict, rename=10_000, before=False)


def test_killed_while_another_command_is_removed(model: Path, news: Path, tmp_path: Path) -> None:
    output = tmp_path / "answers.csv"
    assert run_and_kill(lambda: predict_file(model, news, output), rename=5, before=False)
    assert remove_and_die(model, news, output, removals=3)
    assert list_predicted(model, news, output)[0] == (75, 120)  # of five parts of 25 rows, two were removed
    assert [row["title"] for row in read(output)] == [row["title"] for row in ROWS]


@pytest.mark.parametrize("removals", range(8))
def test_killed_while_a_finished_command_is_removed(model: Path, news: Path, tmp_path: Path, removals: int) -> None:
    """Whatever is left, the finished command does not take its output for written."""
    output = tmp_path / "answers.csv"
    assert run_and_kill(lambda: predict_file(model, news, output), rename=7, before=False)  # the summary is written
    assert remove_and_die(model, news, output, removals=removals)
    assert predict_file(model, news, output).rows == 120
    assert [row["title"] for row in read(output)] == [row["title"] for row in ROWS]


def test_folder_of_someone_else_is_not_touched(model: Path, news: Path, tmp_path: Path) -> None:
    folder = name_partial_folder(tmp_path / "answers.csv")
    folder.mkdir()
    (folder / "thesis.tex").write_text("years of work")
    with pytest.raises(StorageError, match="thesis"):
        predict_file(model, news, tmp_path / "answers.csv")
    assert (folder / "thesis.tex").read_text() == "years of work"


# Refused, before anything is written.


@pytest.mark.parametrize(
    ("change", "error", "named"),
    [
        ({"text": ["headline"]}, DataError, "'title'"),
        ({"text": []}, InputError, "text"),
        ({"keep": ["headline"]}, DataError, "'headline'"),
        ({"output": "answers.txt"}, InputError, "'.txt'"),
        ({"output": "old.csv"}, StorageError, "--overwrite"),
        ({"source": "absent.csv"}, SourceError, "absent.csv: --input"),
        ({"source": "header.csv"}, DataError, "header.csv"),
        ({"top_k": 2, "probabilities": True}, InputError, "top_k"),
        ({"min_confidence": 80}, InputError, "80"),
        ({"submission": "sample.csv", "top_k": 2}, InputError, "submission"),
        ({"submission": "sample.csv"}, DataError, "'SPAM'"),
        ({"submission": "absent.csv"}, SourceError, "absent.csv"),
        ({"submission": "own.csv"}, InputError, "'prediction'"),
        ({"model": "/nowhere"}, Exception, "/nowhere"),
    ],
)
def test_wrong_options_are_refused(
    change: dict[str, Any], error: type[Exception], named: str, model: Path, news: Path, tmp_path: Path
) -> None:
    (tmp_path / "old.csv").write_text("old\n")
    (tmp_path / "header.csv").write_text("title,body\n")
    (tmp_path / "sample.csv").write_text("date,label\n2020-01-01,SPAM\n")
    (tmp_path / "own.csv").write_text("prediction,label\n1,SPORTS\n")
    paths = {name: tmp_path / change.pop(name) for name in ("output", "source", "submission") if name in change}
    arguments = {"model": model, "source": news, "output": tmp_path / "answers.csv", **paths, **change}
    with pytest.raises(error, match=named):
        predict_file(arguments.pop("model"), arguments.pop("source"), arguments.pop("output"), **arguments)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["header.csv", "old.csv", "own.csv", "sample.csv"]
    assert (tmp_path / "old.csv").read_text() == "old\n"


def test_output_is_replaced_on_request(model: Path, news: Path, tmp_path: Path) -> None:
    (tmp_path / "answers.csv").write_text("old\n")
    predict_file(model, news, tmp_path / "answers.csv", overwrite=True)
    assert len(read(tmp_path / "answers.csv")) == 120


def test_column_of_the_answers_is_not_kept(model: Path, tmp_path: Path) -> None:
    write_csv(tmp_path / "news.csv", [{**row, "prediction": "x"} for row in ROWS])
    with pytest.raises(InputError, match="'prediction'"):
        predict_file(model, tmp_path / "news.csv", tmp_path / "answers.csv", keep=["prediction"])


# Submissions.


@pytest.mark.parametrize("spelling", [str, str.lower])
def test_submission_has_the_rows_and_labels_of_the_sample(
    spelling: Callable[[str], str], model: Path, expected: Any, tmp_path: Path
) -> None:
    write_csv(tmp_path / "test.csv", [{**row, "id": str(number)} for number, row in enumerate(ROWS)])
    ids = [71, 3, 119, 12, 0]  # 12 has no text, and gets an answer too
    sample = [{"id": str(number), "target": spelling("SPORTS")} for number in ids]
    write_csv(tmp_path / "sample.csv", sample)
    predict_file(model, tmp_path / "test.csv", tmp_path / "answers.csv", submission=tmp_path / "sample.csv")
    labels = [spelling(LABELS[expected[number].argmax()]) for number in ids]
    lines = ["id,target", *(f"{number},{label}" for number, label in zip(ids, labels, strict=True))]
    assert (tmp_path / "answers.csv").read_text() == "".join(f"{line}\n" for line in lines)


def test_submission_of_probabilities_has_a_column_for_each_label(model: Path, expected: Any, tmp_path: Path) -> None:
    write_csv(tmp_path / "test.csv", [{**row, "id": str(number)} for number, row in enumerate(ROWS)])
    header = {"sports": "0.33", "business": "0.33", "science": "0.33"}
    write_csv(tmp_path / "sample.csv", [{"id": str(number), **header} for number in (5, 2)])
    predict_file(model, tmp_path / "test.csv", tmp_path / "answers.csv", submission=tmp_path / "sample.csv")
    first, second = read(tmp_path / "answers.csv")
    assert (first["id"], second["id"]) == ("5", "2")
    assert [*first] == ["id", "sports", "business", "science"]
    for row, number in ((first, 5), (second, 2)):
        found = [float(row[label.lower()]) for label in LABELS]
        assert found == pytest.approx(expected[number], abs=1e-5)


# From Python, in memory.


@pytest.mark.parametrize("kind", ["dataset", "path"])
def test_rows_in_memory_have_the_same_predictions(kind: str, model: Path, news: Path, expected: Any) -> None:
    source = Dataset.from_list(ROWS) if kind == "dataset" else news
    predictions = predict(model, source)
    assert [*predictions.texts] == TEXTS
    table = predictions.to_pandas()
    labels = [LABELS[row.argmax()] if text else None for row, text in zip(expected, TEXTS, strict=True)]
    assert [label if isinstance(label, str) else None for label in table["prediction"]] == labels
    assert [len(one.labels) for one in predictions] == [3 if text else 0 for text in TEXTS]
    assert [*predict(model, source, text="body").texts] == [row["body"].strip() for row in ROWS]


def test_dataset_can_be_written_too(model: Path, tmp_path: Path) -> None:
    written = predict_file(model, Dataset.from_list(ROWS), tmp_path / "answers.csv", keep=["category"])
    assert [row["category"] for row in read(tmp_path / "answers.csv")] == [row["category"] for row in ROWS]
    assert written.rows == 120


def test_files_are_read_as_the_recipe_of_the_run_says(tiny_run: FinishedRun, tmp_path: Path) -> None:
    run = Path(shutil.copytree(tiny_run.run.path, tmp_path / "run"))
    recipe = yaml.safe_load((run / "recipe.yaml").read_text())
    recipe["data"]["csv"] |= {"separator": "|", "columns": ["title", "body", "category", "date"]}
    (run / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    (tmp_path / "rows.txt").write_text("bank shares profit|market|BUSINESS|\ngoal coach|league|SPORTS|\n")
    predict_file(run, tmp_path / "rows.txt", tmp_path / "answers.csv", keep=["title"])
    assert pd.read_csv(tmp_path / "answers.csv")["title"].tolist() == ["bank shares profit", "goal coach"]
