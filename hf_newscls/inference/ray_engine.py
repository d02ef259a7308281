"""Answer the rows of many files on the machines of a Ray cluster.

Ray Data (extra `ray`) reads, schedules, retries and writes. Each worker loads the model once.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.fs
from pyarrow import csv

from hf_newscls.data.readers.columns import check_columns, convert_table
from hf_newscls.data.text_columns import TextColumns
from hf_newscls.errors import InputError, StorageError, format_examples, shorten_text
from hf_newscls.inference.answer_blocks import RowTask, answer_blocks, list_columns
from hf_newscls.inference.answers import AnswerForm
from hf_newscls.inference.precision import predicting_fast
from hf_newscls.inference.predicting import load_classifier
from hf_newscls.recipe.model import ModelSection

_BLOCK_ROWS = 2048
_HUB_SCHEME = "hf://"
_CHAIN = "\nThe above exception was the direct cause"


@dataclass(frozen=True)
class RayTask:
    """What every worker does with each row."""

    address: str  # of the model: an id on the Hub, or a folder that all machines of the cluster have
    encoder: ModelSection | None  # of the recipe, for an adapter without the encoder's weights
    text: TextColumns
    keep: Sequence[str]  # columns that are copied; the id is one of them
    id_column: str  # a different value in each row
    form: AnswerForm
    bf16: bool

    @property
    def columns(self) -> list[str]:
        """Columns to read."""
        return list_columns(self.text, self.keep)


@dataclass(frozen=True)
class Workers:
    """The workers on the cluster: each is a process with a model of its own."""

    address: str | None  # of the cluster, or None to start one on this machine
    count: int
    gpus: float  # of each worker; a fraction lets several workers use one GPU


class RowAnswerer:
    """Answers tables of rows in one worker."""

    def __init__(self, task: RayTask) -> None:
        classifier = load_classifier(task.address, encoder=task.encoder)
        self._task = RowTask(classifier, task.text, task.keep, task.form)
        self._id_column = task.id_column
        ExitStack().enter_context(predicting_fast(classifier, bf16=task.bf16))  # for as long as the worker lives

    def __call__(self, table: pa.Table) -> pa.Table:
        """Return a row of answers for each row; the ids keep their type, because Ray looks for them in the input."""
        columns = self._task.columns
        check_columns("input", columns, table.column_names)
        texts = convert_table(table.select(columns), columns, source_name="input", label_names={})
        (answered,) = answer_blocks(self._task, [texts])
        index = answered.table.column_names.index(self._id_column)
        return answered.table.set_column(index, self._id_column, table.column(self._id_column))


def answer_with_ray(task: RayTask, inputs: Sequence[str], output: str, *, identity: str, workers: Workers) -> None:
    """Answer the rows of files, and write Parquet files into a folder.

    The rows are in no order: the id identifies them. If the program or the cluster fails, the same call goes on with
    the rows that are not written yet.

    Args:
        task: what is done with each row.
        inputs: paths or URIs of files or folders, all CSV or all Parquet: s3://, gs://, hdfs://, hf://.
        output: path or URI of the folder.
        identity: a text that is the same only for the same model, rows and options.
        workers: on the cluster.

    Raises:
        InputError: Ray is not installed, the files have several endings or another one, the cluster does not answer, or
            a worker fails again and again.
        StorageError: the output exists, and is not of this call.
    """
    ray = _import_ray()
    read = _choose_reader(ray, inputs, task.columns)
    target, parent = output.rstrip("/"), _find_filesystem(output)
    checkpoint = f"{target}.checkpoint/{identity}"
    if _exists(target) and not _exists(checkpoint):
        raise StorageError(f"{output}: exists already; name another folder, or remove it")
    config = ray.data.checkpoint.CheckpointConfig(
        id_column=task.id_column, checkpoint_path=checkpoint, override_filesystem=parent
    )
    with _running(ray, workers.address), _keeping_checkpoint(ray, config):
        rows = read([_to_absolute(path) for path in inputs], filesystem=_find_filesystem(inputs[0]))
        answers = rows.map_batches(
            RowAnswerer,
            fn_constructor_args=(task,),
            batch_size=_BLOCK_ROWS,
            batch_format="pyarrow",
            compute=ray.data.ActorPoolStrategy(size=workers.count),
            num_cpus=1,
            num_gpus=workers.gpus,
        )
        answers.write_parquet(_to_absolute(target), filesystem=parent)


def _import_ray() -> Any:
    try:
        import ray.data.checkpoint
        import ray.exceptions
    except ImportError as error:
        raise InputError("engine is 'ray', but Ray is not installed; run `pip install 'hf-newscls[ray]'`") from error
    return ray


@contextmanager
def _running(ray: Any, address: str | None) -> Iterator[None]:
    """Connect to a cluster, or start one, unless the caller has; explain its errors."""
    was_running = ray.is_initialized()
    try:
        ray.init(address=address or "local", ignore_reinit_error=True, log_to_driver=False)
        yield
    except (ray.exceptions.RayError, OSError, ValueError) as error:  # of a worker, the cluster, or a file
        # The message of an error in a worker is a traceback of several exceptions, the first cause first.
        is_traceback = isinstance(error, ray.exceptions.RayTaskError)
        reason = str(error).partition(_CHAIN)[0].rstrip().rpartition("\n")[2] if is_traceback else error
        raise InputError(
            f"Ray on {address or 'this machine'} failed ({shorten_text(reason, limit=300)}); fix it, and repeat the "
            "command to go on"
        ) from error
    finally:
        if not was_running:
            ray.shutdown()


@contextmanager
def _keeping_checkpoint(ray: Any, config: Any) -> Iterator[None]:
    """Let Ray Data note which rows are written; the caller's own setting comes back."""
    context = ray.data.DataContext.get_current()
    before, context.checkpoint_config = context.checkpoint_config, config
    try:
        yield
    finally:
        context.checkpoint_config = before


