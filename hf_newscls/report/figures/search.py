"""Draw a search: the score of each trial with the best so far, and how much each key matters."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from hf_newscls.report.figures import style


def plot_trials(numbers: Sequence[int], scores: Sequence[float], *, name: str, lower_is_better: bool) -> Figure:
    """Return a figure of the validation score of each complete trial, and of the best so far.

    Args:
        numbers: of the trials, ascending.
        scores: one for each trial.
        name: of the score.
        lower_is_better: whether the best score is the lowest one.
    """
    figure = style.build_figure(height=3.2, title="Validation score of the trials")
    axes = style.format_axes(figure.add_subplot(), grid="both", xlabel="Trial", ylabel=name)
    style.set_whole_ticks(axes)
    best = (np.minimum if lower_is_better else np.maximum).accumulate(np.asarray(scores, dtype=np.float64))
    axes.plot(numbers, scores, color=style.SKY, linestyle="", marker="o", markersize=5, label="trial")
    axes.step(numbers, best, where="post", color=style.BLUE, linewidth=1.5, label="best so far")
    style.add_legend(figure)
    return figure


def plot_importances(importances: Mapping[str, float]) -> Figure:
    """Return a figure of the importance of each key, the highest on top."""
    names = sorted(importances, key=lambda name: -importances[name])
    figure = style.build_figure(height=style.LINE * len(names) + 1.2, title="Importance of each key in the search")
    axes = style.format_axes(figure.add_subplot(), grid="x", xlabel="Importance (PED-ANOVA)", percent="x")
    axes.barh(range(len(names)), [importances[name] for name in names], height=0.7, color=style.BLUE)
    style.name_rows(axes, names)
    return figure
