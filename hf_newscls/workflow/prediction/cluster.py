"""Predict the rows of many files on the machines of a Ray cluster."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from hf_newscls import __version__
from hf_newscls.workflow.model_address import find_model_address, list_names
from hf_newscls.workflow.run import Run

if TYPE_CHECKING:
    from hf_newscls.inference.ray_engine import RayTask

logger = logging.getLogger(__name__)


def predict_with_ray(
    model: Run | str | Path,
    inputs: str | Sequence[str],
    output: str,
    *,
    id_column: str,
    text: str | Sequence[str] | None = None,
    keep: str | Sequence[str] | None = None,
    top_k: int = 1,
    probabilities: bool = False,
    min_confidence: float = 0.0,
    float32: bool = False,
    address: str | None = None,
    workers: int = 1,
    gpus_per_worker: float = 0.0,
    runs_dir: str | Path = "runs",
) -> None:
    """Predict every row of many files on a Ray cluster, and write a folder of Parquet files.

    The rows of the output are in no order; the id says which row each is. If the program or a machine fails, the same
    call goes on with the rows that are not written yet.

    Args:
        model: as for `predict`; a folder must be at the same path on all machines of the cluster.
        inputs: paths or URIs of files or folders, all CSV or all Parquet: s3://, gs://, hdfs://, hf://.
        output: path or URI of the folder.
        id_column: column with a different value in each row.
        text: a column, or several that are joined into the text; by default those that the model was trained on.
        keep: a column that is copied next to the id, or several; by default those of the text.
        top_k: number of labels for each row.
        probabilities: write the probability of every label instead.
        min_confidence: leave all answers to a text empty if the most probable one has a lower probability.
        float32: do not compute in bfloat16, which is the default on devices that are faster in it.
        address: of the cluster; None starts one on this machine.
        workers: processes with a model of their own.
        gpus_per_worker: GPUs that each worker takes; a fraction lets several workers use one GPU.
        runs_dir: where the run folders are.

    Raises:
        InputError: Ray is not installed, or the options or files do not fit.
        ModelError: the model cannot be loaded.
        StorageError: the output exists, and another call wrote it.
    """
    from hf_newscls.inference.answers import AnswerForm, check_kept
    from hf_newscls.inference.predicting import fingerprint_classifier
    from hf_newscls.inference.ray_engine import RayTask, Workers, answer_with_ray
    from hf_newscls.modeling.acceleration.bfloat16 import has_fast_bf16

    form = AnswerForm(top_k, probabilities, min_confidence)
    inputs = [inputs] if isinstance(inputs, str) else [*inputs]
    found = find_model_address(model, runs_dir=runs_dir)
    classifier = found.load()
    columns = found.choose_text(classifier, named=text)
    kept = [*dict.fromkeys([id_column, *(columns.columns if keep is None else list_names(keep))])]
    check_kept(kept, form, classifier.label_names)
    task = RayTask(
        address=str(Path(found.address).absolute()) if Path(found.address).is_dir() else found.address,
        encoder=found.recipe.model if found.recipe else None,
        text=columns,
        keep=kept,
        id_column=id_column,
        form=form,
        bf16=not float32 and has_fast_bf16(classifier.model.device),
    )
    answer_with_ray(
        task,
        inputs,
        output,
        identity=_identify(task, fingerprint_classifier(classifier), inputs),
        workers=Workers(address, workers, gpus_per_worker),
    )
    logger.info("wrote %s", output)


def _identify(task: RayTask, model: str, inputs: Sequence[str]) -> str:
    """Return a hash of what decides the answers, except for the content of the files, which can be huge."""
    deciding = [model, task.text.to_config(), [*task.keep], asdict(task.form), task.bf16, [*inputs], __version__]
    return hashlib.sha256(json.dumps(deciding).encode()).hexdigest()[:16]
