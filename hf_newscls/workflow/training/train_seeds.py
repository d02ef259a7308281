"""Train a recipe with several seeds, to see how much its scores vary."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hf_newscls.distributed import run_on_main
from hf_newscls.evaluation.metric_names import DECISION_METRICS
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.runs.folder import RunFolder
from hf_newscls.runs.resuming import find_finished
from hf_newscls.storage import write_json
from hf_newscls.workflow.prepare import prepare, to_recipe
from hf_newscls.workflow.run import Run, load_run
from hf_newscls.workflow.training.availability import check_availability
from hf_newscls.workflow.training.train import Plan, train

if TYPE_CHECKING:
    import pandas as pd

    from hf_newscls.evaluation.statistics.seeds import Spread, SpreadGain

_FILE = "seeds.json"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class SeedRuns:
    """Runs of one recipe with different seeds.

    Attributes:
        recipe_name: of the recipe.
        seeds: ascending; the first is the recipe's own.
        runs: one for each seed, in the order of the seeds.
        spreads: mean, deviation and values of each test score, by metric.
        gains: gains over other recipes with several seeds on the same split, by recipe name and metric.
    """

    recipe_name: str
    seeds: Sequence[int]
    runs: Sequence[Run]
    spreads: Mapping[str, Spread]
    gains: Mapping[str, Mapping[str, SpreadGain]]

    def to_pandas(self) -> pd.DataFrame:
        """Return a row for each metric: mean, deviation, and the score of each seed."""
        import pandas as pd

        rows = {name: [spread.mean, spread.deviation, *spread.values] for name, spread in self.spreads.items()}
        return pd.DataFrame.from_dict(rows, orient="index", columns=["mean", "deviation", *map(str, self.seeds)])

    def _repr_html_(self) -> str:
        return str(self.to_pandas().to_html(float_format="{:.4f}".format))


def train_seeds(
    recipe: Recipe | str | Path,
    *,
    seeds: int,
    on_plan: Callable[[Plan], None] = lambda plan: None,
    resume: bool = True,
    runs_dir: str | Path = "runs",
    cards_dir: str | Path | None = None,
) -> SeedRuns:
    """Train with the recipe's seed and the next ones, on one split; write `seeds.json` next to the runs.

    The card and `latest` are those of the recipe's own seed.

    Args:
        recipe: a recipe, or its name or path.
        seeds: number of seeds, at least 2.
        on_plan: as in `train`, called at most once, before the first training; `seconds` is the time of all seeds.
        resume: keep the finished runs of a seed, and continue an interrupted one.
        runs_dir: where the run folders are.
        cards_dir: folder for a copy of the model card.

    Raises:
        InputError: there are fewer than two seeds, recipe, data or model cannot be used, or a run's file is damaged.
    """
    from hf_newscls.evaluation.statistics.seeds import compare_spreads, compute_spread

    recipe, runs_dir = to_recipe(recipe), Path(runs_dir)
    compute_spread([0.0] * seeds)  # raises for too few seeds, before the training
    check_availability(recipe)
    fingerprint = prepare(recipe).manifest.fingerprint
    others = _read_others(recipe.name, fingerprint, runs_dir=runs_dir)
    numbers = [recipe.seed + index for index in range(seeds)]
    # The recipe's own seed comes last, so that its card stays.
    recipes = {seed: recipe.with_seed(seed) for seed in reversed(numbers)}
    find = partial(find_finished, fingerprint=fingerprint, runs_dir=runs_dir)
    found = {seed: run_on_main(partial(find, seeded)) if resume else None for seed, seeded in recipes.items()}
    missing = [seed for seed, run in found.items() if run is None]
    options: dict[str, Any] = {"resume": resume, "runs_dir": runs_dir, "cards_dir": cards_dir}
    runs: dict[int, Run] = {}
    for seed, finished in found.items():
        logger.info("seed %d: %s", seed, f"using the finished run {finished.path}" if finished else "training")
        if finished:
            runs[seed] = load_run(finished.path)
        elif seed == missing[0]:
            runs[seed] = train(recipes[seed], on_plan=lambda plan: on_plan(_multiply(plan, len(missing))), **options)
        else:
            runs[seed] = train(recipes[seed], **options)
    ordered = [runs[seed] for seed in numbers]
    # Without log_loss: a single confident error changes it a lot.
    spreads = {name: compute_spread([run.report.test.scores[name] for run in ordered]) for name in DECISION_METRICS}
    gains = {
        other: {name: compare_spreads(spread, scores[name]) for name, spread in spreads.items()}
        for other, scores in others.items()
    }
    result = SeedRuns(recipe.name, numbers, ordered, spreads, gains)
    run_on_main(lambda: _write(result, fingerprint, runs_dir=runs_dir))
    return result


def _multiply(plan: Plan, trainings: int) -> Plan:
    return plan if plan.seconds is None else replace(plan, seconds=plan.seconds * trainings)


def _read_others(recipe_name: str, fingerprint: str, *, runs_dir: Path) -> dict[str, Mapping[str, Spread]]:
    """Return the scores of other recipes with several seeds on the same split, by recipe and metric."""
    from hf_newscls.evaluation.statistics.seeds import SeedScores

    paths = [path for path in sorted(runs_dir.glob(f"*/{_FILE}")) if path.parent.name != recipe_name]
    found = {path.parent.name: RunFolder(path.parent).read_as(path, SeedScores.from_dict) for path in paths}
    return {name: one.scores for name, one in found.items() if one.split_fingerprint == fingerprint}


def _write(result: SeedRuns, fingerprint: str, *, runs_dir: Path) -> None:
    RunFolder(result.runs[0].path).mark_latest()
    gains = {
        name: {
            score: {"gain": one.gain, "interval": [one.interval.low, one.interval.high]}
            for score, one in scores.items()
        }
        for name, scores in result.gains.items()
    }
    content = {
        "recipe": result.recipe_name,
        "split_fingerprint": fingerprint,
        "seeds": result.seeds,
        "runs": [run.path.name for run in result.runs],
        "scores": {name: asdict(spread) for name, spread in result.spreads.items()},
        "gains": gains,
    }
    write_json(runs_dir / result.recipe_name / _FILE, content)
