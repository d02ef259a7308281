"""Refuse files that must not be published: an incomplete model, pickles, access tokens, paths of this machine."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from huggingface_hub import get_token

from hf_newscls.errors import PublishError, format_examples
from hf_newscls.hub.commit import CARD_FILE, Content
from hf_newscls.hub.retry import TOKEN_PATTERN

_REQUIRED = (CARD_FILE, "config.json", "tokenizer_config.json")
_PICKLE_SUFFIXES = {".bin", ".ckpt", ".joblib", ".npy", ".pickle", ".pkl", ".pt", ".pth"}
# Pickles since protocol 2, and ZIP archives, in which torch.save stores one.
_PICKLE_STARTS = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05", b"PK\x03\x04")
_TEXT_SUFFIXES = {".json", ".md", ".py", ".txt", ".yaml", ".yml", ".jinja", ".html", ""}
# A vocabulary may hold words that look like paths.
_VOCABULARIES = {"tokenizer.json", "vocab.json", "vocab.txt", "merges.txt", "added_tokens.json"}
_LOCAL_PATH = re.compile(
    rb"(?:file://|(?<![\w.:/-]))(?:/(?:home|root|Users|tmp|mnt|data|workspace|content|kaggle)/[\w.-]+|[A-Z]:\\\\?Users)"
)
_TOKEN = re.compile(TOKEN_PATTERN.pattern.encode())
_SHORTEST_TOKEN = 8


def check_model(files: Mapping[str, Content]) -> None:
    """Raise a `PublishError` if a model is incomplete or its weights are not safetensors, then as `check_files`."""
    weights = "adapter_model" if "adapter_config.json" in files else "model"
    index = f"{weights}.safetensors.index.json"
    needed = (*_REQUIRED, index if index in files else f"{weights}.safetensors")
    if missing := [name for name in needed if name not in files]:
        raise PublishError(f"model: cannot publish without {format_examples(missing)}; evaluate the run again")
    check_files(files)


def check_files(files: Mapping[str, Content]) -> None:
    """Raise a `PublishError` if a file holds pickled objects, an access token, or a path of this machine."""
    found = defaultdict(list)
    for name, content in sorted(files.items()):
        for fault in _find_faults(PurePosixPath(name), content):
            found[fault].append(name)
    if found:
        faults = "; ".join(f"{fault} in {format_examples(names)}" for fault, names in found.items())
        raise PublishError(f"files: cannot publish {faults}; remove them")


def _find_faults(path: PurePosixPath, content: Content) -> Iterator[str]:
    if path.suffix == ".safetensors":  # numbers, which may look like anything
        return
    if path.suffix.lower() in _PICKLE_SUFFIXES:
        yield "pickled objects"
        return
    data = content if isinstance(content, bytes) else content.read_bytes()
    if data.startswith(_PICKLE_STARTS):
        yield "pickled objects"
    # The token in use need not look like one of the Hub's.
    token = (get_token() or "").encode()
    if _TOKEN.search(data) or (len(token) >= _SHORTEST_TOKEN and token in data):
        yield "an access token"
    is_text = path.suffix in _TEXT_SUFFIXES and path.name not in _VOCABULARIES
    if is_text and (_LOCAL_PATH.search(data) or _match_user_folders().search(data)):
        yield "a path of this machine"


def _match_user_folders() -> re.Pattern[bytes]:
    """Return a pattern of the home and the working folder."""
    folders = {folder.as_posix() for folder in (Path.home(), Path.cwd()) if folder != Path(folder.anchor)}
    names = "|".join(re.escape(folder) for folder in sorted(folders)) or "(?!)"
    return re.compile(rf"(?<![\w.-])(?:{names})(?![\w.-])".encode())
