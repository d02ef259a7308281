"""Check a model folder, which may come from a stranger, before transformers reads it.

transformers builds what config.json asks for. A few bytes there can ask for more memory than there is, or for more
layers than can be built in a day.
"""

import json
from collections.abc import Iterator, Mapping
from math import prod
from pathlib import Path
from typing import Any

import torch
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError, safe_open
from transformers import AutoModelForSequenceClassification, AutoTokenizer, PreTrainedConfig, PreTrainedTokenizerBase

from hf_newscls.errors import ModelError, format_examples, shorten_text

LOAD_ERRORS = (
    # transformers, peft and torch check little of what they read, so a wrong value fails somewhere inside them.
    *(ArithmeticError, AssertionError, AttributeError, ImportError, LookupError, OSError, RuntimeError, TypeError),
    *(ValueError, SafetensorError, StrictDataclassError),
)
"""What the libraries raise on a model that is damaged, or made to harm."""

# tokenizer.json of the largest vocabularies has some 35 MB, config.json with 10,000 labels 1 MB.
_MAX_BYTES, _MAX_CONFIG_BYTES = 64_000_000, 10_000_000
_MAX_COUNTS = {"layer": 500, "label": 100_000, "rank": 10_000}
# A model may lack a head and a pooler, which are small.
_MAX_GROWTH, _FREE_PARAMETERS = 2, 10_000_000


def check_model_folder(folder: Path) -> None:
    """Refuse a model folder with files that take too long to read, or numbers that no model has.

    Raises:
        ModelError: names the file, and the key.
    """
    for path in sorted(folder.iterdir()):
        if path.suffix not in {".json", ".safetensors", ".txt", ".model"}:
            continue
        if not path.is_file():
            raise ModelError(f"{path}: not a regular file; remove it")
        limit = _MAX_CONFIG_BYTES if path.name.endswith("config.json") else _MAX_BYTES
        if path.suffix != ".safetensors" and (size := path.stat().st_size) > limit:
            raise ModelError(f"{path}: {size:,} bytes, more than {limit:,}; use another model")
    for path in folder.glob("*.index.json"):
        _check_weight_files(path)
    for name in ("config.json", "adapter_config.json"):
        if (folder / name).is_file():
            _check_counts(folder / name)


def read_tokenizer(folder: str | Path, **options: Any) -> PreTrainedTokenizerBase:
    """Read the tokenizer of a model folder, as AutoTokenizer does.

    Raises:
        ModelError: tokenizer.json is damaged.
    """
    try:
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(str(folder), **options)
    except Exception as error:
        if type(error) is not Exception:  # tokenizers raises no other type, even for a missing comma
            raise
        raise ModelError(
            f"{folder}: tokenizer.json cannot be read ({shorten_text(error)}); fetch it again, or use another model"
        ) from error
    return tokenizer


def check_described_size(folder: Path, config: PreTrainedConfig) -> None:
    """Refuse a configuration that describes a classifier much larger than the weights in the folder.

    Raises:
        ModelError: gives both numbers of parameters; or one of the two files is damaged.
    """
    try:
        weights = sum(_count_weights(path) for path in folder.glob("*.safetensors"))
        if not weights or type(config) not in AutoModelForSequenceClassification._model_mapping:
            return  # what is missing, or has code of its own, is refused elsewhere
        with torch.device("meta"):
            model = AutoModelForSequenceClassification.from_config(config, trust_remote_code=False)
    except LOAD_ERRORS as error:
        raise ModelError(
            f"{folder}: config.json and model.safetensors cannot be read ({shorten_text(error)}); fetch them again, or "
            "use another model"
        ) from error
    described = sum(parameter.numel() for parameter in model.parameters())
    if described > _MAX_GROWTH * weights + _FREE_PARAMETERS:
        raise ModelError(
            f"{folder}: config.json describes {described:,} parameters, but the weights have {weights:,}; use another "
            "model"
        )


def _read_object(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{path}: not valid JSON ({shorten_text(error)}); use another model") from error
    if not isinstance(content, dict):
        raise ModelError(f"{path}: a {type(content).__name__}, not an object; use another model")
    return content


def _check_weight_files(path: Path) -> None:
    files = _read_object(path).get("weight_map")
    names = [*files.values()] if isinstance(files, dict) else [files]
    if others := [name for name in names if not isinstance(name, str) or Path(name).name != name]:
        raise ModelError(f"{path}: weights in {format_examples(others)}, not in files of the folder; use another model")


def _check_counts(path: Path) -> None:
    for key, number in _list_counts(_read_object(path)):
        limit = next((limit for word, limit in _MAX_COUNTS.items() if word in key), None)
        if limit is not None and number > limit:
            raise ModelError(f"{path}: {key} is {number:,}, more than {limit:,}; use another model")


def _list_counts(config: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """Yield each key with its integer, or with the length of its labels, also in the objects inside."""
    for key, value in config.items():
        name = {"r": "rank"}.get(key, key)
        if key == "id2label" and isinstance(value, (dict, list)):
            yield name, len(value)
        elif isinstance(value, dict) and key != "label2id":
            prefix = "rank." if key == "rank_pattern" else ""
            yield from ((f"{prefix}{inner}", number) for inner, number in _list_counts(value))
        elif isinstance(value, int):
            yield name, value


def _count_weights(path: Path) -> int:
    with safe_open(path, framework="pt") as file:
        return sum(prod(file.get_slice(name).get_shape()) for name in file.keys())  # noqa: SIM118
