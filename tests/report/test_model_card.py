"""The card: its numbers are the measured ones, labels are escaped, and its snippet runs."""

import ast
import re
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard
from markdown_it import MarkdownIt
from markdown_it.token import Token

from hf_newscls.errors import PublishError
from hf_newscls.evaluation.baselines.comparison import CHARACTERS, LENGTH, TFIDF
from hf_newscls.evaluation.statistics.bootstrap import Interval
from hf_newscls.modeling.token_counts import TokenSummary
from hf_newscls.report.markdown import escape_markdown
from hf_newscls.report.model_card import CARD_FIGURES, NOTES_END, NOTES_START, extract_notes
from tests.card_parts import FINGERPRINT, build_parts
from tests.conftest import FinishedRun
from tests.processes import run_python

HOSTILE = (
    "<script>alert(1)</script>",
    "a|b",
    "---",
    "# x",
    "*bold* _it_ `c`",
    "[l](http://e.org)",
    "1. one",
    "R&amp;D",
)


def parse(card: str) -> list[Token]:
    """Parse as the Hub does: CommonMark with tables, without the metadata."""
    return MarkdownIt("commonmark").enable("table").parse(ModelCard(card).text)


def read_tables(card: str) -> list[list[list[str]]]:
    """Return the tables of a card, by row and cell, as a reader sees them."""
    tables: list[list[list[str]]] = []
    for token in parse(card):
        if token.type == "table_open":
            tables.append([])
        elif token.type == "tr_open":
            tables[-1].append([])
        elif token.type == "inline" and token.level > 3 and tables and token.map:
            tables[-1][-1].append(read_text(token))
    return tables


def read_text(token: Token) -> str:
    return "".join(child.content for child in token.children or [] if child.type in {"text", "code_inline"})


def find_snippet(card: str) -> str:
    (block,) = (token.content for token in parse(card) if token.type == "fence" and token.info == "python")
    return block


# Numbers.


def test_results_table_has_model_baselines_and_probes() -> None:
    results = read_tables(build_parts().render())[0]
    assert results == [
        ["Classifier", "Accuracy", "Macro F1", "Gain in macro F1"],
        ["this model", "0.900 (0.700 to 0.950)", "0.890 (0.710 to 0.950)", ""],
        ["majority class", "0.250", "0.250", "0.640 (-0.012 to 0.046)"],
        ["TF-IDF with logistic regression", *["0.750 (0.730 to 0.770)"] * 2, "0.140 (-0.012 to 0.046)"],
        [LENGTH, *["0.300 (0.280 to 0.320)"] * 2, "0.590 (-0.012 to 0.046)"],
    ]


def test_card_compares_with_the_strongest_baseline() -> None:
    parts = build_parts()
    words = parts.report.comparisons[TFIDF]
    scores = {**words.scores, "f1_macro": 0.92}
    stronger = replace(words, scores=scores, validation_f1=0.8, gains={"f1_macro": Interval(-0.05, -0.01)})
    comparisons = {**parts.report.comparisons, CHARACTERS: stronger}
    card = " ".join(parts._replace(report=replace(parts.report, comparisons=comparisons)).render().split())
    assert f"is *{escape_markdown(CHARACTERS)}*: this model's macro F1 on the test set is 0.030 lower" in card
    assert "(95% interval of the gain: -0.050 to -0.010)" in card
    weaker = " ".join(parts.render().split())
    assert f"is *{escape_markdown(TFIDF)}*: this model's macro F1 on the test set is 0.140 higher" in weaker


def test_every_score_is_in_the_card_with_its_interval() -> None:
    assert read_tables(build_parts().render())[2] == [
        ["Metric", "Score", "95% interval"],
        ["Accuracy", "0.9000", "0.7000 to 0.9500"],
        ["Macro F1", "0.8900", "0.7100 to 0.9500"],
        ["Weighted F1", "0.8800", "0.7200 to 0.9500"],
        ["Top-2 accuracy", "0.8700", ""],
        ["Log loss", "0.8600", ""],
        ["Expected calibration error", "0.8500", ""],
    ]


