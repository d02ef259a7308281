"""Read a folder of text files, one row a file."""

from collections.abc import Sequence
from pathlib import Path

from hf_newscls.data.readers.columns import Blocks, build_blocks, check_columns
from hf_newscls.data.readers.encoding.detection import detect_encoding
from hf_newscls.data.readers.encoding.text_file import TextFile
from hf_newscls.data.readers.format import ReadOptions
from hf_newscls.errors import SourceError, format_examples
from hf_newscls.recipe.files import FOLDER

_HIDDEN = (".", "__")  # __MACOSX too


def list_texts(folder: Path) -> list[Path]:
    """Return the text files of the folders inside a folder, or its own if it has no folder inside, ordered by name.

    Text files end in .txt or have no ending. Files next to folders are left out, such as a README.

    Raises:
        SourceError: there is no file, a folder inside is empty, or there are other files or more folders.
    """
    entries = {inner: _list_entries(inner) for inner in _list_folders(folder) or [folder]}
    files = [file for inner in entries.values() for file in inner]
    others = [str(file.relative_to(folder)) for file in files if not _is_text(file)]
    empty = [inner.name for inner, inside in entries.items() if not inside and inner != folder]
    if others or not files:
        found = f"with {format_examples(others)}" if others else "without files"
        raise SourceError(
            f"{folder}: data.source is a folder {found}; name a file, or a folder with one folder of .txt files per "
            "label"
        )
    if empty:
        raise SourceError(
            f"{folder}: no files in the folders {format_examples(empty)} of data.source; fetch them again, or remove "
            "the empty folders"
        )
    return files


class TextFolder:
    """Reads the wanted columns of a folder of text files: text, file and, unless it is flat, folder.

    Attributes:
        encoding: the one encoding of all files.

    Raises:
        DataError: a file is binary or cannot be decoded, or another column is wanted.
    """

    def __init__(self, folder: Path, wanted: Sequence[str], options: ReadOptions) -> None:
        self._folder, self._wanted, self._options = folder, wanted, options
        self._files = list_texts(folder)
        is_flat = self._files[0].parent == folder
        check_columns(folder, wanted, ["text", "file", *([] if is_flat else [FOLDER])])
        self.encoding = detect_encoding(self._files, encoding=options.encoding, errors=options.encoding_errors)

    def read_blocks(self) -> Blocks:
        """Yield the wanted columns as text, block by block, one row a file."""
        yield from build_blocks(map(self._read_row, self._files), self._wanted, unit="file")

    def _read_row(self, file: Path) -> list[str]:
        name = file.relative_to(self._folder).as_posix()
        with TextFile(file, file.name, self.encoding, self._options.encoding_errors).open(newline=None) as stream:
            row = {"text": stream.read(self._options.max_characters + 1), "file": name, FOLDER: file.parent.name}
        return [name, *(row[column] for column in self._wanted)]


def _list_entries(folder: Path) -> list[Path]:
    try:
        return sorted(entry for entry in folder.iterdir() if not entry.name.startswith(_HIDDEN))
    except OSError as error:
        raise SourceError(f"{folder}: cannot be read ({error}); check its permissions") from error


def _list_folders(folder: Path) -> list[Path]:
    return [entry for entry in _list_entries(folder) if entry.is_dir()]


def _is_text(file: Path) -> bool:
    return file.is_file() and file.suffix.lower() in {"", ".txt"}
