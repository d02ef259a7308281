"""The style of all figures, and how they are saved.

Figures are built without pyplot: it would keep every figure, and change settings of the program that imports us.
"""

import unicodedata
from base64 import b64encode
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.ticker import MaxNLocator, PercentFormatter, StrMethodFormatter
from numpy.typing import NDArray
from PIL import Image

from hf_newscls.errors import shorten_text
from hf_newscls.report.figures.fonts import replace_missing, set_fonts

# After Okabe and Ito: these colors stay distinct under the common kinds of color blindness.
BLUE, SKY, ORANGE, GREEN = "#0072B2", "#7FC4EE", "#D55E00", "#009E73"
INK, GREY, PALE = "#222222", "#767676", "#E6E6E6"
DPI, WIDTH, SMALL, NORMAL, LARGE = 120, 8.5, 8, 9, 11
LINE = 0.26  # inches per row of a chart

_HEAT = mpl.colormaps["Blues"].resampled(50).with_extremes(bad=PALE)
_SVG: dict[Any, Any] = {"svg.fonttype": "none", "svg.hashsalt": "hf_newscls"}
_COLORS = 256  # enough for the 50 steps of a heat map and smooth letters


def build_figure(*, height: float, title: str, width: float = WIDTH) -> Figure:
    """Return an empty white figure, sizes in inches."""
    figure = Figure(figsize=(width, height), dpi=DPI, facecolor="white")
    figure.set_layout_engine("constrained", w_pad=0.12, h_pad=0.07)
    figure.suptitle(title, x=0.12 / width, ha="left", fontsize=LARGE, fontweight="bold", color=INK)
    return FigureCanvasAgg(figure).figure


def set_whole_ticks(axes: Axes) -> None:
    """Show at most nine whole numbers on the x axis."""
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True, steps=[1, 2, 5, 10]))


def format_axes(
    axes: Axes,
    *,
    grid: Literal["x", "y", "both"] | None = None,
    xlabel: str = "",
    ylabel: str = "",
    percent: Literal["", "x", "y", "xy"] = "",
) -> Axes:
    """Return the axes, formatted as in all figures; `percent` names those with fractions, shown as percents."""
    axes.tick_params(which="both", labelsize=SMALL, labelcolor=INK, length=0)
    axes.set_xlabel(xlabel, fontsize=NORMAL, color=INK)
    axes.set_ylabel(ylabel, fontsize=NORMAL, color=INK)
    axes.spines[:].set(color=GREY, visible=False)
    if grid is not None:
        axes.spines["left" if grid == "x" else "bottom"].set_visible(True)
        axes.set_axisbelow(True)
        axes.grid(visible=True, axis=grid, color=PALE, linewidth=0.7)
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    for axis in percent:
        getattr(axes, f"{axis}axis").set_major_formatter(PercentFormatter(1))
    return axes


def shorten_name(name: str) -> str:
    """Return a label or model name, cut to 32 characters; `?` stands for a character that no font has."""
    return replace_missing(shorten_text(name, limit=32))


def name_rows(axes: Axes, names: Sequence[str], *, counts: Sequence[int] = ()) -> None:
    """Name the rows of a chart, the first on top, with their counts, if any, in parentheses.

    Names are cut to 40 characters, and `$` in a name is a dollar sign.
    """
    labels = [replace_missing(shorten_text(name, limit=40)) for name in names]
    if counts:
        labels = [f"{label} ({count:,})" for label, count in zip(labels, counts, strict=True)]
    axes.set_yticks(range(len(names)), labels=labels, parse_math=False)
    axes.set_ylim(len(names) - 0.4, -0.6)


def add_legend(figure: Figure, handles: Sequence[Artist] | None = None) -> None:
    """Name the labeled artists next to the title; `handles` restricts them."""
    options = {} if handles is None else {"handles": handles}
    figure.legend(loc="outside upper right", ncols=4, fontsize=SMALL, frameon=False, labelcolor=INK, **options)


def draw_mark(axes: Axes, x: float, *, text: str) -> None:
    """Draw a dashed vertical line with a name above the axes."""
    axes.axvline(x, color=GREY, linestyle="--", linewidth=1)
    axes.text(x, 1.02, text, transform=axes.get_xaxis_transform(), ha="center", fontsize=SMALL, color=INK)


def draw_heatmap(
    axes: Axes,
    fractions: NDArray[np.float64],
    texts: NDArray[np.str_],
    *,
    names: tuple[Sequence[str], Sequence[str]],
    fontsize: float = SMALL,
) -> AxesImage:
    """Color cells by fractions, NaN in grey, and write texts into them in black or white.

    scikit-learn's `ConfusionMatrixDisplay` loads pyplot, writes one number per cell, and needs a square matrix.

    Args:
        fractions: shape (rows, columns), as `texts`.
        names: of the rows and of the columns.
    """
    image = axes.imshow(np.ma.masked_invalid(fractions), cmap=_HEAT, vmin=0, vmax=1, aspect="auto")
    for (row, column), text in np.ndenumerate(texts):
        ink = _choose_ink(float(fractions[row, column]))
        if text:
            axes.text(column, row, text, color=ink, fontsize=fontsize, ha="center", va="center")
    rows, columns = ([*map(shorten_name, one)] for one in names)
    axes.set_yticks(np.arange(1, len(rows)) - 0.5, minor=True)
    axes.set_xticks(np.arange(1, len(columns)) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=1)
    axes.set_yticks(range(len(rows)), labels=rows, parse_math=False)
    axes.set_xticks(range(len(columns)), labels=columns, parse_math=False)
    # 3 inches for the names of the rows.
    width = axes.figure.bbox.width / axes.figure.dpi
    if max(map(_measure_name, columns)) > (width - 3) / len(columns):
        axes.tick_params(axis="x", rotation=90)
    return image


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure as a small PNG into a folder that exists; equal figures give equal bytes."""
    set_fonts(figure)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]
    figure.set_layout_engine("none")  # the layout is done, another format need not repeat it
    pixels = np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]
    picture = Image.fromarray(pixels).convert("RGB")
    picture.quantize(_COLORS, Image.Quantize.MAXCOVERAGE, kmeans=1).save(
        path, format="PNG", optimize=True, dpi=(DPI, DPI)
    )


def render_svg(figure: Figure) -> str:
    """Return a figure as the `src` of an image: SVG without a background; equal figures give equal text."""
    set_fonts(figure)
    stream = BytesIO()
    with mpl.rc_context(_SVG):
        figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return f"data:image/svg+xml;base64,{b64encode(stream.getvalue()).decode()}"


def _measure_name(name: str) -> float:
    """Return an upper limit of the width in inches: 0.085 for a capital letter, 0.111 for a Chinese character."""
    return sum(0.111 if unicodedata.east_asian_width(character) in {"W", "F"} else 0.085 for character in name)


def _choose_ink(fraction: float) -> str:
    """Return black or white, whichever has the higher WCAG 2 contrast on the color of a fraction."""
    luminance = ((np.array(_HEAT(fraction)[:3]) + 0.055) / 1.055) ** 2.4 @ (0.2126, 0.7152, 0.0722)
    return "black" if (luminance + 0.05) ** 2 > 1.05 * 0.05 else "white"
