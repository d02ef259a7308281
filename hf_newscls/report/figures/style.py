"""The look that all figures share, and how they are saved.

A figure is built without pyplot, so no state is shared.
"""

import re
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter
from PIL import Image

__all__ = ["build_figure", "choose_ink", "draw_mark", "render_svg", "save_figure", "shorten_name", "style_axes"]

# After Okabe and Ito: these stay apart under the common kinds of colour blindness.
BLUE, SKY, ORANGE, GREEN = "#0072B2", "#7FC4EE", "#D55E00", "#009E73"
INK, GREY, PALE = "#222222", "#767676", "#E6E6E6"
FRACTION_COLORS = mpl.colormaps["Blues"].resampled(50).with_extremes(bad=PALE)  # steps of 2%, so that 256 colours do
# How a page's style sheet calls the colors, which are others on a dark page.
_VARIABLES = {
    "--blue": BLUE,
    "--sky": SKY,
    "--orange": ORANGE,
    "--green": GREEN,
    "--ink": INK,
    "--grey": GREY,
    "--pale": PALE,
}
_SVG: dict[Any, Any] = {"svg.fonttype": "none", "svg.hashsalt": "hf_newscls"}
DPI, WIDTH, SMALL, NORMAL, LARGE = 120, 8.5, 8, 9, 11


def build_figure(*, width: float, height: float, title: str) -> Figure:
    """Return an empty white figure that can be drawn without a display."""
    figure = Figure(figsize=(width, height), dpi=DPI, facecolor="white", layout="constrained")
    figure.suptitle(title, x=0.01, ha="left", fontsize=LARGE, color=INK)
    return FigureCanvasAgg(figure).figure


def style_axes(axes: Axes, *, grid: Literal["x", "y", "both"] | None, xlabel: str, ylabel: str) -> Axes:
    """Return the axes in the look all figures share; without a grid there is no frame either."""
    axes.tick_params(labelsize=SMALL, labelcolor=INK, length=0)
    axes.set_xlabel(xlabel, fontsize=NORMAL, color=INK)
    axes.set_ylabel(ylabel, fontsize=NORMAL, color=INK)
    axes.spines[:].set(color=GREY, visible=False)
    if grid is not None:
        axes.spines[["left", "bottom"]].set_visible(True)
        axes.set_axisbelow(True)
        axes.grid(visible=True, axis=grid, color=PALE, linewidth=0.7)
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    return axes


def draw_mark(axes: Axes, index: float, *, text: str) -> None:
    """Draw a dashed vertical line with a name above the axes."""
    axes.axvline(index, color=GREY, linestyle="--", linewidth=1)
    axes.text(index, 1.02, text, transform=axes.get_xaxis_transform(), ha="center", fontsize=SMALL, color=INK)


def shorten_name(name: str) -> str:
    """Return a label's name, cut to 32 characters."""
    return name if len(name) <= 32 else f"{name[:31]}…"


def choose_ink(fraction: float) -> str:
    """Return the color of a number on a cell of a share: black or white, whichever has the higher WCAG 2 contrast."""
    luminance = ((np.array(FRACTION_COLORS(fraction)[:3]) + 0.055) / 1.055) ** 2.4 @ (0.2126, 0.7152, 0.0722)
    return "black" if (luminance + 0.05) ** 2 > 1.05 * 0.05 else "white"


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure as a PNG of 256 colours, margins cut, into a folder that exists; equal figures, equal bytes."""
    stream = BytesIO()
    figure.savefig(stream, format="png", dpi=DPI, facecolor="white", bbox_inches="tight")
    figure.set_layout_engine("none")  # it is laid out now: another picture of it need not do so again
    picture = Image.open(stream).convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE, kmeans=1)
    picture.save(path, format="PNG", optimize=True, dpi=(DPI, DPI))


def render_svg(figure: Figure, *, name: str) -> str:
    """Return a figure as an SVG element for a page of HTML; equal figures, equal text.

    Its colors are variables of the page's style sheet, as `--ink`, its text is text in the page's font, and it is as
    wide as there is room. Nothing in it has an id but what is referred to, and that begins with `name`.
    """
    stream = StringIO()
    with mpl.rc_context(_SVG):
        figure.savefig(stream, format="svg", bbox_inches="tight", metadata={"Date": None, "Creator": None})
    svg = re.sub(r"^.*?(?=<svg)|<metadata>.*?</metadata>|<style.*?</style>", "", stream.getvalue(), flags=re.S)
    used = {*re.findall(r"url\(#([^)]+)\)", svg), *re.findall(r'href="#([^"]+)"', svg)}
    svg = re.sub(r'\sid="([^"]+)"', lambda match: f' id="{name}-{match[1]}"' if match[1] in used else "", svg)
    svg = re.sub(r"(url\(#|href=\"#)", rf"\1{name}-", svg)
    svg = re.sub(r"font-family: [^;\"]*;? ?", "", svg)
    for variable, color in _VARIABLES.items():
        svg = svg.replace(f": {color.lower()}", f": var({variable})")
    # White letters stand on a color that stays as it is.
    svg = svg.replace('style="fill: #ffffff', 'style="fill: var(--paper)')
    # Without a size of its own it takes the page's; the viewBox keeps its shape.
    opening, rest = svg.split(">", 1)
    return re.sub(r'\s(width|height)="[^"]*"', "", opening) + ">" + rest