def test_probes_and_top_k_accuracy_are_described() -> None:
    text = " ".join(build_parts(evaluation={"top_k": [2]}).render().split())
    assert f"The classifier *{LENGTH}* is a check: it sees the length of a text but no words. If it is clearly" in text
    assert "The correct label is among the top 2 predictions for 87.0% of the test rows." in text
    assert "among the top" not in build_parts(evaluation={"top_k": []}).render()


def test_each_top_k_accuracy_is_in_one_sentence() -> None:
    parts = build_parts(evaluation={"top_k": [2, 3]})
    scores = {**parts.report.test.scores, "top_3_accuracy": 0.95}
    report = replace(parts.report, test=replace(parts.report.test, scores=scores))
    card = parts._replace(report=report).render()
    assert "among the top 2 predictions for 87.0% of the test rows, and among the top 3 for 95.0%.\n" in card


@pytest.mark.parametrize(
    ("changes", "rows"),
    [
        ({}, ["| loss | cross-entropy |"]),
        ({"loss": {"name": "logit_adjustment", "tau": 0.5}}, ["| loss | logit adjustment, tau 0.5 |"]),
        (
            {"loss": {"name": "focal", "class_weights": "effective_number", "beta": 0.9}},
            ["| loss | focal, class weights effective number, gamma 2, beta 0.9 |"],
        ),
        ({"loss": {"label_smoothing": 0.1}}, ["| loss | cross-entropy, label smoothing 0.1 |"]),
        (
            {"sampling": {"labels": "square_root"}},
            ["| loss | cross-entropy |", "| sampling | rare labels more often (square root) |"],
        ),
    ],
)
def test_loss_and_sampling_are_described(changes: dict[str, Any], rows: list[str]) -> None:
    card = build_parts(**changes).render()
    lines = [line for line in card.splitlines() if line.startswith(("| loss |", "| sampling |"))]
    assert lines == rows
    is_rebalanced = bool(changes) and "label_smoothing" not in changes.get("loss", {})
    assert ("Training gave rare labels more weight" in card) == is_rebalanced


def test_windows_are_described_and_their_code_is_trusted() -> None:
    windows = {"count": 4, "length": 32, "pooling": "max"}
    card = build_parts(model={"max_length": 128, "windows": windows}).render("owner/tiny")
    assert "It reads the first 128 tokens in up to 4 windows of 32 tokens and pools the windows (max)." in card
    assert "print(classifier(text))" in card
    assert "trust_remote_code=True" in find_snippet(card)


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ({"truncation": "head"}, "The model reads the first 32 tokens of a text"),
        ({"truncation": "tail"}, "The model reads the last 32 tokens of a text"),
        (
            {"truncation": "head_tail"},
            "`pipeline()` cannot do that: with `truncation=True` it keeps only the start",
        ),
        (
            {"truncation": "head_tail", "max_length": 128, "windows": {"count": 4, "length": 32}},
            "It reads 128 tokens (a quarter from the start, the rest from the end) in up to 4 windows",
        ),
    ],
)
def test_card_names_the_tokens_that_are_read(model: dict[str, Any], expected: str) -> None:
    assert expected in build_parts(model={"max_length": 32, **model}).render("owner/tiny")


def test_card_begins_with_the_test_scores() -> None:
    text = " ".join(build_parts().render().split())
    assert "On a held-out test set of 1,000 rows" in text
    assert "**90.0% accuracy** (70.0% to 95.0%) and **89.0% macro F1** (71.0% to 95.0%)" in text
    assert "accuracy is 0.7000 and macro F1 is 0.6900" in text


def test_card_names_all_files_of_the_source() -> None:
    card = build_parts(data={"source": ["/home/ann/fake.csv", "hf://datasets/owner/news"]}).render()
    assert "tiny, files `fake.csv`, `hf://datasets/owner/news`,\nSHA-256 `" in card


