"""A model that is published has been loaded in a process of its own, as who downloads it would."""

import os
from pathlib import Path

import pytest

from hf_newscls.errors import PublishError
from hf_newscls.hub import reproduction
from hf_newscls.hub.reproduction import Sample, check_reproduction
from hf_newscls.inference.predicting import load_classifier, predict_probabilities
from hf_newscls.modeling.adapters import add_adapter, save_adapter
from hf_newscls.recipe import AdapterSection, ModelSection
from tests.conftest import LABELS
from tests.hub_server import HubServer
from tests.processes import read_files
from tests.tiny_models import load_tiny


def test_process_that_does_not_end_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reproduction, "_PATIENCE_SECONDS", 0.01)
    with pytest.raises(PublishError, match=r"must classify 1 texts in a fresh process within 0\.01 s, got no answer;"):
        check_reproduction(tmp_path, [Sample("bank", {"BUSINESS": 1.0})])


@pytest.mark.slow
def test_adapter_is_laid_over_the_revision_it_was_trained_on(
    tiny_encoder: Path, hub_here: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(os.environ, "HF_ENDPOINT", hub_here.endpoint)
    repo = hub_here.create_repo("owner/encoder", files=read_files(tiny_encoder))
    folder = tmp_path / "adapter"
    adapted = add_adapter(load_tiny(tiny_encoder), AdapterSection(), seed=3)
    save_adapter(adapted.model, folder, base_model="owner/encoder", revision=repo.head)
    adapted.tokenizer.save_pretrained(folder)
    repo.write({"config.json": b"{}", "model.safetensors": b"of another model"}, "Train anew")
    classifier = load_classifier(folder, encoder=ModelSection(model_name_or_path=str(tiny_encoder)))
    (row,) = predict_probabilities(classifier, ["bank"])
    sample = Sample("bank", dict(zip(LABELS, map(float, row), strict=True)))
    check_reproduction(folder, [sample], base="owner/encoder")
