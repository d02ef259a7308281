"""The card: every number is the measured one, every label shows as it is written, and its snippet runs."""

import ast
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from huggingface_hub import ModelCard
from markdown_it import MarkdownIt
from markdown_it.token import Token

from hf_newscls.hub.card import CARD_FIGURES
from hf_newscls.markdown import escape_markdown
from tests.conftest import FinishedRun
from tests.hub.conftest import FINGERPRINT, CardParts
from tests.processes import run_python

MakeParts = Callable[..., CardParts]

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
    """Parse as the Hub does: CommonMark with tables, the metadata left out."""
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


def test_results_table_holds_model_interval_and_baselines(make_parts: MakeParts) -> None:
    results = read_tables(make_parts().render())[0]
    assert results == [
        ["Metric", "This model", "95% interval", "majority class", "TF-IDF with logistic regression"],
        ["Accuracy", "0.9000", "0.7000 to 0.9500", "0.2500", "0.7500"],
        ["Macro F1", "0.8900", "0.7100 to 0.9500", "0.2500", "0.7500"],
        ["Weighted F1", "0.8800", "0.7200 to 0.9500", "0.2500", "0.7500"],
        ["Top-2 accuracy", "0.8700", "", "0.2500", "0.7500"],
        ["Log loss", "0.8600", "", "0.2500", "0.7500"],
    ]


def test_card_tells_the_headline_scores_of_the_test_set(make_parts: MakeParts) -> None:
    text = " ".join(make_parts().render().split())
    assert "On 1,000 test rows that were used for nothing else" in text
    assert "**90.0% accuracy** (70.0% to 95.0%) and **89.0% macro F1** (71.0% to 95.0%)" in text
    assert "the gain in accuracy lies between -0.0123 and 0.0456" in text
    assert "On validation, where the best checkpoint was chosen, accuracy is 0.7000 and macro F1 0.6900" in text


def test_card_names_all_files_of_the_source(make_parts: MakeParts) -> None:
    card = make_parts(data={"source": ["/home/ann/fake.csv", "hf://datasets/owner/news"]}).render()
    assert "tiny, files `fake.csv`, `hf://datasets/owner/news`,\nSHA-256 `" in card


def test_card_tells_data_split_and_training(make_parts: MakeParts) -> None:
    card = make_parts().render()
    text = " ".join(card.split())
    assert "2,400 of its 2,401 rows were used; dropped were 1 for empty text." in text
    assert f"`{FINGERPRINT}`" in text
    assert "`news.csv`" in text
    assert ["train", "1,200"] in read_tables(card)[2]
    assert "all parameters learned for 1234 steps, at rates up to 5e-05" in text
    assert "The checkpoint of step 1000 was the best on validation and was kept." in text
    assert ["time", "1.5 minutes"] in read_tables(card)[3]


@pytest.mark.parametrize(
    ("handling", "leaks", "expected"),
    [
        ("group", 0, "No group is on two sides of the split: 0 test rows have a twin in the training set; in a plain "),
        ("drop", 0, "Of each group one row was used."),
        ("keep", 2, "**2 test rows have a twin in the training set**, so the scores flatter."),
    ],
)
def test_card_tells_duplicates_and_leaks(handling: str, leaks: int, expected: str, make_parts: MakeParts) -> None:
    parts = make_parts()
    manifest = replace(
        parts.manifest,
        duplicates=replace(parts.manifest.duplicates, handling=handling),
        leakage=replace(parts.manifest.leakage, rows=leaks),
    )
    card = parts._replace(manifest=manifest).render()
    assert "7 rows fall into 3 groups of one article each: 3 repeat an earlier text, 1 are like one." in card
    assert expected in card


@pytest.mark.parametrize("handling", ["group", "drop", "keep"])
def test_card_without_duplicates_says_no_more(handling: str, make_parts: MakeParts) -> None:
    parts = make_parts()
    none = replace(parts.manifest.duplicates, handling=handling, groups=0, rows=0, largest=1, equal=0, alike=0)
    manifest = replace(parts.manifest, duplicates=none, leakage=replace(parts.manifest.leakage, rows=0, plain=0))
    card = parts._replace(manifest=manifest).render()
    assert "No article was found twice." in card
    assert not re.search("twin|flatter|one row was used", card)