def test_card_describes_data_split_and_training() -> None:
    card = build_parts().render()
    text = " ".join(card.split())
    assert "2,400 of 2,401 rows were used; rows dropped: 1 (empty text)." in text
    assert f"`{FINGERPRINT}`" in text
    assert "`news.csv`" in text
    assert read_tables(card)[3] == [
        ["Label", "train", "validation", "test"],
        ["FAKE", "600", "100", "500"],
        ["REAL", "600", "100", "500"],
        ["all", "1,200", "200", "1,000"],
    ]
    assert "trains all parameters for 1,234 steps, with a peak learning rate of 5e-05." in text
    assert "The model is the checkpoint of step 1,000 of 1,234, the best one on the validation set." in text
    assert ["training time", "90 s"] in read_tables(card)[4]
    assert ["trained parameters", "500 of 2,000 (25.0%)"] in read_tables(card)[4]


@pytest.mark.parametrize(
    ("handling", "leaks", "expected"),
    [
        ("group", 0, "Duplicates found: 4 (exact 3, near 1). Each stays in the split of the text it duplicates, so "),
        ("drop", 0, "Duplicates removed: 4 (exact 3, near 1). The first row of each group was used."),
        ("keep", 2, "; 2 test rows have a duplicate in the training set.\n**The scores are too high, because "),
    ],
)
def test_card_describes_duplicates_and_leaks(handling: str, leaks: int, expected: str) -> None:
    parts = build_parts()
    manifest = replace(
        parts.manifest,
        duplicates=replace(parts.manifest.duplicates, handling=handling),
        leakage=replace(parts.manifest.leakage, rows=leaks),
    )
    card = parts._replace(manifest=manifest).render()
    assert expected in card
    assert ("too high" in card) == (leaks > 0)


@pytest.mark.parametrize("handling", ["group", "drop", "keep"])
def test_card_without_duplicates_is_short(handling: str) -> None:
    parts = build_parts()
    none = replace(parts.manifest.duplicates, handling=handling, groups=0, rows=0, largest=1, exact=0, near=0)
    manifest = replace(
        parts.manifest, duplicates=none, leakage=replace(parts.manifest.leakage, rows=0, random_split_rows=0)
    )
    card = parts._replace(manifest=manifest).render()
    assert "No duplicates were found." in card
    assert not re.search("duplicate in|too high|first row", card)


def test_address_of_the_dataset_replaces_a_missing_name() -> None:
    page = "https://news.example/set"
    card = build_parts(data={"dataset_url": page}).render()
    (shown,) = re.findall(r"^\[(.+)\]\(https://news\.example/set\), file", card, flags=re.MULTILINE)
    assert shown.replace("\\", "") == page


def test_handling_of_conflicting_labels_is_reported() -> None:
    parts = build_parts()
    outcomes = {"drop": "the first row of each text was used", "group": "all were kept"}
    for handling, outcome in outcomes.items():
        found = replace(parts.manifest.duplicates, handling=handling, conflicting_texts=1, conflicting_rows=2)
        card = parts._replace(manifest=replace(parts.manifest, duplicates=found)).render()
        assert f"Texts with conflicting labels: 1 (2 rows); {outcome}." in card


def test_card_without_baselines_has_no_columns_for_them() -> None:
    parts = build_parts()
    bare = parts._replace(report=replace(parts.report, comparisons={}))
    card = bare.render()
    assert read_tables(card)[0] == [
        ["Classifier", "Accuracy", "Macro F1"],
        ["this model", "0.900 (0.700 to 0.950)", "0.890 (0.710 to 0.950)"],
    ]
    assert "resampled" not in card


