"""A model folder that is made to harm is refused before it is built, and its code is not run."""

import json
import os
import pickle
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hf_newscls.errors import ModelError, RecipeError
from hf_newscls.inference.predicting import load_classifier, predict_probabilities
from hf_newscls.modeling.loading import load_pretrained
from hf_newscls.recipe.model import ModelSection
from tests.conftest import FinishedRun


@pytest.fixture
def folder(tiny_run: FinishedRun, tmp_path: Path) -> Path:
    """A copy of a trained model."""
    return shutil.copytree(tiny_run.run.model, tmp_path / "model")


def change_json(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def change_header(path: Path, change: Callable[[dict[str, Any], list[str]], None]) -> None:
    content = path.read_bytes()
    length = struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8 : 8 + length])
    change(header, sorted(header.keys() - {"__metadata__"}))
    new = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(new)) + new + content[8 + length :])


def check_refused(folder: Path, *fragments: str) -> None:
    with pytest.raises(ModelError) as caught:
        predict_probabilities(load_classifier(folder), ["the bank reports a profit"])
    assert [one for one in (str(folder), *fragments) if one not in str(caught.value)] == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("num_hidden_layers", 10**8),
        ("num_labels", 10**9),
        ("id2label", {str(index): str(index) for index in range(100_001)}),
    ],
)
def test_number_that_no_model_has_is_named(key: str, value: Any, folder: Path) -> None:
    change_json(folder / "config.json", **{key: value})
    check_refused(folder, "config.json", key)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("vocab_size", 10**12),
        ("hidden_size", 10**9),
        ("intermediate_size", 10**12),
        ("max_position_embeddings", 10**11),
        ("num_hidden_layers", 40),
    ],
)
def test_model_much_larger_than_its_weights_is_refused(
    key: str, value: int, folder: Path, tiny_encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hf_newscls.modeling.sources.checks._FREE_PARAMETERS", 100_000)
    change_json(folder / "config.json", **{key: value})
    check_refused(folder, "parameters")
    encoder = shutil.copytree(tiny_encoder, tmp_path / "encoder")
    change_json(encoder / "config.json", **{key: value})
    section = ModelSection(model_name_or_path=str(encoder), max_length=32)
    with pytest.raises(ModelError, match="parameters"):
        load_pretrained(section, ["A", "B"], seed=17)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("num_attention_heads", 0),
        ("vocab_size", -5),
        ("hidden_size", "x"),
        ("hidden_act", "nope"),
        ("dtype", "nope"),
        ("pad_token_id", 10**9),
        ("tie_word_embeddings", "x"),
        ("id2label", [1, 2]),
        ("id2label", {"0": "a"}),
        ("id2label", {"0": 1, "1": None, "2": [1]}),
        ("truncation", "x"),
        ("_attn_implementation", "kernels-community/other"),
    ],
)
def test_value_that_cannot_be_is_refused(key: str, value: Any, folder: Path) -> None:
    change_json(folder / "config.json", **{key: value})
    check_refused(folder)


@pytest.mark.parametrize(
    "content", ["[1]", "null", "{", '{"a":' * 5000, '{"vocab_size": ' + "9" * 5000 + "}", "\udcff"]
)
def test_config_that_is_no_object_is_refused(content: str, folder: Path) -> None:
    (folder / "config.json").write_text(content, errors="surrogateescape")
    check_refused(folder, "config.json")


