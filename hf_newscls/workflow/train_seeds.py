"""Train a recipe with several seeds, and say how much of its score is luck."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hf_newscls.distributed import run_on_main
from hf_newscls.evaluation.metric_names import DECISION_METRICS
from hf_newscls.evaluation.renamed_keys import rename_old_keys
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.runs.folder import RunFolder
from hf_newscls.runs.resuming import find_finished
from hf_newscls.storage import write_json
from hf_newscls.workflow.prepare import prepare
from hf_newscls.workflow.train import train

if TYPE_CHECKING:
    from hf_newscls.evaluation.statistics.seeds import Spread, SpreadGain

__all__ = ["SeedRuns", "train_seeds"]

_FILE = "seeds.json"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class SeedRuns:
    """Trainings of one recipe that differ in their seed alone.

    Attributes:
        recipe_name: of the recipe.
        seeds: ascending; the first is the recipe's own.
        runs: of the seeds, in their order.
        spreads: of test scores, by metric.
        gains: by name of another recipe that was trained with several seeds on the same split, and by metric.
    """

    recipe_name: str
    seeds: Sequence[int]
    runs: Sequence[RunFolder]
    spreads: Mapping[str, Spread]
    gains: Mapping[str, Mapping[str, SpreadGain]]


def train_seeds(
    recipe: Recipe, *, seeds: int, runs_dir: Path, cards_dir: Path | None = None, no_resume: bool = False
) -> SeedRuns:
    """Train with the recipe's seed and those that follow it, on one split; write `seeds.json` beside the runs.

    A seed whose run was finished is not trained again, so what was interrupted goes on. Card and `latest` are those of
    the recipe's own seed.

    Args:
        recipe: what to do.
        seeds: how many, at least 2.
        runs_dir: where run folders are kept.
        cards_dir: where a copy of the card goes, if anywhere.
        no_resume: train every seed anew.

    Raises:
        InputError: there are fewer than two seeds, or recipe, data or model cannot be used.
    """
    from hf_newscls.evaluation.statistics.seeds import compute_spread

    compute_spread([0.0] * seeds)  # refuses too few before anything is trained
    fingerprint = prepare(recipe).manifest.fingerprint
    numbers = [recipe.seed + index for index in range(seeds)]
    runs: dict[int, RunFolder] = {}
    for seed in reversed(numbers):  # the recipe's own comes last, and its card stays
        seeded = _set_seed(recipe, seed)
        found = None if no_resume else run_on_main(partial(find_finished, seeded, fingerprint, runs_dir=runs_dir))
        logger.info("seed %d: %s", seed, f"finished before, {found.path}" if found else "training")
        runs[seed] = found or train(seeded, runs_dir=runs_dir, cards_dir=cards_dir, no_resume=no_resume)[0]
    own = [runs[seed] for seed in numbers]
    tests = [rename_old_keys(run.read_json(run.metrics))["test"] for run in own]
    # Not log_loss: a single confident mistake changes it a lot.
    spreads = {name: compute_spread([scores[name] for scores in tests]) for name in DECISION_METRICS}
    result = SeedRuns(recipe.name, numbers, own, spreads, _compare(recipe, fingerprint, spreads, runs_dir=runs_dir))
    run_on_main(lambda: _write(result, fingerprint, runs_dir=runs_dir))
    return result


def _set_seed(recipe: Recipe, seed: int) -> Recipe:
    return recipe.model_copy(update={"training_arguments": {**recipe.training_arguments, "seed": seed}})


def _compare(
    recipe: Recipe, fingerprint: str, spreads: Mapping[str, Spread], *, runs_dir: Path
) -> dict[str, dict[str, SpreadGain]]:
    from hf_newscls.evaluation.statistics.seeds import Spread, compare_spreads

    return {
        name: {score: compare_spreads(spread, Spread(**content["scores"][score])) for score, spread in spreads.items()}
        for name, content in _iterate_others(recipe.name, runs_dir=runs_dir)
        if content["split_fingerprint"] == fingerprint
    }


def _iterate_others(recipe_name: str, *, runs_dir: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted(runs_dir.glob(f"*/{_FILE}")):
        if path.parent.name != recipe_name:
            yield path.parent.name, rename_old_keys(json.loads(path.read_text(encoding="utf-8")))


def _write(result: SeedRuns, fingerprint: str, *, runs_dir: Path) -> None:
    result.runs[0].mark_latest()
    content = {
        "recipe": result.recipe_name,
        "split_fingerprint": fingerprint,
        "seeds": [*result.seeds],
        "runs": [run.path.name for run in result.runs],
        "scores": {name: asdict(spread) for name, spread in result.spreads.items()},
        "gains": {
            name: {
                score: {"gain": one.gain, "interval": [one.interval.low, one.interval.high]}
                for score, one in scores.items()
            }
            for name, scores in result.gains.items()
        },
    }
    write_json(runs_dir / result.recipe_name / _FILE, content)
