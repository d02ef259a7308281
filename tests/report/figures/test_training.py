"""What the loss curves show: lines, marks, scales."""

from pathlib import Path

import numpy as np
import pytest

from hf_newscls.report.figures.style import save_figure
from hf_newscls.report.figures.training import plot_loss_curves
from tests.report.figures.figure_parts import read_names, read_texts


def build_history(*, entries: int, unfreeze_step: int) -> list[dict[str, float]]:
    """Log a loss each step: 3 up to `unfreeze_step`, 1 after it; the last entry is the summary of the Trainer."""
    history: list[dict[str, float]] = []
    for step in range(1, entries + 1):
        is_frozen = step <= unfreeze_step
        rate = 1e-3 if is_frozen else 2e-5
        history.append({"step": step, "loss": 3.0 if is_frozen else 1.0, "learning_rate": rate, "grad_norm": 1.0})
        if step % 10 == 0:
            history.append({"step": step, "eval_loss": 2.5 if is_frozen else 1.25, "eval_f1_macro": 0.5})
    return [*history, {"step": entries, "train_loss": 2.0, "train_runtime": 9.0}]


def test_loss_names_axes_and_lines() -> None:
    figure = plot_loss_curves(build_history(entries=30, unfreeze_step=10), unfreeze_step=10, best_step=20)
    losses, rates = figure.axes
    assert losses.get_ylabel() == "Mean loss per text"
    assert (rates.get_xlabel(), rates.get_ylabel()) == ("Training step (optimizer updates)", "Learning rate")
    names = read_names(figure.legends[0].get_texts())
    assert names == [
        "training loss",
        "validation loss",
        "best checkpoint (step 20)",
    ]


def test_loss_draws_what_was_logged() -> None:
    losses = plot_loss_curves(build_history(entries=30, unfreeze_step=10), unfreeze_step=10).axes[0]
    lines = {str(line.get_label()): np.asarray(line.get_xydata()) for line in losses.lines}
    assert lines["validation loss"].tolist() == [[10, 2.5], [20, 1.25], [30, 1.25]]
    assert lines["training loss"].tolist() == [[step, 3 if step <= 10 else 1] for step in range(1, 31)]


def test_loss_marks_the_unfreeze_step_in_both_panels() -> None:
    figure = plot_loss_curves(build_history(entries=30, unfreeze_step=10), unfreeze_step=10)
    assert [text.get_position()[0] for text in figure.axes[0].texts if text.get_text() == "unfreeze"] == [10]
    for axes in figure.axes:
        assert [10, 10] in [list(line.get_xdata()) for line in axes.lines]


def test_loss_of_one_stage_has_no_unfreeze_mark() -> None:
    figure = plot_loss_curves(build_history(entries=30, unfreeze_step=0), unfreeze_step=None)
    assert "unfreeze" not in read_texts(figure)
    assert figure.axes[1].get_yscale() == "linear"


def test_loss_puts_the_best_checkpoint_on_the_validation_loss() -> None:
    history = build_history(entries=30, unfreeze_step=10)
    losses = plot_loss_curves(history, unfreeze_step=10, best_step=20).axes[0]
    (star,) = [line for line in losses.lines if line.get_marker() == "*"]
    assert np.asarray(star.get_xydata()).tolist() == [[20, 1.25]]


def test_loss_average_stays_within_its_stage() -> None:
    history = build_history(entries=200, unfreeze_step=100)
    losses = plot_loss_curves(history, unfreeze_step=100).axes[0]
    (average,) = [line for line in losses.lines if line.get_label() == "training loss (mean of 9 log entries)"]
    assert np.asarray(average.get_ydata()).tolist() == [3.0] * 100 + [1.0] * 100


def test_loss_average_is_taken_over_neighbours() -> None:
    history = [{"step": step, "loss": float(step == 50)} for step in range(1, 101)]
    losses = plot_loss_curves(history, unfreeze_step=None).axes[0]
    (average,) = [line for line in losses.lines if line.get_label() == "training loss (mean of 5 log entries)"]
    assert np.flatnonzero(average.get_ydata()).tolist() == [47, 48, 49, 50, 51]
    assert max(np.asarray(average.get_ydata())) == pytest.approx(0.2)


@pytest.mark.parametrize(("first", "second", "scale"), [(1e-3, 2e-5, "log"), (2e-5, 2e-5, "linear"), (0, 0, "linear")])
def test_learning_rate_scale_shows_both_stages(first: float, second: float, scale: str) -> None:
    history = [{"step": step, "learning_rate": first if step <= 3 else second} for step in range(1, 7)]
    rates = plot_loss_curves(history, unfreeze_step=3).axes[1]
    bottom, top = rates.get_ylim()
    assert rates.get_yscale() == scale
    assert bottom <= min(first, second)
    assert max(first, second) < top


def test_learning_rate_of_zero_lies_on_the_edge_of_a_log_scale() -> None:
    values = [0, 1e-3, 0, 0, 2e-5, 0]
    history = [{"step": step, "learning_rate": rate} for step, rate in enumerate(values, start=1)]
    rates = plot_loss_curves(history, unfreeze_step=3).axes[1]
    drawn = np.array([line.get_ydata() for line in rates.lines[:2]])
    assert drawn == pytest.approx(np.array([[1e-6, 1e-3, 1e-6], [1e-6, 2e-5, 1e-6]]))
    assert rates.get_ylim()[0] == pytest.approx(1e-6)


@pytest.mark.parametrize("history", [[], [{"step": 4, "train_runtime": 2.0}], [{"step": 4, "loss": float("nan")}]])
def test_loss_draws_a_history_without_values(history: list[dict[str, float]], tmp_path: Path) -> None:
    save_figure(plot_loss_curves(history, unfreeze_step=2, best_step=4), tmp_path / "loss.png")
    assert (tmp_path / "loss.png").stat().st_size > 0