def test_page_of_the_set_stands_for_its_name(make_parts: MakeParts) -> None:
    page = "https://news.example/set"
    card = make_parts(data={"dataset_url": page}).render()
    (shown,) = re.findall(r"^\[(.+)\]\(https://news\.example/set\), file", card, flags=re.MULTILINE)
    assert shown.replace("\\", "") == page


def test_contradictory_rows_are_said_to_be_what_became_of_them(make_parts: MakeParts) -> None:
    parts = make_parts()
    said = {"drop": "the first row of each text was used, with its label", "group": "they were kept"}
    for handling, words in said.items():
        found = replace(parts.manifest.duplicates, handling=handling, contradictory_texts=1, contradictory_rows=2)
        card = parts._replace(manifest=replace(parts.manifest, duplicates=found)).render()
        assert f"1 texts occur under several labels (2 rows); {words}." in card


def test_card_without_baselines_has_no_columns_for_them(make_parts: MakeParts) -> None:
    parts = make_parts()
    bare = parts._replace(report=replace(parts.report, comparisons={}))
    card = bare.render()
    assert read_tables(card)[0][0] == ["Metric", "This model", "95% interval"]
    assert "Against TF-IDF" not in card


def test_numbers_in_a_real_card_are_those_of_its_run(tiny_run: FinishedRun) -> None:
    results, labels, sides, _, _ = read_tables((tiny_run.run.model / "README.md").read_text())
    scores, report = tiny_run.report.test.scores, tiny_run.report
    shown = {row[0]: row[1] for row in results[1:]}
    assert shown["Accuracy"] == f"{scores['accuracy']:.4f}"
    assert shown["Top-2 accuracy"] == f"{scores['top_2_accuracy']:.4f}"
    assert [[row[0], row[3]] for row in labels[1:]] == [
        [label, f"{values['f1']:.4f}"] for label, values in report.test.per_class.items()
    ]
    assert sides == [["Side", "Rows"], ["train", "72"], ["validation", "24"], ["test", "24"]]


# Markup.


def test_hostile_labels_show_as_they_are_written(make_parts: MakeParts) -> None:
    table = read_tables(make_parts(HOSTILE).render())[1]
    assert [row[0] for row in table[1:]] == [*HOSTILE]
    assert {len(row) for row in table} == {5}


def test_hostile_labels_bring_no_markup_of_their_own(make_parts: MakeParts) -> None:
    plain, hostile = (parse(make_parts(labels).render()) for labels in ([*"abcdefgh"], HOSTILE))
    kinds = [[token.type for token in tokens] for tokens in (plain, hostile)]
    assert kinds[0] == kinds[1]
    children = [child.type for token in hostile for child in token.children or []]
    assert "html_inline" not in children
    headings = [read_text(hostile[place + 1]) for place, token in enumerate(hostile) if token.type == "heading_open"]
    sections = [
        "Results",
        "Calibration",
        "Training data",
        "Training",
        "Limits",
        "Notes",
        "Files",
        "Licence",
        "Citation",
    ]
    assert headings == ["tiny", "How to use", *sections]


def test_card_tells_calibration_in_plain_words(make_parts: MakeParts) -> None:
    text = " ".join(make_parts().render().split())
    # As sure as it is right, of the hundred rows it was fitted to; the score before is the fixture's own.
    assert "is 85.0% off the share of such answers that are right" in text
    assert "It is about as sure of itself as it should be: fitted on validation, a temperature of 1.000" in text
    assert "changes this to 0.0%" in text
    assert "The threshold that was best on validation by Macro F1 is REAL from a probability of 0.5000 on" in text


def test_card_of_three_labels_has_no_threshold(make_parts: MakeParts) -> None:
    assert "threshold" not in make_parts([*"abc"]).render()


def test_merged_labels_show_as_they_are_written(make_parts: MakeParts) -> None:
    parts = make_parts(["a|b", "c"], data={"merge_labels": {"a|b": ["# x", "<b>"]}})
    items = [read_text(token) for token in parse(parts.render()) if token.type == "inline"]
    assert "a|b: # x, <b>" in items