def test_numbers_in_a_real_card_match_its_run(tiny_run: FinishedRun) -> None:
    _, labels, results, splits, evaluations, *_ = read_tables((tiny_run.run.model / "README.md").read_text())
    scores, report = tiny_run.report.test.scores, tiny_run.report
    shown = {row[0]: row[1] for row in results[1:]}
    assert shown["Accuracy"] == f"{scores['accuracy']:.4f}"
    assert shown["Top-2 accuracy"] == f"{scores['top_2_accuracy']:.4f}"
    assert [[row[0], row[3]] for row in labels[1:]] == [
        [label, f"{values['f1']:.4f}"] for label, values in report.test.per_class.items()
    ]
    assert splits[0] == ["Label", "train", "validation", "test"]
    assert splits[-1] == ["all", "72", "24", "24"]
    logged = [entry for entry in report_log(tiny_run) if "eval_f1_macro" in entry]
    assert [row[4] for row in evaluations[1:]] == [f"{entry['eval_f1_macro']:.4f}" for entry in logged]


def report_log(finished: FinishedRun) -> list[dict[str, float]]:
    log: list[dict[str, float]] = finished.run.read_json(finished.run.training)["log_history"]
    return log


def test_snippet_shows_the_real_predictions(tiny_run: FinishedRun) -> None:
    example = tiny_run.run.read_json(tiny_run.run.metrics)["example"]
    assert example["text"] == tiny_run.recipe.hub.example
    assert sum(example["probabilities"].values()) == pytest.approx(1)
    first, probability = max(example["probabilities"].items(), key=lambda pair: pair[1])
    last_line = find_snippet((tiny_run.run.model / "README.md").read_text()).splitlines()[-1]
    assert last_line.startswith(f"# {first} {probability:.3f}, ")
    assert last_line.endswith(" (shortened)")


def test_lengths_in_a_real_card_match_its_texts(tiny_run: FinishedRun) -> None:
    # The tokenizer knows every word; each text has its title, a full stop, its body, and a token at either end.
    card = " ".join((tiny_run.run.model / "README.md").read_text().split())
    tokens = tiny_run.run.read_json(tiny_run.run.metrics)["tokens"]
    assert f"The median text has {int(tokens['median'])} tokens, the longest has {tokens['longest']}." in card
    assert f"{tokens['fraction_cut_off']:.1%} of the texts are longer than 32 tokens and are truncated." in card
    assert 0 < tokens["fraction_cut_off"] < 1


@pytest.mark.parametrize(
    ("fraction", "expected"),
    [
        (0.0, " No text is longer than 32 tokens, so none is truncated.\n"),
        (0.0004, " Fewer than 0.1% of the texts are longer than 32 tokens and are truncated.\n"),
        (0.25, " 25.0% of the texts are longer than 32 tokens and are truncated.\n"),
    ],
)
def test_card_counts_truncated_texts(fraction: float, expected: str) -> None:
    tokens = TokenSummary(median=14.0, longest=22, fraction_cut_off=fraction)
    assert f"The median text has 14 tokens, the longest has 22.{expected}" in build_parts().render(tokens=tokens)


@pytest.mark.parametrize(
    ("fraction", "shown", "is_limitation"),
    [(0.0, None, False), (0.0004, "Fewer than 0.1%", False), (0.05, "5.0%", False), (0.667, "66.7%", True)],
)
def test_card_counts_unknown_tokens(fraction: float, shown: str | None, is_limitation: bool) -> None:
    tokens = TokenSummary(median=14.0, longest=22, fraction_cut_off=0, unknown_fraction=fraction)
    training, limitations = build_parts().render(tokens=tokens).split("## Limitations")
    assert ("unknown to the tokenizer" in training) == (shown is not None)
    assert f"{shown or ''} of the tokens are unknown" in training or shown is None
    assert ("66.7% of the tokens are unknown" in limitations) == is_limitation


def test_card_orders_predictions_by_probability() -> None:
    answer = {"a": 0.1, "b": 0.5, "c": 0.15, "d": 0.25}
    assert "\n# b 0.500, d 0.250, c 0.150 (shortened)\n" in find_snippet(build_parts([*"abcd"]).render(answer=answer))