def _choose_reader(ray: Any, inputs: Sequence[str], columns: Sequence[str]) -> Callable[..., Any]:
    """Return the function of Ray Data that reads the files; its JSON reader changes values: "007" becomes 7."""
    as_text = csv.ConvertOptions(column_types=dict.fromkeys(columns, pa.string()))
    readers: Mapping[str, Callable[..., Any]] = {
        ".csv": lambda paths, **options: ray.data.read_csv(
            paths, convert_options=as_text, parse_options=csv.ParseOptions(newlines_in_values=True), **options
        ),
        ".parquet": ray.data.read_parquet,
    }
    endings = {PurePosixPath(path).suffix.lower() for path in inputs}
    # A folder has no ending: the columnar format is the usual one.
    found = readers.get(next(iter(endings)) or ".parquet") if len(endings) == 1 else None
    if found is None:
        raise InputError(
            f"input files end in {format_examples(sorted(endings))}; Ray reads files of one kind: {', '.join(readers)}"
        )
    return found


def _find_filesystem(address: str) -> pyarrow.fs.FileSystem | None:
    """Return the file system of the Hub; None for the others, which pyarrow knows."""
    if not address.startswith(_HUB_SCHEME):
        return None
    from huggingface_hub import HfFileSystem

    return pyarrow.fs.PyFileSystem(pyarrow.fs.FSSpecHandler(HfFileSystem()))


def _to_absolute(path: str) -> str:
    """Return an address that means the same on every machine of a cluster."""
    if path.startswith(_HUB_SCHEME):
        return path.removeprefix(_HUB_SCHEME)
    return path if "://" in path else str(Path(path).expanduser().absolute())


def _exists(address: str) -> bool:
    own = _find_filesystem(address)
    try:
        system, path = (own, _to_absolute(address)) if own else pyarrow.fs.FileSystem.from_uri(_to_absolute(address))
        return bool(system.get_file_info(path).type != pyarrow.fs.FileType.NotFound)
    except (OSError, ValueError) as error:
        reason = shorten_text(error, limit=300)
        raise StorageError(f"{address}: cannot be read ({reason}); check the address and the access to it") from error