@pytest.mark.parametrize("length", [2 << 30, (1 << 64) - 1])
def test_header_longer_than_the_memory_is_refused(length: int, folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(struct.pack("<Q", length) + weights.read_bytes()[8:])
    os.truncate(weights, 3 << 30)  # a file with holes takes no space
    check_refused(folder, "model.safetensors")


def _overlap(header: dict[str, Any], names: list[str]) -> None:
    header[names[1]]["data_offsets"] = header[names[0]]["data_offsets"]


def _grow(header: dict[str, Any], names: list[str]) -> None:
    header[names[0]]["shape"] = [1 << 40, 1 << 40]


@pytest.mark.parametrize("change", [_overlap, _grow])
def test_weights_that_overlap_or_do_not_fit_are_refused(
    change: Callable[[dict[str, Any], list[str]], None], folder: Path
) -> None:
    change_header(folder / "model.safetensors", change)
    check_refused(folder, "model.safetensors")


@pytest.mark.parametrize("target", ["/dev/zero", "/nowhere"])
def test_link_to_what_is_no_file_is_refused(target: str, folder: Path) -> None:
    (folder / "tokenizer.json").unlink()
    (folder / "tokenizer.json").symlink_to(target)
    check_refused(folder, "tokenizer.json")


def test_tokenizer_of_hundreds_of_megabytes_is_refused(folder: Path) -> None:
    os.truncate(folder / "tokenizer.json", 300_000_000)
    check_refused(folder, "tokenizer.json", "300,000,000")


def test_weights_outside_the_folder_are_not_read(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder.parent / "other.safetensors")
    content = {"metadata": {}, "weight_map": {"classifier.weight": "../other.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(content))
    check_refused(folder, "model.safetensors.index.json", "'../other.safetensors'")


@pytest.mark.parametrize(
    "content", ["{", '{"version": "1.0", "model": {"type": "other"}}', '{"version": "1.0", "model": 5}']
)
def test_damaged_tokenizer_is_refused(content: str, folder: Path) -> None:
    (folder / "tokenizer.json").write_text(content)
    check_refused(folder)


def test_token_ids_that_the_model_lacks_are_refused(folder: Path) -> None:
    content = json.loads((folder / "tokenizer.json").read_text())
    content["model"]["vocab"] = {word: index + 10**6 for word, index in content["model"]["vocab"].items()}
    (folder / "tokenizer.json").write_text(json.dumps(content))
    check_refused(folder, "token id", "200")


@pytest.mark.parametrize("value", ["a", [1]])
def test_length_that_is_no_number_is_refused(value: Any, folder: Path) -> None:
    change_json(folder / "tokenizer_config.json", model_max_length=value)
    check_refused(folder)


def test_code_is_not_run_without_trust(folder: Path) -> None:
    mark = folder.parent / "was_run"
    (folder / "other.py").write_text(f"open({str(mark)!r}, 'w')\n")
    change_json(folder / "tokenizer_config.json", auto_map={"AutoTokenizer": ["other.T", "other.T"]})
    names = {"AutoConfig": "other.C", "AutoModelForSequenceClassification": "other.M"}
    change_json(folder / "config.json", auto_map=names)
    predict_probabilities(load_classifier(folder), ["the bank reports a profit"])
    change_json(folder / "config.json", model_type="other")
    check_refused(folder)
    assert not mark.exists()


class _Harmful:
    """Makes a file when it is unpickled."""

    def __init__(self, mark: str) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return (open, (self.mark, "w"))


def test_pickles_are_not_read(folder: Path) -> None:
    mark = folder.parent / "was_run"
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(_Harmful(str(mark))))
    check_refused(folder)
    assert not mark.exists()


@pytest.mark.parametrize("base", ["/etc", "./encoder", "package:torch/nn"])
def test_adapter_does_not_name_a_folder_of_this_machine(base: str, folder: Path) -> None:
    (folder / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "base_model_name_or_path": base}))
    check_refused(folder, "adapter_config.json", repr(base))


@pytest.mark.parametrize("content", [{"r": 10**9}, {"rank_pattern": {"query": 10**9}}])
def test_rank_that_no_adapter_has_is_refused(content: dict[str, Any], folder: Path) -> None:
    (folder / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", **content}))
    check_refused(folder, "adapter_config.json", "rank")


def test_encoder_with_a_wrong_value_is_an_error_of_the_recipe(tiny_encoder: Path, tmp_path: Path) -> None:
    encoder = shutil.copytree(tiny_encoder, tmp_path / "encoder")
    change_json(encoder / "config.json", hidden_act="nope")
    with pytest.raises((ModelError, RecipeError), match="nope"):
        load_pretrained(ModelSection(model_name_or_path=str(encoder), max_length=32), ["A", "B"], seed=17)