def test_card_names_the_encoder() -> None:
    parts = build_parts(model={"model_name_or_path": "owner/encoder"})
    record = replace(parts.record, encoder_commit="c" * 40, encoder_license="mit")
    tables = read_tables(parts._replace(record=record).render())
    assert ["encoder", f"owner/encoder, commit {'c' * 40}"] in tables[4]
    assert tables[-1][1:3] == [["these weights", "apache-2.0"], ["base encoder: owner/encoder", "mit"]]


@pytest.mark.parametrize(
    ("kwh", "grid", "expected"),
    [
        (None, 400.0, []),
        (0.25, None, ["about 0.25 kWh for the whole machine (codecarbon estimate)"]),
        (
            0.25,
            400.0,
            [
                "about 0.25 kWh for the whole machine (codecarbon estimate)",
                "about 100 g CO₂, at 400.0 g per kWh",
            ],
        ),
    ],
)
def test_card_reports_energy_only_if_it_was_measured(
    kwh: float | None, grid: float | None, expected: list[str]
) -> None:
    parts = build_parts(hub={"grams_co2_per_kwh": grid})
    settings = read_tables(parts._replace(record=replace(parts.record, energy_kwh=kwh)).render())[4]
    assert [row[1] for row in settings if row[0] in {"energy", "emissions"}] == expected


def test_card_lists_stages_and_trainer_settings() -> None:
    parts = build_parts(freeze={"epochs": 2, "learning_rate": 0.02}, finetune={"layerwise_lr_decay": 0.9})
    record = replace(parts.record, settings={"seed": 17, "learning_rate": 5e-5, "optim": "adamw_torch"})
    own, settings = read_tables(parts._replace(record=record).render())[4:6]
    assert ["epochs", "5 (2 for the head, 3 for all parameters)"] in own
    assert ["freeze.learning_rate", "0.02"] in own
    assert ["finetune.layerwise_lr_decay", "0.9"] in own
    assert settings == [["Setting", "Value"], ["seed", "17"], ["optim", "adamw_torch"]]


def test_card_says_in_words_what_a_setting_means() -> None:
    settings = {"metric_for_best_model": "f1_macro", "warmup_steps": 0.1, "per_device_train_batch_size": 8}
    parts = build_parts(
        freeze={"epochs": 2, "learning_rate": 0.02, "warmup": 50},
        training_arguments={"warmup_steps": 0.1, "metric_for_best_model": "f1_macro"},
    )
    card = parts._replace(record=replace(parts.record, settings=settings)).render()
    own = read_tables(card)[4]
    assert ["warm-up of stage 1", "first 50 steps"] in own
    assert ["warm-up of stage 2", "first 10% of the stage 2 steps"] in own
    assert ["metric_for_best_model", "macro F1"] in own
    assert "the best one on the validation set by macro F1.\n" in card
    plain = build_parts(training_arguments={"warmup_steps": 0.1}).render()
    assert ["warm-up", "first 10% of the steps"] in read_tables(plain)[4]


def test_card_describes_its_purpose_once() -> None:
    assert "\nClassifies text into 2 categories.\nFine-tuned from a local encoder" in build_parts().render()
    stated = build_parts(hub={"purpose": "Sorts news."}).render()
    assert "\nSorts news.\nFine-tuned from a local encoder" in stated
    assert "Classifies text into" not in stated


def test_time_for_validation_is_left_out_if_it_rounds_to_nothing() -> None:
    parts = build_parts()
    shown = {}
    for seconds in (0.2, 20.0):
        log = [{"step": 1, "eval_runtime": seconds}, {"step": 1, "loss": 1.0}]
        card = parts._replace(record=replace(parts.record, log_history=log, runtime_seconds=4800.0)).render()
        shown[seconds] = dict(row for row in read_tables(card)[4] if len(row) == 2)["training time"]
    assert shown == {0.2: "1 h 20 min", 20.0: "1 h 20 min, including 20 s for validation"}


