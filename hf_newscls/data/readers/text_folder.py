"""Read a folder of text files, one row a file."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from hf_newscls.data.readers.columns import Block, build_blocks, check_columns
from hf_newscls.data.readers.compression import open_data
from hf_newscls.data.readers.encoding.text_file import TextFile, detect_encoding
from hf_newscls.data.readers.format import ReadOptions
from hf_newscls.errors import SourceError, format_examples
from hf_newscls.recipe.files import FOLDER

_SAMPLE_BYTES = 1 << 16
_HIDDEN = (".", "__")  # __MACOSX too


def list_texts(folder: Path, *, source_name: str | None = None) -> list[Path]:
    """Return the text files of the folders inside a folder, or its own if it has no folder inside, ordered by name.

    Text files end in .txt or have no ending. Files next to folders are left out, such as a README.

    Raises:
        SourceError: there is no file, or there are other files or more folders.
    """
    files = [file for inner in _list_folders(folder) or [folder] for file in _list_entries(inner)]
    others = [str(file.relative_to(folder)) for file in files if not _is_text(file)]
    if others or not files:
        found = f"with {format_examples(others)}" if others else "without files"
        raise SourceError(
            f"{source_name or folder}: data.source is a folder {found}; name a file, or a folder with one folder of "
            ".txt files per label"
        )
    return files


def read_folder_blocks(folder: Path, wanted: Sequence[str], options: ReadOptions) -> Iterator[Block]:
    """Yield the wanted columns of a folder of text files, block by block: text, file and, unless it is flat, folder.

    Raises:
        DataError: a file is binary or cannot be decoded, or another column is wanted.
    """
    files = list_texts(folder)
    is_flat = files[0].parent == folder
    check_columns(folder, wanted, ["text", "file", *([] if is_flat else [FOLDER])])
    rows = (_read_row(folder, file, wanted, options) for file in files)
    yield from build_blocks(rows, wanted, unit="file")


def _read_row(folder: Path, file: Path, wanted: Sequence[str], options: ReadOptions) -> list[str]:
    name = file.relative_to(folder).as_posix()
    row = {"text": _read_text(file, options), "file": name, FOLDER: file.parent.name}
    return [name, *(row[column] for column in wanted)]


def _read_text(path: Path, options: ReadOptions) -> str:
    with open_data(path) as opened:
        sample = opened.stream.read(_SAMPLE_BYTES)
    errors = options.encoding_errors
    encoding = detect_encoding(path, sample, encoding=options.encoding, errors=errors)
    with TextFile(path, path.name, encoding, errors).open(newline=None) as stream:
        return stream.read()


def _list_entries(folder: Path) -> list[Path]:
    try:
        return sorted(entry for entry in folder.iterdir() if not entry.name.startswith(_HIDDEN))
    except OSError as error:
        raise SourceError(f"{folder}: cannot be read ({error}); check its permissions") from error


def _list_folders(folder: Path) -> list[Path]:
    return [entry for entry in _list_entries(folder) if entry.is_dir()]


def _is_text(file: Path) -> bool:
    return file.is_file() and file.suffix.lower() in {"", ".txt"}
