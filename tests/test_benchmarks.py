"""The benchmarks run and describe what they measured; no test checks how fast anything is."""

import importlib
import json
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hf_newscls import workflow
from tests.conftest import FinishedRun, build_news_rows, write_csv
from tests.processes import build_environment

ROOT = Path(__file__).parents[1]
FILLERS = [
    "harbour",
    "minister",
    "weekend",
    "silver",
    "copper",
    "voyage",
    "lantern",
    "quarry",
    "orchard",
    "gazette",
    "bishop",
]
# A word, and the labels of its headlines in the two published sets.
NEWS = [("shares", ("REAL", "BUSINESS")), ("goal", ("REAL", "SPORTS")), ("miracle", ("FAKE", "WEIRD NEWS"))]
SHORT = ("training_arguments.num_train_epochs=1", "freeze.epochs=1")


def run_benchmark(name: str, *arguments: str, home: Path, overrides: Sequence[str] = ()) -> dict[str, dict]:
    """Run a script of benchmarks/ and return the results it saved."""
    results = home / "results.json"
    command = [sys.executable, str(ROOT / "benchmarks" / name), *arguments, "--results", str(results)]
    # Small batches, for the first steps are not measured.
    command += ["training_arguments.per_device_train_batch_size=4", *overrides]
    environment = build_environment(home, PYTHONPATH=str(ROOT))
    subprocess.run(command, cwd=home, env=environment, check=True, capture_output=True, timeout=600)
    return json.loads(results.read_text(encoding="utf-8"))


@pytest.mark.slow
def test_prediction_speed_compares_the_ways(tiny_run: FinishedRun, tmp_path: Path) -> None:
    write_csv(tmp_path / "news.csv", build_news_rows())
    results = tmp_path / "results.json"
    command = [sys.executable, str(ROOT / "benchmarks" / "prediction_speed.py"), str(tiny_run.run.model), "news.csv"]
    command += ["--text", "title", "--rows", "60", "--ways", "pipeline|ours in float32", "--memory", "200"]
    command += ["--results", str(results)]
    environment = build_environment(tmp_path, PYTHONPATH=str(ROOT))
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True, timeout=600)
    entry = json.loads(results.read_text(encoding="utf-8"))["prediction_speed headlines"]
    assert entry["ways"]["ours in float32"]["changed_answers"] == 0
    assert all(figures["rows_per_second"] > 0 for figures in entry["ways"].values())
    assert entry["peak_megabytes"]["200 csv"] > 0


@pytest.mark.slow
def test_onnx_speed_measures_both_files_against_pytorch(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    results = tmp_path / "results.json"
    command = [sys.executable, str(ROOT / "benchmarks" / "onnx_speed.py"), "--encoders", "distilbert-base"]
    command += ["--layers", "1", "--rounds", "3", "--results", str(results)]
    environment = build_environment(tmp_path, PYTHONPATH=str(ROOT), HF_HUB_OFFLINE="1")
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True, timeout=600)
    entry = json.loads(results.read_text(encoding="utf-8"))["onnx_speed"]["encoders"]["distilbert-base"]
    # bfloat16 is measured where the CPU is faster in it.
    assert [way for way in entry["ways"] if way != "PyTorch, bfloat16"] == ["PyTorch", "float32", "int8"]
    for way, figures in entry["ways"].items():
        ratios = sorted(one[way] / one["PyTorch"] for one in entry["rounds"])
        assert figures["speed to PyTorch"] == [ratios[1], ratios[0], ratios[2]]
        assert ratios[0] > 0
    assert 0 < entry["megabytes"]["int8"] < entry["megabytes"]["float32"] / 3


@pytest.mark.slow
def test_training_speed_adds_rounds_of_the_named_ways(tmp_path: Path) -> None:
    ways = ["stock", "grouped, same config, bf16", "ours", "ours without all"]
    for rounds in (1, 2):
        options = ["--rows", "40", "--ways", "|".join(ways)]
        entry = run_benchmark("training_speed.py", *options, home=tmp_path)["training_speed quickstart"]
        assert len(entry["rounds"]) == rounds
    assert [*entry["ways"]] == ways
    for figures in entry["ways"].values():
        assert figures["rounds"] == 2
        assert figures["samples_per_second"] > 0
        assert 0 < figures["useful_fraction"] <= 1
        assert figures["useful_tokens_per_second"] > figures["samples_per_second"]
        assert figures["peak_megabytes"] > 0
    assert entry["ways"]["stock"]["speed to stock"] == entry["ways"]["ours"]["speed to ours"] == [1.0, 1.0, 1.0]
    assert str(tmp_path) not in json.dumps(entry)