def test_many_labels_are_folded_and_the_extremes_named() -> None:
    labels = [f"label {index}" for index in range(13)]
    parts = build_parts(labels)
    per_class = {name: {**parts.report.test.per_class[name], "f1": index / 100} for index, name in enumerate(labels)}
    report = replace(parts.report, test=replace(parts.report.test, per_class=per_class))
    text = " ".join(parts._replace(report=report).render().split())
    assert (
        "Highest F1: label 12 (0.1200), label 11 (0.1100), label 10 (0.1000). Lowest F1: label 2 (0.0200, 500 " in text
    )
    assert "<summary>Scores per label</summary> | Label | Precision |" in text
    assert text.count("<details>") == text.count("</details>") == 3
    assert "<summary>Scores per label</summary>" not in build_parts(labels[:12]).render()


def test_first_epochs_counted_in_steps_stay_a_setting() -> None:
    parts = build_parts(freeze={"steps": 7, "learning_rate": 0.02}, training_arguments={"num_train_epochs": 2})
    own = read_tables(parts.render())[4]
    assert ["freeze.steps", "7"] in own
    assert ["num_train_epochs", "2"] in own or ["num_train_epochs", "2.0"] in own


def test_batch_size_is_listed_once() -> None:
    for size, expected in ((16, ["batch size"]), (8, ["batch size", "per_device_train_batch_size"])):
        own = read_tables(build_parts(training_arguments={"per_device_train_batch_size": size}).render())[4]
        assert [row[0] for row in own if "batch" in row[0]] == expected


@pytest.mark.parametrize(("precision", "is_explained"), [("bfloat16", True), ("float32", False)])
def test_other_precision_of_validation_scores_is_explained(precision: str, is_explained: bool) -> None:
    parts = build_parts()
    log = [{"step": 1, "epoch": 1.0, "eval_log_loss": 0.5, "eval_accuracy": 0.5, "eval_f1_macro": 0.5}]
    card = parts._replace(record=replace(parts.record, log_history=log, precision=precision)).render()
    assert ("are computed in float32" in card) == is_explained


def test_years_limit_the_scores_only_if_rows_have_dates() -> None:
    assert "texts from the same source.\n" in build_parts().render()
    assert "texts from the same source and the same years.\n" in build_parts(data={"date": "day"}).render()


def test_notes_have_a_heading_only_if_there_are_any() -> None:
    assert "## Notes" not in build_parts().render()
    assert f"## Notes\n\n{NOTES_START}\n\nmine\n\n{NOTES_END}" in build_parts().render(notes="mine")


# Markup.


def test_hostile_labels_are_shown_as_written() -> None:
    table = read_tables(build_parts(HOSTILE).render())[1]
    assert [row[0] for row in table[1:]] == [*HOSTILE]
    assert {len(row) for row in table} == {6}


def test_hostile_labels_add_no_markup() -> None:
    plain, hostile = (parse(build_parts(labels).render()) for labels in ([*"abcdefgh"], HOSTILE))
    kinds = [[token.type for token in tokens] for tokens in (plain, hostile)]
    assert kinds[0] == kinds[1]
    children = [child.type for token in hostile for child in token.children or []]
    assert "html_inline" not in children
    headings = [read_text(hostile[index + 1]) for index, token in enumerate(hostile) if token.type == "heading_open"]
    sections = [
        "Results",
        "Calibration",
        "Training data",
        "Training",
        "Limitations",
        "Files",
        "License",
        "Citation",
    ]
    assert headings == ["tiny", "How to use", *sections]


def test_card_describes_calibration() -> None:
    text = " ".join(build_parts().render().split())
    # Evaluated on the hundred rows of the fixture.
    assert "mean confidence and accuracy differ by 0.0 percentage points on average" in text
    assert "confidence is 80.0% and accuracy is 80.0%: the model is neither overconfident nor underconfident" in text
    assert (
        "The best threshold on the validation set, by Macro F1, predicts REAL if its probability is at least 0.5000"
        in text
    )


def test_card_of_three_labels_has_no_threshold() -> None:
    assert "threshold" not in build_parts([*"abc"]).render()


