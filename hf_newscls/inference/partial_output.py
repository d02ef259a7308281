"""The parts of an answers file that is not whole yet, so that a killed command continues where it was.

::

    answers.csv.partial/command.json        what was asked: only the same command continues
                        part-000000.parquet the answers of the first block of rows
                        whole.csv           all parts in the format of the output
                        finished.json       written last; then whole.csv becomes answers.csv, next to the folder
                        .lock               held by the process that writes

Each file is written under another name and renamed, so at any moment a file is whole or missing.
"""

import json
import logging
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock, Timeout

from hf_newscls.errors import StorageError
from hf_newscls.storage import check_folder, replace_file, write_json

_COUNTS = "counts"
_COMMAND, _FINISHED, _LOCK = "command.json", "finished.json", ".lock"

logger = logging.getLogger(__name__)


class PartialOutput:
    """The folder `<output>.partial`; use `open_partial_output`."""

    def __init__(self, output: Path) -> None:
        self.output = output
        self.folder = name_partial_folder(output)
        self._whole = self.folder / f"whole{output.suffix}"  # not the name of the output, which can be that of a part

    def count_parts(self) -> int:
        """Return the number of whole parts; they have no gap."""
        return len([*self.folder.glob("part-*.parquet")])

    def add_part(self, number: int, table: pa.Table, counts: Mapping[str, int]) -> None:
        """Write the part of a number, with what was counted in it."""
        with replace_file(self._name_part(number)) as new:
            pq.write_table(table.replace_schema_metadata({_COUNTS: json.dumps(counts)}), new)

    def read_parts(self) -> Iterator[pa.Table]:
        """Yield the parts in their order."""
        paths = map(self._name_part, range(self.count_parts()))
        return (pq.read_table(path).replace_schema_metadata() for path in paths)

    def sum_counts(self) -> Counter[str]:
        """Return what was counted in all parts."""
        total: Counter[str] = Counter()
        for number in range(self.count_parts()):
            total.update(json.loads(pq.read_schema(self._name_part(number)).metadata[_COUNTS.encode()]))
        return total

    def finish(self, write: Callable[[Path], None], summary: Mapping[str, Any]) -> None:
        """Write the output, move it to where it belongs, and remove the folder."""
        with replace_file(self._whole) as new:
            write(new)
        write_json(self.folder / _FINISHED, summary)
        self._move()

    def read_finished(self) -> dict[str, Any] | None:
        """Return the summary if a killed process had written the whole output, and move the output; else None."""
        path = self.folder / _FINISHED
        if not path.is_file():
            return None
        summary: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        self._move()
        return summary

    def _move(self) -> None:
        if self._whole.is_file():  # otherwise the killed process had moved it
            self._whole.replace(self.output)
        # What is needed to recognize the state goes last and at once, so that no half of it is left.
        for path in self.folder.glob("part-*.parquet"):
            path.unlink()
        removed = self.folder.with_name(f".{uuid4().hex}-{self.folder.name}")
        self.folder.replace(removed)
        shutil.rmtree(removed, ignore_errors=True)

    def _name_part(self, number: int) -> Path:
        return self.folder / f"part-{number:06}.parquet"


def name_partial_folder(output: Path) -> Path:
    """Return the folder of the parts of an output.

    >>> name_partial_folder(Path("answers.csv")).name
    'answers.csv.partial'
    """
    return output.with_name(f"{output.name}.partial")


def was_finished(output: Path, command: Mapping[str, Any] | None) -> bool:
    """Return whether a command had written this output when it was killed; None: any command."""
    folder = name_partial_folder(output)
    return (folder / _FINISHED).is_file() and (command is None or command == _read_command(folder))


@contextmanager
def open_partial_output(output: Path, command: Mapping[str, Any], *, is_repeatable: bool) -> Iterator[PartialOutput]:
    """Yield the parts that the same command has written, or no parts; lock them for other processes.

    Args:
        output: the file that the parts become.
        command: what decides the output, as JSON has it.
        is_repeatable: whether the same command can follow; otherwise an error removes the parts.

    Raises:
        StorageError: another process is writing the same output, or the folder is a file or holds other files.
    """
    partial = PartialOutput(output)
    check_folder(partial.folder)
    partial.folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(partial.folder / _LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise StorageError(f"{output}: another process is writing it; wait for its end, or name another file") from None
    try:
        _start(partial.folder, command)
        with _removing_leftovers(partial, keeps_parts=is_repeatable):
            yield partial
    finally:
        lock.release()


@contextmanager
def _removing_leftovers(partial: PartialOutput, *, keeps_parts: bool) -> Iterator[None]:
    """Remove the folder after an error, unless it has parts to keep."""
    try:
        yield
    except BaseException:
        if not keeps_parts or not partial.count_parts():
            shutil.rmtree(partial.folder, ignore_errors=True)
        raise


def _start(folder: Path, command: Mapping[str, Any]) -> None:
    """Remove what another command has left, and note this one."""
    before = _read_command(folder)
    if before == command:
        return
    left = [path for path in folder.iterdir() if path.name != _LOCK]
    if before is None and any(not path.name.startswith(".") for path in left):
        raise StorageError(
            f"{folder}: holds other files, such as {left[0].name!r}; move the folder, or name another file"
        )
    if before is not None:
        changed = [name for name in command if before.get(name) != command[name]]
        logger.info("%s: removed, another command had written it (not the same: %s)", folder, ", ".join(changed))
    # A killed removal leaves what the other command can continue: it must not find the summary without the output, or
    # a part without those before it.
    (folder / _FINISHED).unlink(missing_ok=True)
    for path in sorted(left, key=lambda path: (path.name != _COMMAND, path.name), reverse=True):
        path.unlink(missing_ok=True)
    write_json(folder / _COMMAND, command)


def _read_command(folder: Path) -> dict[str, Any] | None:
    try:
        command: dict[str, Any] = json.loads((folder / _COMMAND).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return command
