"""Names in other scripts are drawn in an installed font, or safely replaced."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager
from PIL import Image

from hf_newscls.report.figures import fonts
from hf_newscls.report.figures.confusion import plot_confusion_matrix
from hf_newscls.report.figures.fonts import name_labels, replace_missing, set_fonts
from hf_newscls.report.figures.style import render_svg, save_figure
from tests.report.figures.figure_parts import find_texts, has_overlap, read_texts
from tests.report.figures.font_files import build_font

LABELS = ["体育", "财经", "Россия"]

Install = Callable[[str, str], None]


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Install]:
    """Hide the fonts of this machine, and install one with a family name and characters."""
    bundled = Path(mpl.get_data_path())
    own = [font for font in fontManager.ttflist if bundled in Path(font.fname).parents]
    monkeypatch.setattr(fontManager, "ttflist", own)

    def clear() -> None:
        fonts._list_fonts.cache_clear()
        fonts._find_fallback.cache_clear()

    def add(family: str, characters: str) -> None:
        """Write the font and let matplotlib find it."""
        fontManager.addfont(build_font(tmp_path / f"{family}.ttf", family=family, characters=characters))
        clear()

    clear()
    yield add
    clear()


def plot(labels: Sequence[str]) -> Figure:
    return plot_confusion_matrix(np.eye(len(labels), dtype=np.int64), label_names=labels)


def test_labels_without_a_font_are_shown_by_id(
    install: Install, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    shown = name_labels(LABELS)
    assert shown == ["LABEL_0", "LABEL_1", "Россия"]
    assert fonts.find_replaced(LABELS, shown) == {"LABEL_0": "体育", "LABEL_1": "财经"}
    assert [(record.levelname, "LABEL_0 for 体育" in record.getMessage()) for record in caplog.records] == [
        ("WARNING", True)
    ]
    save_figure(plot(shown), tmp_path / "a.png")  # warnings are errors


def test_no_name_reaches_matplotlib_without_a_font(install: Install, tmp_path: Path) -> None:
    figure = plot(LABELS)
    assert "??" in read_texts(figure)
    save_figure(figure, tmp_path / "a.png")
    render_svg(figure)


def test_installed_fonts_draw_the_names(install: Install, caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    install("Han", "体育财经")
    assert name_labels(LABELS) == LABELS
    assert caplog.records == []
    figure = plot(LABELS)
    save_figure(figure, tmp_path / "a.png")
    families = {text.get_text(): text.get_fontfamily() for text in find_texts(figure)}
    assert families["体育"] == [*mpl.rcParams["font.family"], "Han"]
    assert families["Россия"] == mpl.rcParams["font.family"]
    # The squares of the font are ink.
    with Image.open(tmp_path / "a.png") as picture:
        corner = np.asarray(picture.convert("L"))[:, :150]
    save_figure(plot(["  ", " ", "Россия"]), tmp_path / "b.png")
    with Image.open(tmp_path / "b.png") as picture:
        assert (np.asarray(picture.convert("L"))[:, :150] < 100).sum() < (corner < 100).sum()


def test_font_with_most_characters_comes_first(install: Install) -> None:
    install("Han", "体育")
    install("More", "体育财")
    install("Rest", "经")
    install("Last Resort", "体育财经")
    found = fonts._find_fallback(frozenset("体育财经"))
    assert (found.families, found.missing) == (("More", "Rest"), frozenset())


def test_wide_characters_do_not_overlap(install: Install) -> None:
    # Twenty Latin letters would fit below a cell, twenty Chinese ones do not.
    install("Han", "体育")
    figure = plot(["体育" * 10] * 3)
    set_fonts(figure)
    assert not has_overlap(figure, figure.axes[0].get_xticklabels())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("体 sport", "? sport"),
        ("a\U000e0061b", "ab"),
        ("Ελλάδα é", "Ελλάδα é"),
        ("\U0001f3c0 x", "? x"),
    ],
)
def test_characters_without_a_font_are_replaced(text: str, shown: str, install: Install) -> None:
    assert replace_missing(text) == shown


def test_label_with_a_missing_sign_keeps_its_name(install: Install) -> None:
    assert name_labels(["\U0001f3c0 basketball", "news"]) == ["\U0001f3c0 basketball", "news"]
