"""The report: one file without network, with every section, and every text escaped."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hf_newscls.evaluation.baselines.side_by_side import RareLabel, SideBySide
from hf_newscls.evaluation.label_quality import SuspiciousRows
from hf_newscls.evaluation.statistics.bootstrap import Interval
from hf_newscls.evaluation.statistics.significance import ScorePair
from hf_newscls.report.figures.run import plot_run
from hf_newscls.report.measured_run import MeasuredRun
from hf_newscls.report.page import _choose_examples, render_report_page, write_report_page
from tests.browser import needs_browser, open_page, print_page, take_screenshot
from tests.conftest import FinishedRun
from tests.measured_runs import build_measured

SECTIONS = [
    "headline",
    "curves",
    "confusion",
    "labels",
    "confidence",
    "examples",
    "errors",
    "data",
    "recipe",
    "environment",
]
HOSTILE = ("<script>alert(1)</script>", "a & b", '" onload="alert(2)', "$x_1$")


class Reader(HTMLParser):
    """The elements and the text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def find(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def render(measured: MeasuredRun) -> Reader:
    return Reader(render_report_page(measured, plot_run(measured)))


@pytest.fixture(scope="module")
def page() -> Reader:
    """The report of two labels, with dates."""
    return render(build_measured())


def test_every_section_is_linked(page: Reader) -> None:
    assert [section["id"] for section in page.find("section")] == SECTIONS
    assert [link["href"] for link in page.find("a")] == [f"#{name}" for name in SECTIONS]


def test_nothing_is_fetched(page: Reader) -> None:
    assert page.find("script") == []
    for tag, attributes in page.elements:
        for name in ("src", "href", "xlink:href"):
            assert (attributes.get(name) or "#").startswith(("#", "data:")), tag
    assert not re.search(r"@import|url\((?!#)", " ".join(str(attributes) for _, attributes in page.elements))


def test_result_has_scores_intervals_and_comparisons(page: Reader) -> None:
    report = build_measured().report
    interval = report.intervals["accuracy"]
    assert f"{report.test.scores['accuracy']:.1%}{interval.low:.1%} to {interval.high:.1%}" in page.text.replace(
        "\n", ""
    )
    for name in report.comparisons:
        assert name in page.text
    assert report.strongest_baseline is not None
    name, baseline = report.strongest_baseline
    assert f"is {name}. Its accuracy on the test set is {baseline.scores['accuracy']:.1%}" in page.text


def test_examples_have_as_many_labels_as_possible() -> None:
    measured = build_measured([*"ABCDE"])
    rows = measured.test.select(_choose_examples(measured))["label"]
    assert len(rows) == 8
    assert {*rows[:5]} == {*range(5)}


def test_suspicious_rows_show_both_probabilities() -> None:
    measured = build_measured()
    assert "It finds no such test rows." in render(measured).text
    for count, expected in (
        (1, "It finds 1 such test row:"),
        (20, "It finds 20 such test rows, sorted by"),
        (21, "It finds 21 such test rows; these are the first 20, sorted by"),
    ):
        rows = np.arange(count)
        found = SuspiciousRows(rows, rows % 2, 1 - rows % 2, np.full(count, 0.25), np.full(count, 0.75))
        page = render(replace(measured, errors=replace(measured.errors, suspicious=found)))
        assert expected in page.text
        text = page.text.replace("\n", "").split("Suspicious labels")[1]
        assert text.count("FAKE 25.0%") == min(count, 20) - min(count, 20) // 2


def test_comparison_with_another_run_is_shown(page: Reader) -> None:
    measured = build_measured()
    score = ScorePair(0.75, 0.5, Interval(-0.125, 0.375))
    labels = [RareLabel("<i>rare</i>", 1234, 56, score), RareLabel("rarer", 1, 1, score)]
    differences = {"loss.name": ("focal", "<i>plain</i>"), "sampling.labels": ("balanced", None)}
    pair = SideBySide("plain", "run 7", differences, {"accuracy": score, "f1_macro": score, "f1_rare": score}, labels)
    found = render(replace(measured, report=replace(measured.report, side_by_side=pair)))
    assert [section["id"] for section in found.find("section")] == [*SECTIONS[:4], "side-by-side", *SECTIONS[4:]]
    assert [link["href"] for link in found.find("a")][4] == "#side-by-side"
    assert "Comparison with plain" in found.text
    assert "The other model is run run 7" in found.text
    assert found.find("i") == []
    text = found.text.replace("\n", "")
    assert f"by macro F1: {score.verdict}; by accuracy: {score.verdict}." in text
    assert "Mean F1 of the labels below75.0%50.0%+25.0-12.5 to +37.5" in text
    assert "<i>rare</i>75.0%50.0%+25.0-12.5 to +37.51,23456" in text
    assert "loss.namefocal<i>plain</i>sampling.labelsbalancednot set" in text
    assert "rarer75.0%50.0%+25.0-12.5 to +37.511" in text
    assert "Comparison" not in page.text


def test_ids_are_unique(page: Reader) -> None:
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len({*ids}) == len(ids)


@pytest.mark.slow
def test_stages_are_described(page: Reader) -> None:
    assert "The encoder was unfrozen after step 8" in page.text
    measured = build_measured()
    single = replace(measured, record=replace(measured.record, boundary_step=0))
    assert "One training stage: nothing was frozen." in render(single).text
    first = replace(measured, record=replace(measured.record, boundary_step=measured.record.total_steps))
    assert "Training ended in stage 1: the encoder stayed frozen." in render(first).text


def test_texts_and_labels_are_escaped() -> None:
    page = render(build_measured(HOSTILE, text="<b>{label}</b>"))
    assert page.find("script") == []
    assert page.find("b") == []
    assert not [attributes for _, attributes in page.elements if "onload" in attributes]
    assert "<b><script>alert(1)</script></b> 0 row id 0" in page.text
    assert "Tiny <news>" in page.text


@pytest.mark.slow
def test_rows_without_dates_have_no_years() -> None:
    page = render(build_measured(dates=False))
    assert "By year" not in page.text
    assert "Rows of each label by year" not in page.text


def test_threshold_is_shown_only_for_two_labels(page: Reader) -> None:
    assert "The best threshold on the validation set, by Macro F1, predicts REAL" in page.text
    assert "The best threshold" not in render(build_measured([*"ABC"])).text


@pytest.mark.slow
def test_overview_is_linked_if_it_exists(tmp_path: Path) -> None:
    measured = build_measured()
    report = tmp_path / "runs" / "tiny" / "1" / "report.html"
    (tmp_path / "overview" / "tiny").mkdir(parents=True)
    (tmp_path / "overview" / "tiny" / "overview.md").touch()
    write_report_page(measured, plot_run(measured), report)
    links = [link["href"] for link in Reader(report.read_text()).find("a")]
    (found,) = [link for link in links if link and not link.startswith("#")]
    assert (report.parent / found).is_file()


def test_report_is_in_the_run_folder_and_not_in_the_model_folder(tiny_run: FinishedRun) -> None:
    page = Reader(tiny_run.run.report.read_text(encoding="utf-8"))
    assert [section["id"] for section in page.find("section")] == SECTIONS
    assert not [path for path in tiny_run.run.model.rglob("*") if path.suffix == ".html"]


class TestInABrowser:
    """What only a browser can check."""

    pytestmark = needs_browser

    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        """The report of a run with 42 labels."""
        measured = build_measured([f"WELLNESS & LIVING {index}" for index in range(42)])
        path = tmp_path / "report.html"
        path.write_text(render_report_page(measured, plot_run(measured)), encoding="utf-8")
        return path

    def test_page_opens_without_console_messages(self, path: Path, tmp_path: Path) -> None:
        opened = open_page(path, home=tmp_path / "home")
        assert opened.messages == []
        assert [section["id"] for section in Reader(opened.dom).find("section")] == SECTIONS

    def test_page_follows_the_color_scheme(self, path: Path, tmp_path: Path) -> None:
        corners = []
        for is_dark in (False, True):
            take_screenshot(path, tmp_path / "picture.png", home=tmp_path / "home", is_dark=is_dark)
            picture = Image.open(tmp_path / "picture.png").convert("L")
            corners.append(picture.getpixel((0, 0)))
            # Letters and lines contrast with the paper.
            assert picture.getextrema()[1] - picture.getextrema()[0] > 150
        assert corners[0] > 240
        assert corners[1] < 60

    def test_page_prints(self, path: Path, tmp_path: Path) -> None:
        print_page(path, tmp_path / "report.pdf", home=tmp_path / "home")
        content = (tmp_path / "report.pdf").read_bytes()
        assert content.startswith(b"%PDF")
        assert len(re.findall(rb"/Type\s*/Page\b", content)) > 3