def test_hostile_columns_and_values_break_no_table(make_parts: MakeParts) -> None:
    parts = make_parts(
        data={"text": ["ti|tle", "<b>"]}, training_arguments={"run_name": "a | b", "learning_rate": 1e-5}
    )
    card = parts.render()
    assert {len(row) for row in read_tables(card)[3]} == {2}
    assert ["run_name", "a | b"] in read_tables(card)[3]
    assert "ti|tle, <b> joined by" in " ".join(read_text(token) for token in parse(card) if token.children)


@pytest.mark.parametrize(
    ("text", "escaped"),
    [("ARTS & CULTURE", None), ("U.S. NEWS", "U.S. NEWS"), ("a\nb", "a b"), ("|", r"\|"), ("\\", r"\\")],
)
def test_escaping(text: str, escaped: str | None) -> None:
    if escaped is not None:
        assert escape_markdown(text) == escaped
    shown = MarkdownIt("commonmark").parseInline(escape_markdown(text))[0]
    assert read_text(shown) == text.replace("\n", " ")


def test_each_figure_has_a_description(make_parts: MakeParts) -> None:
    images = [child for token in parse(make_parts().render(figures="figures/tiny")) for child in token.children or []]
    found = {image.attrs["src"]: image.content for image in images if image.type == "image"}
    assert found == {f"figures/tiny/{name}": text for name, text in CARD_FIGURES.items()}


def test_two_renders_are_equal(make_parts: MakeParts) -> None:
    assert make_parts(HOSTILE).render() == make_parts(HOSTILE).render()


# The snippet.


@pytest.mark.parametrize(
    "example", ["Say \"no\" to 'it'", "back\\slash\nnew line", "Zürich, 東京 \u2028 🗳", "``` {{ x }}"]
)
def test_snippet_quotes_its_text(example: str, make_parts: MakeParts) -> None:
    tree = ast.parse(find_snippet(make_parts(hub={"example": example}).render('o/"m"')))
    texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    assert {example, 'o/"m"', "text-classification"} <= {*texts}


@pytest.mark.parametrize(("head", "trusts"), [("stock", False), ("two_layer", True)])
def test_only_a_head_of_ours_asks_for_trust(head: str, trusts: bool, make_parts: MakeParts) -> None:
    card = make_parts(model={"head": head}).render("owner/tiny")
    assert ("trust_remote_code=True" in find_snippet(card)) is trusts
    assert ("import hf_newscls" in card) is trusts


@pytest.mark.slow
@pytest.mark.parametrize(
    ("finished", "place"),
    [
        ("tiny_run", "model"),
        pytest.param("tiny_run", "cards", marks=pytest.mark.slow),
        pytest.param("tiny_two_layer_run", "model", marks=pytest.mark.slow),
        pytest.param("tiny_two_layer_run", "cards", marks=pytest.mark.slow),
    ],
)
def test_snippet_runs_as_it_stands(
    finished: str, place: str, fresh_home: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    found: FinishedRun = request.getfixturevalue(finished)
    if place == "model":  # wherever the folder is moved to
        cwd = shutil.copytree(found.run.model, tmp_path / "a folder" / "model")
        path = cwd / "README.md"
    else:
        cwd, path = found.runs_dir.parent, found.cards_dir / f"{found.recipe.name}.md"
    result = run_python(find_snippet(path.read_text()), cwd=cwd, home=fresh_home)
    assert result.code == 0, result.err
    for label in found.report.label_names:
        assert f"'label': '{label}'" in result.out


# What must not be in a card.


def test_no_news_text_is_in_a_card(tiny_run: FinishedRun, news_rows: Sequence[dict[str, str]]) -> None:
    for path in (tiny_run.run.model / "README.md", tiny_run.cards_dir / "tiny.md"):
        card = path.read_text()
        assert [row["title"] for row in news_rows if row["title"] in card or row["body"] in card] == []


def test_no_path_of_this_machine_is_in_a_card(make_parts: MakeParts, tiny_run: FinishedRun) -> None:
    assert "/home/ann" not in make_parts().render()
    for path in (tiny_run.run.model / "README.md", tiny_run.cards_dir / "tiny.md"):
        card = path.read_text()
        assert [str(part) for part in tiny_run.runs_dir.parents if len(part.parts) > 1 and str(part) in card] == []


def test_no_line_ends_in_a_placeholder(make_parts: MakeParts) -> None:
    card = make_parts().render()
    assert not re.search(r"\bNone\b|\{\{|\}\}|\{%|Undefined", card)
    assert card.endswith("\n")
