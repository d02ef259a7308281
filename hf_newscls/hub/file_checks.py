"""Refuse what must not be published: an incomplete model, pickles, access tokens, paths of this machine."""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath

from huggingface_hub import get_token

from hf_newscls.errors import PublishError, format_examples
from hf_newscls.hub.commit import Content
from hf_newscls.hub.retry import TOKEN_PATTERN

__all__ = ["check_files", "check_model"]

_REQUIRED = ("README.md", "config.json", "tokenizer_config.json")
_PICKLES = (".bin", ".ckpt", ".joblib", ".npy", ".pickle", ".pkl", ".pt", ".pth")
# The first bytes of a pickle since protocol 2, and of a ZIP archive, in which torch.save puts one.
_PICKLED = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05", b"PK\x03\x04")
_TEXTS = {".json", ".md", ".py", ".txt", ".yaml", ".yml", ".jinja", ".html", ""}
# A vocabulary holds whatever its makers read, things that look like paths among it.
_VOCABULARIES = {"tokenizer.json", "vocab.json", "vocab.txt", "merges.txt", "added_tokens.json"}
_LOCAL_PATH = re.compile(
    rb"(?:file://|(?<![\w.:/-]))(?:/(?:home|root|Users|tmp|mnt|data|workspace|content|kaggle)/[\w.-]+|[A-Z]:\\\\?Users)"
)
_SHORTEST_TOKEN = 8
_TOKEN = re.compile(TOKEN_PATTERN.pattern.encode())


def check_model(files: Mapping[str, Content]) -> None:
    """Refuse a model that lacks something, or whose weights are not in safetensors; then as `check_files`.

    Raises:
        PublishError: what is wrong with it.
    """
    weights = "adapter_model" if "adapter_config.json" in files else "model"
    is_sharded = f"{weights}.safetensors.index.json" in files
    needed = (*_REQUIRED, f"{weights}.safetensors.index.json" if is_sharded else f"{weights}.safetensors")
    if missing := [name for name in needed if name not in files]:
        raise PublishError(f"model: must hold {format_examples(missing)} to be published; evaluate the run again")
    check_files(files)


def check_files(files: Mapping[str, Content]) -> None:
    """Refuse files that hold pickled objects, an access token, or a path of this machine.

    Raises:
        PublishError: which do.
    """
    for what, is_bad in _FORBIDDEN.items():
        if found := [path for path, content in sorted(files.items()) if is_bad(PurePosixPath(path), content)]:
            raise PublishError(f"files: must hold no {what}, found one in {format_examples(found)}; remove it")


def _is_pickle(path: PurePosixPath, content: Content) -> bool:
    if path.suffix == ".safetensors":  # whose first bytes are a length
        return False
    return path.suffix.lower() in _PICKLES or next(_read(content), b"").startswith(_PICKLED)


def _holds_token(path: PurePosixPath, content: Content) -> bool:
    if path.suffix == ".safetensors":
        return False
    # The one in use need not look like a token of the Hub.
    own = (get_token() or "").encode()
    return any(_TOKEN.search(block) or (len(own) >= _SHORTEST_TOKEN and own in block) for block in _read(content))


def _holds_local_path(path: PurePosixPath, content: Content) -> bool:
    if path.suffix not in _TEXTS or path.name in _VOCABULARIES:
        return False
    own = _match_own_folders()
    return any(_LOCAL_PATH.search(block) or own.search(block) for block in _read(content))


def _match_own_folders() -> re.Pattern[bytes]:
    """Return a pattern of the folders that a user has most files under, wherever these are."""
    folders = {folder.as_posix() for folder in (Path.home(), Path.cwd()) if folder != Path(folder.anchor)}
    names = "|".join(re.escape(folder) for folder in sorted(folders)) or "(?!)"
    return re.compile(rf"(?<![\w.-])(?:{names})(?![\w.-])".encode())


_FORBIDDEN: Mapping[str, Callable[[PurePosixPath, Content], bool]] = {
    "pickled objects": _is_pickle,
    "access token": _holds_token,
    "path of this machine": _holds_local_path,
}


def _read(content: Content, *, size: int = 1 << 24, overlap: int = 256) -> Iterator[bytes]:
    """Yield blocks that overlap, so that what lies across two of them is seen."""
    if isinstance(content, bytes):
        yield content
        return
    with content.open("rb") as stream:
        tail = b""
        while block := stream.read(size):
            yield tail + block
            tail = block[-overlap:]
