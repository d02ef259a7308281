"""Find the folder of a model: a local one, one in a package, or one from the Hub."""

from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.errors import HTTPError  # type: ignore[attr-defined] # the base of what its HTTP client raises
from yaml import YAMLError

from hf_newscls.errors import ModelError, shorten_text
from hf_newscls.files import PACKAGE_SCHEME, compute_sha256, find_package_path, is_local_address, read_card_metadata
from hf_newscls.recipe.model import ModelSection

_CARD = "README.md"
MODEL_FILES = (_CARD, "*.json", "*.txt", "*.model", "*.safetensors")
"""Patterns of the files of a model."""


def find_encoder(section: ModelSection) -> Path:
    """Return the folder of a recipe's encoder, and check its weights.

    Raises:
        ModelError: there is no such folder, or its weights are not those of the recipe.
    """
    address = section.model_name_or_path
    if not is_local_address(address) and Path(address).is_dir():
        raise ModelError(f"{address}: is a local folder, but is written like a Hub id; write './{address}'")
    folder = find_model(address, revision=section.revision)
    weights = folder / "model.safetensors"
    if not weights.exists() and (section.sha256 or not any(folder.glob("*.safetensors"))):
        raise ModelError(f"{address}: no model.safetensors; save the weights in that format")
    if section.sha256 and (found := compute_sha256(weights)) != section.sha256:
        raise ModelError(
            f"{address}: model.safetensors has SHA-256 {found}, but model.sha256 is {section.sha256}; reinstall the "
            "model, or change the key"
        )
    return folder


def is_fetched(section: ModelSection) -> bool:
    """Return whether an encoder of the Hub is in the cache."""
    try:
        _fetch(section.model_name_or_path, section.revision, with_code=False, from_cache=True)
    except (OSError, ValueError):
        return False
    return True


@dataclass(frozen=True)
class EncoderOrigin:
    """Where an encoder came from."""

    commit: str | None  # on the Hub; None if it is not from there
    license: str | None  # in its card


def describe_origin(section: ModelSection) -> EncoderOrigin:
    """Return where a recipe's encoder came from. It must be on this machine already: the Hub is not called."""
    address = section.model_name_or_path
    if is_local_address(address):
        return EncoderOrigin(None, _read_license(_find_local(address) / _CARD))
    try:
        folder = _fetch(address, section.revision, with_code=False, from_cache=True)
    except (OSError, ValueError):  # the cache was emptied during training: not worth losing it
        return EncoderOrigin(None, None)
    return EncoderOrigin(folder.name, _read_license(folder / _CARD))


def find_model(address: str, *, revision: str = "main", with_code: bool = False) -> Path:
    """Return the folder of a model; one from the Hub is fetched into the cache.

    Args:
        address: Hub id, local folder or package:module/path.
        with_code: also fetch Python files.

    Raises:
        ModelError: there is no such folder, or it cannot be fetched.
    """
    if is_local_address(address):
        return _find_local(address)
    try:
        return _fetch(address, revision, with_code=with_code)
    except (HTTPError, OSError, ValueError) as error:
        raise ModelError(
            f"{address}: cannot be fetched ({shorten_text(error, limit=300)}); check the id and the network, or name a "
            "local folder (in a recipe: model.model_name_or_path)"
        ) from error


def _fetch(address: str, revision: str, *, with_code: bool, from_cache: bool = False) -> Path:
    # One call: from_pretrained would retry for 23 s for each file that it cannot reach. Subfolders are left out: they
    # hold the same model in other formats.
    folder = snapshot_download(
        address,
        revision=revision,
        allow_patterns=[*MODEL_FILES, *(["*.py"] if with_code else [])],
        ignore_patterns=["*/*"],
        local_files_only=from_cache,
    )
    return Path(folder)


def _find_local(address: str) -> Path:
    folder = find_package_path(address) if address.startswith(PACKAGE_SCHEME) else Path(address).expanduser()
    if not folder.is_dir():
        raise ModelError(f"{address}: no such model folder; check the path, or model.model_name_or_path in the recipe")
    return folder


def _read_license(card: Path) -> str | None:
    try:
        found = read_card_metadata(card.read_text(encoding="utf-8")).get("license")
    except (OSError, ValueError, YAMLError):  # a card by someone else may be malformed
        return None
    return found if isinstance(found, str) else None
