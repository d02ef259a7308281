"""What all figures have in common: saved files, fonts, no side effects."""

import subprocess
import sys
from base64 import b64decode
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from hf_newscls.report.figures.confusion import plot_confusion_matrix
from hf_newscls.report.figures.data import plot_label_distribution, plot_text_lengths
from hf_newscls.report.figures.style import render_svg, save_figure
from hf_newscls.report.figures.training import plot_loss_curves
from tests.report.figures.figure_parts import MANY_NAMES, find_texts


def plot_many_labels() -> Figure:
    confusion = 60 * np.eye(42, dtype=np.int64) + 1
    return plot_confusion_matrix(confusion, label_names=MANY_NAMES)


def test_save_writes_the_same_bytes_again(tmp_path: Path) -> None:
    for name in ("one.png", "two.png"):
        save_figure(plot_confusion_matrix(np.eye(12, dtype=np.int64), label_names=MANY_NAMES[:12]), tmp_path / name)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


@pytest.mark.slow
def test_save_writes_a_small_png_without_software_or_date(tmp_path: Path) -> None:
    path = tmp_path / "confusion.png"
    save_figure(plot_many_labels(), path)
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        assert set(picture.info) == {"dpi"}
        assert 900 <= picture.width <= 1400, "8 to 11 inches at 120 dots per inch"
        assert picture.convert("RGB").getpixel((0, 0)) == (255, 255, 255)
    assert path.stat().st_size < 150_000


def test_svg_is_an_image_without_background_and_with_text() -> None:
    kind, data = render_svg(plot_text_lengths([1, 2, 3], max_length=2)).split(",")
    root = ElementTree.fromstring(b64decode(data))
    assert kind == "data:image/svg+xml;base64"
    assert root.tag.endswith("svg")
    assert "max_length 2" in "".join(root.itertext())
    assert "#ffffff" not in next(root.iter("{http://www.w3.org/2000/svg}path")).get("style", "")


def test_equal_figures_give_equal_svg() -> None:
    first, second = (render_svg(plot_text_lengths([1, 2, 3], max_length=2)) for _ in range(2))
    assert first == second


@pytest.mark.slow
def test_fonts_have_at_least_8_points() -> None:
    history = [{"step": step, "loss": 1.0, "learning_rate": 0.1} for step in range(60)]
    figures = [
        plot_many_labels(),
        plot_loss_curves([*history, {"step": 30, "eval_loss": 1.0}], unfreeze_step=20, best_step=30),
        plot_label_distribution({"train": list(range(42))}, label_names=MANY_NAMES),
        plot_text_lengths([5, 8, 9], max_length=8),
    ]
    for figure in figures:
        figure.draw_without_rendering()
        assert min(text.get_fontsize() for text in find_texts(figure)) >= 8


def test_drawing_loads_no_pyplot_and_changes_no_setting(tmp_path: Path) -> None:
    # dict.items, as reading rcParams["backend"] itself loads pyplot.
    script = (
        "import sys; from pathlib import Path; import matplotlib; before = list(dict.items(matplotlib.rcParams))\n"
        "from hf_newscls.report.figures.style import save_figure\n"
        "from hf_newscls.report.figures.data import plot_text_lengths\n"
        f"save_figure(plot_text_lengths([1, 2], max_length=1), Path({str(tmp_path / 'a.png')!r}))\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
        "assert before == list(dict.items(matplotlib.rcParams))\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, cwd=Path(__file__).parents[3])
