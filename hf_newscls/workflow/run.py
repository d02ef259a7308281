"""A finished run, as `train` and `evaluate` return it."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from hf_newscls.errors import RunError
from hf_newscls.evaluation.metric_names import HEADLINE_METRICS, name_metric
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.report.html import PageFrame
from hf_newscls.runs.folder import RunFolder, find_run

if TYPE_CHECKING:
    import pandas as pd

    from hf_newscls.evaluation.report import EvaluationReport


@dataclass(frozen=True)
class Run:
    """A finished run: a model that was trained and evaluated.

    Attributes:
        path: the run folder; start with its `report.html`.
        recipe: the resolved recipe.
        report: scores on the test set, with intervals and baselines.
    """

    path: Path
    recipe: Recipe = field(repr=False)
    report: EvaluationReport = field(repr=False)

    @property
    def model_dir(self) -> Path:
        """The model folder, which `pipeline()` of transformers loads."""
        return RunFolder(self.path).model

    @property
    def page(self) -> PageFrame:
        """The report, which a notebook shows.

        Raises:
            RunError: the run has no report.
        """
        return PageFrame(find_report(self.path))

    @property
    def predictions(self) -> pd.DataFrame:
        """One row for each row of the test set: id, text, reference, prediction, `probability of LABEL`."""
        import pandas as pd

        return pd.read_parquet(RunFolder(self.path).predictions)

    def _repr_html_(self) -> str:
        rows = []
        for name in HEADLINE_METRICS:
            interval = self.report.intervals[name]
            score = f"{self.report.test.scores[name]:.4f} ({interval})"
            rows.append(f"<tr><th>{name_metric(name)}</th><td>{score}</td></tr>")
        return (
            f"<p><b>{escape(self.recipe.name)}</b>, {self.report.test.rows:,} test rows, 95% intervals</p>"
            f"<table>{''.join(rows)}</table><p><code>{escape(str(self.path))}</code></p>"
        )


def load_run(name_or_path: str | Path, *, runs_dir: str | Path = "runs") -> Run:
    """Load a finished run, without evaluating it again.

    Args:
        name_or_path: a run folder, or the name or path of a recipe, for its latest run.
        runs_dir: where the run folders are.

    Raises:
        RunError: there is no such run, or its files are incomplete or of another version.
    """
    from hf_newscls.evaluation.report import EvaluationReport

    folder = find_folder(name_or_path, runs_dir=runs_dir)
    return Run(folder.path, folder.read_recipe(), folder.read_as(folder.metrics, EvaluationReport.from_dict))


def find_report(name_or_path: str | Path, *, runs_dir: str | Path = "runs") -> Path:
    """Return the absolute path of a finished run's report; the run is given as to `load_run`.

    Raises:
        RunError: there is no such run, or it has no report.
    """
    report = find_folder(name_or_path, runs_dir=runs_dir).report.absolute()
    if not report.is_file():
        raise RunError(f"{report.parent}: no {report.name}; evaluate the run again")
    return report


def find_folder(run: Run | str | Path, *, runs_dir: str | Path) -> RunFolder:
    """Return the folder of a run, which may be given by its path or by its recipe.

    Raises:
        RunError: there is no such run, or it has no model.
    """
    return find_run(run.path if isinstance(run, Run) else run, runs_dir=Path(runs_dir))