@pytest.mark.slow
def test_stage_one_measures_both_ways(tmp_path: Path) -> None:
    options = ("--rows", "64", "--epochs", "2", "--rounds", "3")
    entry = run_benchmark("stage_one.py", *options, home=tmp_path)["stage_one quickstart"]
    assert len(entry["rounds"]) == 3
    for way in ("cached", "not cached"):
        assert all(one[way]["step_milliseconds"] > 0 for one in entry["rounds"])
        ratios = sorted(one[way]["seconds"] / one["forward pass"]["seconds"] for one in entry["rounds"])
        assert entry["forward_passes"][way] == [ratios[1], ratios[0], ratios[2]]
        assert ratios[0] > 0


@pytest.mark.slow
def test_data_scale_measures_each_step_at_each_size(tmp_path: Path) -> None:
    entry = run_benchmark("data_scale.py", "--sizes", "3000", "6000", home=tmp_path)["data_scale"]
    assert [figures["rows"] for figures in entry["sizes"].values()] == [3000, 6000]
    steps = [f"{step} seconds" for step in ("read", "clean", "duplicates", "split", "tokenize", "first prepare")]
    for figures in entry["sizes"].values():
        assert all(figures[step] > 0 for step in steps)
        assert figures["peak_megabytes"] > 0
    assert {*steps} == {*entry["growth"]["3,000 to 6,000"]}
    assert str(tmp_path) not in json.dumps(entry)


def write_published_files(folder: Path) -> tuple[Path, Path]:
    """Write headlines in the layouts of both published sets; one word of each decides its label."""
    titles, categories = folder / "titles.csv", folder / "categories.json"
    rng = random.Random(17)
    # Headlines with few letters in common, because near duplicates would leave nothing to split.
    rows = [(" ".join([word, *rng.sample(FILLERS, 5)]), label) for _ in range(60) for word, label in NEWS]
    titles.write_text("title,label\n" + "\n".join(f"{text},{label}" for text, (label, _) in rows) + "\n")
    lines = [
        json.dumps({"headline": text, "short_description": "More inside.", "category": name, "date": "2020-01-01"})
        for text, (_, name) in rows
    ]
    categories.write_text("\n".join(lines) + "\n")
    return titles, categories


@pytest.mark.slow
def test_reproduction_names_the_substitute_and_repeats_no_training(tmp_path: Path) -> None:
    titles, categories = write_published_files(tmp_path)
    command = [sys.executable, str(ROOT / "benchmarks" / "reproduction.py"), "--rows", "90", "--runs-dir", "runs"]
    command += ["--fake-news", str(titles), "--categories", str(categories), "--output", "page.md"]
    command += ["freeze=null", "training_arguments.num_train_epochs=1", "evaluation.bootstrap_resamples=100"]
    environment = build_environment(tmp_path, PYTHONPATH=str(ROOT), HF_HUB_OFFLINE="1")
    pages = []
    for _ in range(2):
        subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True, timeout=600)
        pages.append((tmp_path / "page.md").read_text(encoding="utf-8"))
    assert pages[0] == pages[1]
    assert re.search(r"28 categories .*sentence-transformers/all-MiniLM-L6-v2", pages[0])
    assert pages[0].count("all-MiniLM-L6-v2, instead |") == 10
    # Two heads on two splits of the titles, and two of the categories; none of them twice.
    assert len([*(tmp_path / "runs").glob("*/*/metrics.json")]) == 2 * 6  # `latest` counts once more


@pytest.mark.slow
def test_long_documents_measures_windows_against_first_tokens(tmp_path: Path) -> None:
    lines = ["title,text,label"]
    for index in range(60):
        label, word = ("sport", "goal") if index % 2 else ("business", "profit")
        lines.append(f'Title {index},"First {index}.\n\nThe {word} counts.\n\nNumber {index} ends.",{label}')
    (tmp_path / "bbc.csv").write_text("\n".join(lines), encoding="utf-8")
    ways = ["first 256", "windows, attention"]
    options = ["--data", "bbc.csv", "--rows", "24", "--texts", "buried", "--seeds", "1", "--ways", "|".join(ways)]
    results = run_benchmark(
        "long_documents.py", *options, home=tmp_path, overrides=["model.windows.length=128", *SHORT]
    )
    entry = results["long_documents bbc_minilm_long, buried"]
    assert [*entry["ways"]] == ways
    for figures in entry["ways"].values():
        point, low, high = figures["f1_macro"]
        assert 0 <= low <= point <= high <= 1
        assert figures["train_samples_per_second"] > 0
        assert figures["peak_megabytes"] > 0
    assert {*entry["ways"]["windows, attention"]["less first 256"]} == {"accuracy", "f1_macro"}
    assert str(tmp_path) not in json.dumps(entry)


