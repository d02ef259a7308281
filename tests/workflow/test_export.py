"""A run as ONNX files: they answer as the run does, and what they need is next to them."""

import json
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from peft import PeftModel
from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer, pipeline

import hf_newscls
from hf_newscls.errors import InputError, ModelError, RunError
from hf_newscls.onnx_export.record import FLOAT_FILE, INT8_FILE, read_record
from hf_newscls.runs.folder import RunFolder
from tests.conftest import LABELS, FinishedRun, read_table, write_csv, write_recipe
from tests.hub_server import HubServer
from tests.onnx_export.records import write_export
from tests.processes import read_files

pytest.importorskip("onnxruntime")

LORA = ("adapter={r: 4, lora_alpha: 16}", "training_arguments.num_train_epochs=3")


def copy_run(found: FinishedRun, folder: Path) -> Path:
    return Path(shutil.copytree(found.run.path, folder / "run"))


def answer(folder: Path, texts: Sequence[str]) -> list[dict[str, float]]:
    """Return the probabilities that onnxruntime computes with an exported model, by label."""
    from onnxruntime import InferenceSession

    tokenizer = AutoTokenizer.from_pretrained(folder)
    batch = tokenizer([*texts], padding=True, truncation=True, return_tensors="np")
    session = InferenceSession(folder / FLOAT_FILE)
    logits = session.run(["logits"], {name: batch[name] for name in ("input_ids", "attention_mask")})[0]
    names = json.loads((folder / "config.json").read_text())["id2label"]
    rows = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return [{names[str(label)]: float(one) for label, one in enumerate(row)} for row in rows]


def classify(classifier: Any, texts: Sequence[str]) -> list[dict[str, float]]:
    """Return the probabilities that a stock pipeline gives, by label."""
    answers = classifier([*texts], top_k=None, truncation=True)
    return [{part["label"]: part["score"] for part in parts} for parts in answers]


def build_pipeline(adapter: Path, encoder: Path) -> Any:
    """Return the pipeline of an adapter, built as its card says."""
    model = AutoModelForSequenceClassification.from_pretrained(encoder, config=AutoConfig.from_pretrained(adapter))
    merged = PeftModel.from_pretrained(model, str(adapter)).merge_and_unload()
    return pipeline("text-classification", model=merged, tokenizer=AutoTokenizer.from_pretrained(adapter))


def check_same(found: list[dict[str, float]], expected: list[dict[str, float]]) -> None:
    """Check that the probabilities are the same up to rounding."""
    assert len(found) == len(expected) > 0
    for one, other in zip(found, expected, strict=True):
        assert one == pytest.approx(other, abs=1e-5)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # as in tests/test_api.py
def test_exported_run_answers_as_the_run_and_is_published_with_it(
    tiny_two_layer_run: FinishedRun, hub_here: HubServer, tmp_path: Path
) -> None:
    run = copy_run(tiny_two_layer_run, tmp_path)
    exported = hf_newscls.export(run, int8=True, max_loss=1.0)
    assert (exported.path, exported.record) == (run / "export", read_record(run / "export"))
    assert exported.record.variants["float32"].changed_answers == 0

    rows = read_table(RunFolder(run))
    found = answer(exported.path, [row["text"] for row in rows])
    check_same(found, [{name: row[f"probability of {name}"] for name in LABELS} for row in rows])

    hf_newscls.publish(run, repo_id="owner/onnx", onnx=True)
    repo = hub_here.repos["owner/onnx"]
    assert len(repo.commits) == 1
    assert {FLOAT_FILE, INT8_FILE} <= repo.files.keys()
    assert hf_newscls.predict("owner/onnx", "goal coach league", top_k=1)[0].labels == ["SPORTS"]

    before = read_files(run)
    with pytest.raises(ModelError, match=INT8_FILE):
        hf_newscls.export(run, int8=True, max_loss=-1.0)
    assert read_files(run) == before


@pytest.mark.slow
def test_exported_run_with_a_merged_adapter_answers_as_the_pipeline(
    train_once: Callable[..., FinishedRun], tmp_path: Path
) -> None:
    found = train_once("tiny_lora", *LORA)
    exported = hf_newscls.export(found.run.path, output=tmp_path / "exported")
    texts = [row["text"] for row in read_table(found.run)]
    check_same(answer(exported.path, texts), classify(pipeline("text-classification", str(found.run.model)), texts))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")
