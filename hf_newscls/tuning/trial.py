"""Train one trial, in a process of its own that frees all memory: python -m hf_newscls.tuning.trial FOLDER ROWS.

It reads the training and validation rows of the search. It has neither the path of the data nor the test rows.
"""

from __future__ import annotations

import logging
import math
import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hf_newscls.errors import NewsclsError
from hf_newscls.recipe.loading import read_run_recipe
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.training.record import SELECTION, TrainingRecord
from hf_newscls.tuning.study import SCORES, SECONDS, load_study

if TYPE_CHECKING:
    from datasets import DatasetDict
    from optuna.trial import Trial

_STORAGE = "HF_NEWSCLS_TUNE_STORAGE"  # not an argument: it may hold a password
_PREFIX = "eval_"


def run_process(folder: Path, *, rows: Path, storage: str, launcher: Sequence[str]) -> str | None:
    """Train a trial in a new process; return why it failed, or None.

    Args:
        folder: of the trial, with its recipe.yaml; it gets log.txt.
        rows: training and validation rows.
        storage: of the study.
        launcher: command that runs a Python module, such as `python` or `accelerate launch`.
    """
    command = [*launcher, "-m", "hf_newscls.tuning.trial", str(folder), str(rows)]
    environment = {**os.environ, _STORAGE: storage}
    with (folder / "log.txt").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.PIPE,  # its end tells the trial that this process has ended, however it did
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C is for this process
        )
        with process:
            code = process.wait()
    if code == 0:
        return None
    lines = (folder / "log.txt").read_text(encoding="utf-8", errors="replace").split("\n")
    last = next((line for line in reversed(lines) if line.strip()), "no output")
    return f"exit code {code}: {last.strip()}; see {folder / 'log.txt'}"


def main() -> None:
    """Train the trial of the folder that the command line names."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s  %(message)s")
    logging.getLogger("hf_newscls").setLevel(logging.INFO)
    try:
        train_trial(Path(sys.argv[1]), Path(sys.argv[2]), storage=os.environ[_STORAGE])
    except NewsclsError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201 # the last line of log.txt
        sys.exit(error.exit_code)


def _end_with_parent() -> None:
    """End this process at once when its parent has ended: another process then starts the trial again."""
    while os.read(0, 1):  # not sys.stdin: a thread that waits in it breaks the end of the interpreter
        pass
    os._exit(1)


def train_trial(folder: Path, rows: Path, *, storage: str) -> None:
    """Train the recipe of a trial's folder, and store its validation scores; or prune it.

    Raises:
        NewsclsError: the recipe cannot be trained.
    """
    from datasets import DatasetDict
    from transformers.utils import logging as transformers_logging

    from hf_newscls.distributed import run_on_main
    from hf_newscls.tuning.pruning import PruningCallback

    transformers_logging.disable_progress_bar()  # it would fill log.txt
    recipe = read_run_recipe(folder / "recipe.yaml")
    attached: list[Trial] = []

    def attach() -> Trial:
        """Return the trial in the storage, which only the main process opens."""
        if not attached:
            attached.append(_find_trial(recipe.name, int(folder.name), storage=storage))
        return attached[0]

    callback = PruningCallback(attach)
    record = _fit(recipe, folder, DatasetDict.load_from_disk(str(rows)), callback=callback)
    keeps_best = recipe.training_arguments.get("load_best_model_at_end", True)
    run_on_main(lambda: _store(attach(), record, keeps_best=keeps_best, is_pruned=callback.is_pruned))


def _find_trial(study_name: str, number: int, *, storage: str) -> Trial:
    from optuna.trial import Trial

    study = load_study(study_name, storage=storage)
    return Trial(study, study.get_trials(deepcopy=False)[number]._trial_id)


def _fit(recipe: Recipe, folder: Path, rows: DatasetDict, *, callback: Any) -> TrainingRecord:
    """Train as `train` does, without files: no checkpoints, and no model is kept."""
    from hf_newscls.modeling.adapters import add_adapter
    from hf_newscls.modeling.loading import count_positions, load_pretrained
    from hf_newscls.modeling.tokenization import tokenize_splits
    from hf_newscls.training.arguments import build_training_arguments
    from hf_newscls.training.backend import detect_backend
    from hf_newscls.training.fit import fit_classifier

    unsaved = {"save_strategy": "no", "load_best_model_at_end": False, "report_to": "none"}
    recipe = recipe.model_copy(update={"training_arguments": {**recipe.training_arguments, **unsaved}})
    backend = detect_backend(use_cpu=recipe.use_cpu)
    arguments = build_training_arguments(recipe, output_dir=folder, backend=backend)
    classifier = load_pretrained(recipe.model, rows["train"].features["label"].names, seed=recipe.seed)
    max_length = min(recipe.model.max_length, count_positions(classifier.model))
    if recipe.adapter is not None:
        classifier = add_adapter(classifier, recipe.adapter, seed=recipe.seed)
    tokenized = tokenize_splits(rows, classifier.tokenizer, max_length=max_length, truncation=recipe.model.truncation)
    return fit_classifier(
        classifier, tokenized, recipe=recipe, arguments=arguments, backend=backend, callbacks=[callback]
    )


def _store(trial: Trial, record: TrainingRecord, *, keeps_best: bool, is_pruned: bool) -> None:
    """Store the scores of the best evaluation, or of the last one if `train` keeps the last model."""
    from optuna.study import StudyDirection
    from optuna.trial import TrialState

    metric = record.settings[SELECTION]
    sign = 1 if trial.study.direction == StudyDirection.MINIMIZE else -1
    evaluations: list[Mapping[str, float]] = [one for one in record.log_history if _PREFIX + metric in one]
    if not evaluations:
        raise NewsclsError(f"no evaluation gave a finite {metric}; lower the learning rate")
    kept = min(evaluations, key=lambda one: sign * one[_PREFIX + metric]) if keeps_best else evaluations[-1]
    scores = {name.removeprefix(_PREFIX): value for name, value in kept.items() if name.startswith(_PREFIX)}
    trial.set_user_attr(SCORES, {name: value for name, value in scores.items() if math.isfinite(value)})
    trial.set_user_attr(SECONDS, record.runtime_seconds)
    if is_pruned:
        trial.study.tell(trial, state=TrialState.PRUNED)
    else:
        trial.study.tell(trial, scores[metric])


if __name__ == "__main__":
    main()