def test_hostile_texts_of_a_recipe_are_escaped() -> None:
    hostile = "1. a`b|c <b>\n---\n# x"
    shown = "1. a`b|c <b> --- # x"
    card = build_parts(
        data={
            "source": f"/home/ann/{hostile.replace('/', '')}",
            "dataset_name": hostile,
            "dataset_url": "https://e.org/a)<b>",
            "merge_labels": {hostile: [hostile]},
            "separator": hostile,
            "license": hostile,
        },
        hub={"title": hostile, "license": hostile, "citation": "```\n# x", "limitations": ["one\ntwo", hostile]},
    ).render()
    tokens = parse(card)
    headings = [read_text(tokens[index + 1]) for index, token in enumerate(tokens) if token.type == "heading_open"]
    texts = [read_text(token) for token in tokens if token.type == "inline"]
    assert headings[0] == shown
    assert headings.count("x") == 1  # of a limitation, which may hold Markdown
    assert f"{shown}: {shown}" in texts
    assert [read_tables(card)[-1][index][1] for index in (1, 3)] == [shown, shown]
    assert any(text.startswith(f"{shown}, file {shown},") for text in texts)


def test_hostile_names_leave_the_metadata_valid() -> None:
    hostile = "---\n# x: [y\n---\nname: 'z\u2028"
    parts = build_parts(
        data={"dataset_name": hostile, "dataset_id": hostile},
        hub={"title": hostile, "example": hostile, "tags": ["no"]},
    )
    data = ModelCard(parts.render()).data
    assert {result.dataset_name for result in data.eval_results} == {hostile}
    assert data.widget == [{"text": hostile}]
    assert "no" in data.tags


def test_merged_labels_are_escaped() -> None:
    parts = build_parts(["a|b", "c"], data={"merge_labels": {"a|b": ["# x", "<b>"]}})
    items = [read_text(token) for token in parse(parts.render()) if token.type == "inline"]
    assert "a|b: # x, <b>" in items


def test_hostile_columns_and_values_break_no_table() -> None:
    parts = build_parts(
        data={"text": ["ti|tle", "<b>"]}, training_arguments={"run_name": "a | b", "learning_rate": 1e-5}
    )
    card = parts.render()
    assert {len(row) for row in read_tables(card)[4]} == {2}
    assert ["run_name", "a | b"] in read_tables(card)[4]
    assert "ti|tle, <b>, joined by" in " ".join(read_text(token) for token in parse(card) if token.children)


@pytest.mark.parametrize(
    ("text", "escaped"),
    [("ARTS & CULTURE", None), ("U.S. NEWS", "U.S. NEWS"), ("a\nb", "a b"), ("|", r"\|"), ("\\", r"\\")],
)
def test_escaping(text: str, escaped: str | None) -> None:
    if escaped is not None:
        assert escape_markdown(text) == escaped
    shown = MarkdownIt("commonmark").parseInline(escape_markdown(text))[0]
    assert read_text(shown) == text.replace("\n", " ")


def test_each_figure_has_a_description() -> None:
    images = [child for token in parse(build_parts().render(figures="figures/tiny")) for child in token.children or []]
    found = {image.attrs["src"]: image.content for image in images if image.type == "image"}
    assert found == {f"figures/tiny/{name}": text for name, text in CARD_FIGURES.items()}


def test_two_renders_are_equal() -> None:
    assert build_parts(HOSTILE).render() == build_parts(HOSTILE).render()


# The snippet.


@pytest.mark.parametrize(
    "example", ["Say \"no\" to 'it'", "back\\slash\nnew line", "Zürich, 東京 \u2028 🗳", "``` {{ x }}"]
)
def test_snippet_quotes_its_text(example: str) -> None:
    tree = ast.parse(find_snippet(build_parts(hub={"example": example}).render('o/"m"')))
    texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    assert {example, 'o/"m"', "text-classification"} <= {*texts}


