"""A run's figures, and the SVG that a page takes."""

import re
from xml.etree import ElementTree

import pytest

from hf_newscls.report.figures.run import plot_run
from hf_newscls.report.figures.style import render_svg
from tests.measured_runs import build_measured

ALWAYS = {"scores", "loss_curves", "confusion_matrix", "label_scores", "reliability", "abstention"}
ALWAYS |= {"label_distribution", "text_lengths"}


@pytest.mark.parametrize("dates", [True, False])
def test_figures_are_there(dates: bool) -> None:
    assert {*plot_run(build_measured(dates=dates))} == ALWAYS | ({"rows_by_year"} if dates else set())


def test_years_count_the_rows_of_all_sides() -> None:
    axes = plot_run(build_measured())["rows_by_year"].axes[0]
    assert sum(int(text.get_text()) for text in axes.texts) == 130


def test_svg_is_whole_and_takes_the_pages_colors() -> None:
    svg = render_svg(plot_run(build_measured())["scores"], name="scores")
    root = ElementTree.fromstring(svg)
    assert root.tag.endswith("svg")
    assert "width" not in root.attrib
    assert "viewBox" in root.attrib
    assert "var(--ink)" in svg
    assert "font-family" not in svg
    assert re.findall(r"#[0-9a-fA-F]{6}\b", svg) == []


def test_svg_refers_to_its_own_parts() -> None:
    svg = render_svg(plot_run(build_measured())["reliability"], name="reliability")
    ids = {*re.findall(r'\sid="([^"]+)"', svg)}
    assert ids == {*re.findall(r"url\(#([^)]+)\)", svg), *re.findall(r'href="#([^"]+)"', svg)}
    assert ids
    assert all(name.startswith("reliability-") for name in ids)


def test_equal_figures_give_equal_svg() -> None:
    first, second = (render_svg(plot_run(build_measured())["abstention"], name="a") for _ in range(2))
    assert first == second
