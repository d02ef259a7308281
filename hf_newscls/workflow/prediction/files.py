"""Predict the rows of files of any size, and write the answers: block by block, resumable."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from hf_newscls import __version__
from hf_newscls.errors import DataError, InputError, StorageError, format_examples
from hf_newscls.files import compute_sha256
from hf_newscls.progress import report_progress
from hf_newscls.storage import check_folder, report_disk_errors
from hf_newscls.workflow.model_address import ModelAddress, find_model_address, list_names
from hf_newscls.workflow.prediction.rows import RowInput, open_rows
from hf_newscls.workflow.run import Run

if TYPE_CHECKING:
    from hf_newscls.inference.answer_blocks import RowTask
    from hf_newscls.inference.answers import AnswerForm
    from hf_newscls.inference.partial_output import PartialOutput
    from hf_newscls.inference.submission import Submission
    from hf_newscls.workflow.prediction.rows import Rows

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class AnswersFile:
    """A file of answers that was written.

    Attributes:
        path: the file.
        rows: number of answered rows: those of the input.
        empty: rows whose text has no word.
        unsure: rows whose answer is empty because its probability is below `min_confidence`.
        truncated: rows whose text is longer than the model reads.
        seconds: duration of this call; a call before it may have answered some of the rows.
    """

    path: Path
    rows: int
    empty: int
    unsure: int
    truncated: int
    seconds: float


class _Plan(NamedTuple):
    """What is done with the rows, and the sample that decides the form of the output."""

    task: RowTask
    sample: Submission | None


def predict_file(
    model: Run | str | Path,
    source: Rows,
    output: str | Path,
    *,
    text: str | Sequence[str] | None = None,
    keep: str | Sequence[str] | None = None,
    top_k: int = 1,
    probabilities: bool = False,
    min_confidence: float = 0.0,
    submission: str | Path | None = None,
    overwrite: bool = False,
    float32: bool = False,
    runs_dir: str | Path = "runs",
) -> AnswersFile:
    """Predict every row of a file, and write one row of answers for each, in the same order.

    The output appears when it is whole. Until then its parts are in the folder `<output>.partial`; the same call
    continues there after an interruption, and writes the same bytes.

    Args:
        model: as for `predict`.
        source: a file or several, as `data.source` of a recipe names them, or a dataset. A stream is read as JSON Lines
            if its first line begins with `{`, else as one text per line; it cannot be continued.
        output: the file to write: .csv, .jsonl or .parquet.
        text: a column, or several that are joined into the text; by default those that the model was trained on.
        keep: a column that is copied, or several; by default those of the text.
        top_k: number of labels for each row.
        probabilities: write the probability of every label instead.
        min_confidence: leave all answers to a text empty if the most probable one has a lower probability.
        submission: a sample submission: write its columns, rows and labels, as Kaggle takes them.
        overwrite: replace an output that exists.
        float32: do not compute in bfloat16, which is the default where it is faster.
        runs_dir: where the run folders are.

    Raises:
        InputError: the options contradict each other.
        SourceError: a file does not exist or cannot be fetched.
        DataError: it cannot be read, lacks a column, or does not fit the sample submission.
        ModelError: the model cannot be loaded.
        StorageError: the output exists, another process writes it, or the disk is full or read-only.
    """
    from hf_newscls.inference.answers import AnswerForm
    from hf_newscls.inference.output_formats import find_writer
    from hf_newscls.inference.partial_output import open_partial_output
    from hf_newscls.inference.precision import predicting_fast
    from hf_newscls.modeling.acceleration.bfloat16 import has_fast_bf16

    began, output = time.monotonic(), Path(output)
    form = AnswerForm(top_k, probabilities, min_confidence)
    find_writer(output)
    if submission is not None and (keep or form != AnswerForm()):
        raise InputError(
            "submission decides the columns and rows of the output; remove keep, top_k, probabilities and "
            "min_confidence"
        )
    _check_output(output, None, overwrite=overwrite)
    address = find_model_address(model, runs_dir=runs_dir)
    rows = open_rows(source, recipe=address.recipe)
    if output.exists() and any(path.samefile(output) for path in rows.paths):
        raise InputError(f"{output}: the output is the input, which would be lost; name another file")
    plan = _plan(address, rows, text=text, keep=keep, form=form, sample=submission)
    total = _check_rows(rows, plan)
    use_bf16 = not float32 and has_fast_bf16(plan.task.classifier.model.device)
    command = _describe(plan, rows, bf16=use_bf16)
    _check_output(output, command, overwrite=overwrite)
    parts = open_partial_output(output, command, is_repeatable=rows.fingerprint is not None)
    with report_disk_errors(output.parent), parts as partial:
        summary = partial.read_finished()
        if summary is None:
            with predicting_fast(plan.task.classifier, bf16=use_bf16):
                _add_parts(plan.task, rows, partial, total=total)
            summary = dict(partial.sum_counts())
            partial.finish(lambda path: _write(plan, partial, path), summary)
    return AnswersFile(output, **summary, seconds=time.monotonic() - began)


def _plan(
    address: ModelAddress,
    rows: RowInput,
    *,
    text: str | Sequence[str] | None,
    keep: str | Sequence[str] | None,
    form: AnswerForm,
    sample: str | Path | None,
) -> _Plan:
    from hf_newscls.inference.answer_blocks import RowTask
    from hf_newscls.inference.answers import check_kept
    from hf_newscls.inference.submission import read_submission

    classifier = address.load()
    columns = address.choose_text(classifier, named=text, only=rows.only_column)
    if sample is not None:
        found = read_submission(Path(sample), classifier.label_names)
        check_kept([found.id_column], found.form, classifier.label_names)
        return _Plan(RowTask(classifier, columns, [found.id_column], found.form), found)
    kept = [*dict.fromkeys(columns.columns if keep is None else list_names(keep))]
    check_kept(kept, form, classifier.label_names)
    return _Plan(RowTask(classifier, columns, kept, form), None)


def _check_rows(rows: RowInput, plan: _Plan) -> int | None:
    """Read all rows once, so that a fault at their end is found before hours of work; return their number."""
    import pyarrow as pa

    from hf_newscls.inference.submission import check_ids

    if rows.fingerprint is None:
        if plan.sample is not None:
            raise InputError(f"{rows.name}: a submission needs rows that can be read twice; save them as a file")
        return None
    ids, total = [], 0
    for block in rows.read_blocks(plan.task.columns):
        total += len(block)
        if plan.sample is not None:
            ids += block.column(plan.sample.id_column).chunks
    if total == 0:
        raise DataError(f"{rows.name}: no rows; check that the file is whole")
    if plan.sample is not None:
        check_ids(plan.sample, pa.chunked_array(ids), source_name=rows.name)
    logger.info("%s: %s rows, text from %s", rows.name, f"{total:,}", format_examples(plan.task.text.columns))
    return total


def _describe(plan: _Plan, rows: RowInput, *, bf16: bool) -> dict[str, Any]:
    """Return everything that decides the output."""
    import torch

    from hf_newscls.inference.predicting import fingerprint_classifier

    task = plan.task
    return {
        "model": fingerprint_classifier(task.classifier),
        "input": rows.fingerprint or f"read once, at {time.time_ns()}",
        "text": task.text.to_config(),
        "keep": [*task.keep],
        "form": asdict(task.form),
        "submission": compute_sha256(plan.sample.path) if plan.sample else None,
        "precision": "bfloat16" if bf16 else "float32",
        "device": task.classifier.model.device.type,
        "versions": {"hf_newscls": __version__, "torch": torch.__version__},
    }


def _check_output(output: Path, command: Mapping[str, Any] | None, *, overwrite: bool) -> None:
    """Refuse to replace an output, unless a killed process with the same command wrote it; None: not known yet."""
    from hf_newscls.inference.partial_output import was_finished

    if output.is_dir():
        raise StorageError(f"{output}: is a folder; name a file")
    check_folder(output.parent)
    if output.exists() and not overwrite and not was_finished(output, command):
        raise StorageError(
            f"{output}: exists already; name another file, or replace it with --overwrite (overwrite=True)"
        )


def _add_parts(task: RowTask, rows: RowInput, partial: PartialOutput, *, total: int | None) -> None:
    """Answer the blocks that have no part yet."""
    from hf_newscls.inference.answer_blocks import answer_blocks

    first, done = partial.count_parts(), partial.sum_counts()["rows"]
    if first:
        logger.info("%s: continuing after %s rows", partial.output, f"{done:,}")
    report_progress("predicting", done, total)
    blocks = islice(rows.read_blocks(task.columns), first, None)
    for number, block in enumerate(answer_blocks(task, blocks), start=first):
        partial.add_part(number, block.table, block.counts)
        done += block.counts["rows"]
        report_progress("predicting", done, total)


def _write(plan: _Plan, partial: PartialOutput, path: Path) -> None:
    """Write all parts into a file of the output's format."""
    import pyarrow as pa

    from hf_newscls.inference.output_formats import find_writer
    from hf_newscls.inference.submission import fill_submission

    tables = partial.read_parts()
    if plan.sample is not None:
        tables = iter([fill_submission(plan.sample, pa.concat_tables(tables))])
    first = next(tables, None)
    if first is None:
        raise DataError("standard input: no text; pass one text per line, or JSON Lines")
    find_writer(partial.output)(chain([first], tables), first.schema, path)