@pytest.mark.parametrize(("head", "is_trusted"), [("stock", False), ("two_layer", True)])
def test_only_custom_heads_need_trusted_code(head: str, is_trusted: bool) -> None:
    card = build_parts(model={"head": head}).render("owner/tiny")
    assert ("trust_remote_code=True" in find_snippet(card)) is is_trusted
    assert ("import hf_newscls" in card) is is_trusted


@pytest.mark.slow
@pytest.mark.parametrize(
    ("finished", "location"),
    [
        ("tiny_run", "model"),
        pytest.param("tiny_run", "cards", marks=pytest.mark.slow),
        pytest.param("tiny_two_layer_run", "model", marks=pytest.mark.slow),
        pytest.param("tiny_two_layer_run", "cards", marks=pytest.mark.slow),
    ],
)
def test_snippet_runs(
    finished: str, location: str, fresh_home: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    found: FinishedRun = request.getfixturevalue(finished)
    if location == "model":  # in any folder
        cwd = shutil.copytree(found.run.model, tmp_path / "a folder" / "model")
        path = cwd / "README.md"
    else:
        cwd, path = found.runs_dir.parent, found.cards_dir / f"{found.recipe.name}.md"
    result = run_python(find_snippet(path.read_text()), cwd=cwd, home=fresh_home)
    assert result.code == 0, result.err
    for label in found.report.label_names:
        assert f"'label': '{label}'" in result.out


# What must not be in a card.


def test_card_has_no_news_text(tiny_run: FinishedRun, news_rows: Sequence[dict[str, str]]) -> None:
    for path in (tiny_run.run.model / "README.md", tiny_run.cards_dir / "tiny.md"):
        card = path.read_text()
        assert [row["title"] for row in news_rows if row["title"] in card or row["body"] in card] == []


def test_card_has_no_local_path(tiny_run: FinishedRun) -> None:
    assert "/home/ann" not in build_parts().render()
    for path in (tiny_run.run.model / "README.md", tiny_run.cards_dir / "tiny.md"):
        card = path.read_text()
        assert [str(part) for part in tiny_run.runs_dir.parents if len(part.parts) > 1 and str(part) in card] == []


def test_card_has_no_placeholder() -> None:
    card = build_parts().render()
    assert not re.search(r"\bNone\b|\{\{|\}\}|\{%|Undefined", card)
    assert card.endswith("\n")


@pytest.mark.parametrize("card", ["", "\n", "---\nlicense: mit\n---\n", "---\nlicense: mit\n---\n\n \n"])
def test_empty_card_has_no_notes(card: str) -> None:
    assert extract_notes(card, repo_id="owner/name") == ""


@pytest.mark.parametrize("notes", ["", "We saw it fail on sports.", "# Own heading\n\n---\n\n{{ jinja }} <b>x</b>"])
def test_notes_come_back_from_a_rendered_card(notes: str) -> None:
    card = build_parts().render(notes=notes)
    assert extract_notes(card, repo_id="owner/name") == notes


def test_notes_survive_an_update_of_the_card() -> None:
    first = build_parts().render(notes="  Kept.\n")
    again = build_parts().render(notes=extract_notes(first, repo_id="owner/name"))
    assert extract_notes(again, repo_id="owner/name") == "Kept."


def test_notes_of_a_card_of_version_0_1_are_found() -> None:
    start = "<!-- notes: what stands between these two lines is kept when the card is written anew -->"
    assert extract_notes(f"# Title\n\n{start}\n\nKept.\n\n{NOTES_END}\n", repo_id="owner/name") == "Kept."


@pytest.mark.parametrize(
    ("card", "count"),
    [
        ("# Somebody's model", 0),
        ("---\nlicense: mit\n---\n\nText.", 0),
        (f"{NOTES_START}\nNo end.", 0),
        (f"{NOTES_START}{NOTES_END}\n{NOTES_START}{NOTES_END}", 2),
    ],
)
def test_card_without_one_section_of_notes_is_refused(card: str, count: int) -> None:
    with pytest.raises(PublishError, match=rf"^owner/name: README.md has {count} "):
        extract_notes(card, repo_id="owner/name")