@pytest.mark.slow
def test_rare_classes_measures_losses_and_sampling(tmp_path: Path) -> None:
    ways = ["plain", "logit adjustment", "sampling, balanced"]
    options = ["--recipe", "quickstart", "--rows", "40", "--seeds", "2", "--ways", "|".join(ways)]
    options += ["--finished", "finished"]
    entry = run_benchmark("rare_classes.py", *options, home=tmp_path, overrides=SHORT)["rare_classes quickstart"]
    assert [*entry["ways"]] == ways
    kept = {path: path.read_bytes() for path in (tmp_path / "finished").iterdir()}
    assert len(kept) == 2 * len(ways)
    # Nothing is measured again, not even a time.
    again = run_benchmark("rare_classes.py", *options, home=tmp_path, overrides=SHORT)["rare_classes quickstart"]
    assert again == entry
    assert {path: path.read_bytes() for path in (tmp_path / "finished").iterdir()} == kept
    for figures in entry["ways"].values():
        *labels, mean = figures["rarest"].values()
        assert len(labels) == 8
        assert mean["f1"] == pytest.approx(sum(label["f1"] for label in labels) / 8)
    plain, adjusted = (entry["ways"][way] for way in ways[:2])
    gain, low, high = adjusted["rarest"]["mean"]["less plain"]
    assert low <= gain <= high
    assert gain == pytest.approx(adjusted["rarest"]["mean"]["f1"] - plain["rarest"]["mean"]["f1"])
    assert "less plain" in adjusted
    assert "less plain" not in plain


@pytest.mark.slow
def test_learning_curve_measures_more_and_more_rows(tmp_path: Path, results: Any) -> None:
    options = ["--recipe", "quickstart", "--seeds", "1", "--ways", "20|40", "--at", "80"]
    entry = run_benchmark("learning_curve.py", *options, home=tmp_path, overrides=SHORT)["learning_curve quickstart"]
    assert [*entry["ways"]] == ["20", "40"]
    errors = []
    for figures in entry["ways"].values():
        point, low, high = figures["accuracy"]
        assert 0 <= low <= point <= high <= 1
        errors.append(1 - point)
    # The same step in rows multiplies the error by the same factor.
    (estimated,) = entry["estimated"]
    accuracy, low, high = estimated["accuracy"]
    assert (estimated["rows"], accuracy) == (80, pytest.approx(1 - errors[1] ** 2 / errors[0]))
    assert low <= accuracy <= high
    assert f"| 80, estimated | {accuracy:.3f} ({low:.3f} to {high:.3f}) |" in results.render_page(
        tmp_path / "results.json"
    )
    (axes,) = results.draw_curves(results.read_curves(tmp_path / "results.json")).axes
    assert "quickstart" in axes.get_legend_handles_labels()[1]


def test_error_falls_by_a_power_of_the_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    curve = importlib.import_module("learning_curve")
    # 0.5 at 100 rows and half of it at four times as many: the error falls as the square root of the rows.
    ways = {"100": {"accuracy": (0.5, 0.4, 0.6)}, "400": {"accuracy": (0.75, 0.7, 0.8)}}
    assert curve.fit_errors(ways, np.array([1600.0, 25.0])) == pytest.approx([0.125, 1.0])
    accuracy, low, high = curve.estimate_accuracy(ways, 400)
    assert accuracy == pytest.approx(0.75)
    # The line goes through both points, so the interval at 400 rows is the measured one.
    assert (low, high) == pytest.approx((0.7, 0.8), abs=0.005)


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The script that writes the tables in the docs."""
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    return importlib.import_module("write_tables")


def test_tables_are_those_of_the_results(tables: Any) -> None:
    pages = tables.build_pages(json.loads((ROOT / "benchmarks" / "results.json").read_text(encoding="utf-8")))
    for name, text in pages.items():
        assert (ROOT / name).read_text(encoding="utf-8") == text, "run `make bench BENCH=write_tables`"
        assert tables.TABLE.search(text), name
    written = {found["name"] for text in pages.values() for found in tables.TABLE.finditer(text)}
    assert written == {*tables.TABLES}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "a\n<!-- table losses -->\nold\n\n<!-- end of table -->\nb\n",
            "a\n<!-- table losses -->\n| 1 |\n<!-- end of table -->\nb\n",
        ),
        ("# table losses\n# end of table\nname: x\n", "# table losses\n# | 1 |\n# end of table\nname: x\n"),
        ("a table losses\n", "a table losses\n"),
    ],
    ids=["page", "recipe", "none"],
)
def test_table_is_written_between_its_marks(
    text: str, expected: str, tables: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "TABLES", {"losses": lambda results: [f"| {results['value']} |"]})
    assert tables.fill_tables(text, {"value": 1}) == expected


def test_rare_labels_are_laid_out_by_way(tables: Any) -> None:
    plain = {"rarest": {"TECH": {"train_rows": 8.0, "f1": 0.0}, "mean": {"f1": 0.0}}}
    focal = {"rarest": {"TECH": {"train_rows": 8.0, "f1": 0.126}, "mean": {"f1": 0.126}}}
    assert tables.tabulate_rarest({"ways": {"plain": plain, "focal": focal}}) == [
        "|      | training rows | plain | focal |",
        "| ---- | ------------- | ----- | ----- |",
        "| TECH | 8             | 0.00  | 0.13  |",
    ]


@pytest.fixture
def results(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The script that writes the page of results."""
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    return importlib.import_module("results")