def test_exported_adapter_answers_as_the_pipeline_from_the_run_and_from_the_hub(
    train_once: Callable[..., FinishedRun],
    tiny_encoder: Path,
    hub_here: HubServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(os.environ, "HF_ENDPOINT", hub_here.endpoint)  # for the process that checks the upload
    hub_here.create_repo("owner/encoder", files=read_files(tiny_encoder))
    found = train_once("tiny_adapter_only", *LORA, "adapter.merge=false", "model.base_model=owner/encoder")
    exported = hf_newscls.export(found.run.path)
    hf_newscls.publish(found.run.path, repo_id="owner/adapter", onnx=True)
    assert {FLOAT_FILE, "adapter_model.safetensors"} <= hub_here.repos["owner/adapter"].files.keys()
    again = hf_newscls.export("owner/adapter", on=found.run.path / "recipe.yaml", output=tmp_path / "exported")
    texts = [row["text"] for row in read_table(found.run)]
    expected = classify(build_pipeline(found.run.model, tiny_encoder), texts)
    for folder in (exported.path, again.path):
        check_same(answer(folder, texts), expected)


def test_other_folder_is_not_replaced(tiny_run: FinishedRun, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(RunError, match=r"mine\.txt"):
        hf_newscls.export(tiny_run.run.path, output=tmp_path)


@pytest.mark.parametrize("missing", ["output", "on"])
def test_model_without_a_run_needs_a_folder_and_test_rows(missing: str, tiny_run: FinishedRun, tmp_path: Path) -> None:
    model = shutil.copytree(tiny_run.run.model, tmp_path / "model")
    options = {"output": str(tmp_path / "new"), "on": "quickstart"}
    del options[missing]
    with pytest.raises(InputError, match=rf"--{missing}"):
        hf_newscls.export(model, **options)  # type: ignore[arg-type] # all are strings
    assert not (tmp_path / "new").exists()


def test_test_rows_with_other_labels_are_refused(
    tiny_run: FinishedRun, news_rows: list[dict[str, str]], tiny_encoder: Path, tmp_path: Path
) -> None:
    write_csv(tmp_path / "other.csv", [row | {"category": f"my {row['category']}"} for row in news_rows])
    recipe = write_recipe(tmp_path / "other.yaml", source=tmp_path / "other.csv", encoder=tiny_encoder)
    with pytest.raises(InputError, match="my SPORTS"):
        hf_newscls.export(tiny_run.run.path, on=recipe, output=tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_onnx_is_not_published_before_it_is_exported(tiny_run: FinishedRun) -> None:
    with pytest.raises(RunError, match="hf-newscls export"):
        hf_newscls.publish(tiny_run.run.path, onnx=True)


def test_card_of_an_exported_run_shows_its_files(tiny_run: FinishedRun) -> None:
    from hf_newscls.workflow.cards import render_run_card
    from tests.onnx_export.records import build_record

    card = render_run_card(tiny_run.run, tiny_run.recipe, model_address="owner/tiny", exported=build_record())
    plain = render_run_card(tiny_run.run, tiny_run.recipe, model_address="owner/tiny")
    (row,) = [line for line in card.splitlines() if INT8_FILE in line]
    assert [cell.strip() for cell in row.strip("|").split("|")][1:] == [
        "23.0",
        "0.9100 (-0.0012 to +0.0034)",
        "0.8200 (-0.0056 to +0.0078)",
        "0.0300",
        "2",
        "5.0e-01",
        "300",
    ]
    assert "onnx/" not in plain


def test_onnx_files_are_staged_with_the_keys_that_servers_read(tiny_run: FinishedRun, tmp_path: Path) -> None:
    from hf_newscls.hub.staging import stage_run

    run = RunFolder(copy_run(tiny_run, tmp_path))
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "max_position_embeddings": 64, "pad_token_id": 0}
    write_export(run.export, served={**sizes, "architectures": ["BertForSequenceClassification"]})
    plain, staged = (stage_run(run, tiny_run.recipe, card="# The card", onnx=onnx) for onnx in (False, True))
    assert staged.keys() - plain.keys() == {FLOAT_FILE, INT8_FILE, "onnx/parity.json"}
    assert staged[FLOAT_FILE] == run.export / FLOAT_FILE
    assert isinstance(staged["config.json"], bytes)
    assert json.loads(staged["config.json"]).items() >= sizes.items()
