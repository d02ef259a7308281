"""Write the report of a search: its trials, the best one, and its scores on the test set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hf_newscls.evaluation.metric_names import name_metric
from hf_newscls.report.figures.search import plot_importances, plot_trials
from hf_newscls.report.figures.style import render_svg
from hf_newscls.report.template import render_template
from hf_newscls.storage import write_text
from hf_newscls.tuning.result import MIN_TRIALS, SearchResult, TrialResult


@dataclass(frozen=True)
class OptimismGap:
    """How much one score of the best trial fell."""

    metric: str
    searched: float  # of the best trial, on validation
    validation: float  # of the recipe trained again, on validation: mean over seeds
    test: float  # the same on the test set


def write_search_page(
    result: SearchResult, path: Path, *, gaps: Sequence[OptimismGap] = (), seeds: Sequence[int] = ()
) -> None:
    """Write the page atomically; `gaps` and `seeds` are of the models trained with the best recipe."""
    complete, name = result.complete, name_metric(result.metric)
    figures = {
        "trials": plot_trials(
            [one.number for one in complete],
            [one.score or 0.0 for one in complete],
            name=name,
            lower_is_better=result.lower_is_better,
        )
    }
    if result.importances:
        figures["importances"] = plot_importances(result.importances)
    write_text(
        path,
        render_template(
            "hf_newscls.report",
            "templates/search.html.jinja",
            result=result,
            gaps=gaps,
            seeds=seeds,
            min_trials=MIN_TRIALS,
            summaries={one.number: format_values(one) for one in result.trials},
            figures={name: render_svg(figure) for name, figure in figures.items()},
        ),
    )


def format_values(trial: TrialResult) -> str:
    """Return the values of a trial in one line; keys of `training_arguments` are written without it."""
    return ", ".join(
        f"{key.removeprefix('training_arguments.')}={'null' if value is None else value}"
        for key, value in trial.flat_values.items()
    )