def test_results_page_is_that_of_the_models(results: Any) -> None:
    page = results.render_page(results.RESULTS)
    assert results.PAGE.read_text(encoding="utf-8") == page, "run `make results`"


def test_scores_in_the_readme_are_in_the_results(results: Any) -> None:
    shown, found = (
        re.findall(r"0\.\d{3} \(0\.\d{3} to 0\.\d{3}\)", page.read_text(encoding="utf-8"))
        for page in (ROOT / "README.md", results.PAGE)
    )
    assert shown
    assert {*shown} <= {*found}


def test_results_have_own_scores_and_those_on_other_data(
    tiny_run: FinishedRun, results: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Path(shutil.copytree(tiny_run.run.path, tmp_path / "run"))
    write_csv(
        tmp_path / "new.csv", [{"title": f"goal coach {number}", "body": "", "category": "SPORTS"} for number in "ab"]
    )
    with (tmp_path / "new.csv").open("a") as stream:
        stream.write("bank shares,,BUSINESS\n")
    workflow.evaluate_on(run, tmp_path / "new.csv")
    monkeypatch.setattr(results, "read_recipe", lambda name: workflow.load_run(run).recipe)
    results.add_runs([run], tmp_path / "results.json")
    results.write_page(tmp_path / "results.json", tmp_path / "docs/results.md")
    lines = (tmp_path / "docs/results.md").read_text().splitlines()
    *_, own, other = lines
    scores = tiny_run.report.test.scores
    assert own.startswith(f"| tiny | its own test set | 24 | | {scores['accuracy']:.3f} (")
    assert other.startswith("| tiny | new (3 labels) | 3 | 0 | ")
    assert "| 0.667 |" in other
    assert "### tiny, 3 labels" in lines
    (model,) = (line for line in lines if line.startswith(f"| tiny | {tiny_run.recipe.seed} | "))
    low, high = tiny_run.report.gains["accuracy"]
    assert f"| {low:+.3f} to {high:+.3f} |" in model
    assert (tmp_path / "docs/images/results.png").stat().st_size > 1000


def test_results_keep_earlier_models_and_show_changed_keys(
    tiny_run: FinishedRun, results: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = workflow.load_run(tiny_run.run.path).recipe
    kept = tmp_path / "results.json"
    for epochs in (recipe.training_arguments["num_train_epochs"], 9, 9):
        shipped = recipe.model_copy(
            update={"training_arguments": {**recipe.training_arguments, "num_train_epochs": epochs}}
        )
        monkeypatch.setattr(results, "read_recipe", lambda name, shipped=shipped: shipped)
        results.add_runs([tiny_run.run.path], kept)
    same, changed = results.read_models(kept).values()
    assert same.title == "tiny"
    assert changed.title == f"tiny, num_train_epochs={recipe.training_arguments['num_train_epochs']}"


def test_results_average_the_seeds_of_a_recipe(results: Any) -> None:
    model = next(iter(results.read_models(results.RESULTS).values()))
    models = [
        replace(model, seed=seed, scores={"accuracy": (value, 0.0, 1.0)}) for seed, value in ((17, 0.5), (18, 0.7))
    ]
    found, other = results.group_by_split([*models, replace(model, split="another")])
    assert found.recipes == {model.title: models}
    assert len(other.models) == 1
    assert results.average(models, "accuracy") == pytest.approx(0.6)
