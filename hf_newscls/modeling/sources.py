"""Find the folder of a model: on this machine, in a package, or fetched from the Hub."""

from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import ModelCard, snapshot_download
from yaml import YAMLError

from hf_newscls.errors import ModelError
from hf_newscls.files import PACKAGE_SCHEME, compute_sha256, find_package_path, is_local_address
from hf_newscls.recipe.model import ModelSection

__all__ = ["EncoderOrigin", "describe_origin", "find_encoder", "find_model"]

_CARD = "README.md"
_FETCHED = (_CARD, "*.json", "*.txt", "*.model", "*.safetensors")


def find_encoder(section: ModelSection) -> Path:
    """Return the folder of a recipe's encoder, its weights checked.

    Raises:
        ModelError: there is no such folder, or its weights are not those that the recipe names.
    """
    address = section.model_name_or_path
    if not is_local_address(address) and Path(address).is_dir():
        raise ModelError(f"{address}: must be a Hub id, found a folder of that name; write './{address}' to mean it")
    folder = find_model(address, revision=section.revision)
    _check_weights(folder, section)
    return folder


@dataclass(frozen=True)
class EncoderOrigin:
    """Where an encoder came from.

    Attributes:
        commit: on the Hub, or None where it was not fetched from there.
        license: what its own card says, or None where there is none.
    """

    commit: str | None
    license: str | None


def describe_origin(section: ModelSection) -> EncoderOrigin:
    """Say where a recipe's encoder, which is here already, came from; the Hub is not asked again."""
    address = section.model_name_or_path
    if is_local_address(address):
        return EncoderOrigin(None, _read_license(_find_local(address) / _CARD))
    try:
        folder = _fetch(address, section.revision, with_code=False, from_cache=True)
    except (OSError, ValueError):  # the cache was emptied meanwhile: no reason to lose a training
        return EncoderOrigin(None, None)
    return EncoderOrigin(folder.name, _read_license(folder / _CARD))


def find_model(address: str, *, revision: str = "main", with_code: bool = False) -> Path:
    """Return the folder of a model: a local one, one of a package, or the Hub's in the cache.

    Args:
        address: of the model.
        revision: branch, tag or commit on the Hub.
        with_code: whether Python files are fetched too.

    Raises:
        ModelError: there is no such folder.
    """
    return _find_local(address) if is_local_address(address) else _fetch(address, revision, with_code=with_code)


def _fetch(address: str, revision: str, *, with_code: bool, from_cache: bool = False) -> Path:
    # One call, where from_pretrained would try again for 23 s for each file that it cannot reach.
    patterns = [*_FETCHED, *(["*.py"] if with_code else [])]
    # Nothing from subfolders: they hold other formats of the same model.
    folder = snapshot_download(
        address, revision=revision, allow_patterns=patterns, ignore_patterns=["*/*"], local_files_only=from_cache
    )
    return Path(folder)


def _find_local(address: str) -> Path:
    folder = find_package_path(address) if address.startswith(PACKAGE_SCHEME) else Path(address).expanduser()
    if not folder.is_dir():
        raise ModelError(f"{address}: `model.model_name_or_path` must be a model folder, found none; check the path")
    return folder


def _read_license(card: Path) -> str | None:
    try:
        found = ModelCard.load(card, ignore_metadata_errors=True).data.get("license")
    except (OSError, ValueError, YAMLError):  # somebody else's file: what cannot be read says nothing
        return None
    return found if isinstance(found, str) else None


def _check_weights(folder: Path, section: ModelSection) -> None:
    address, weights = section.model_name_or_path, folder / "model.safetensors"
    if not weights.exists() and (section.sha256 or not any(folder.glob("*.safetensors"))):
        raise ModelError(f"{address}: must hold weights as model.safetensors, found none; save them there")
    if section.sha256 and (found := compute_sha256(weights)) != section.sha256:
        raise ModelError(f"{address}: model.safetensors must have SHA-256 {section.sha256}, got {found}; reinstall it")
