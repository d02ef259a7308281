"""Registration: our models load with trust, or after `register()`; each in its own process."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoConfig, AutoModelForSequenceClassification

from hf_newscls.modeling.configuration_newscls import NewsClassifierConfig
from hf_newscls.modeling.configuration_windowed import WindowedClassifierConfig
from hf_newscls.modeling.modeling_newscls import NewsClassifier
from hf_newscls.modeling.modeling_windowed import WindowedClassifier
from hf_newscls.modeling.registration import register
from tests.conftest import LABELS
from tests.processes import run_python
from tests.tiny_models import load_tiny

ROOT = Path(__file__).parents[2]
TEXTS = ["bank shares profit", "goal coach", "planet cells " * 25]
SECTIONS: dict[str, dict[str, Any]] = {
    "two_layer": {"head": "two_layer"},
    "windows": {"max_length": None, "windows": {"count": 4, "length": 16, "pooling": "gru"}},
}


@pytest.fixture(scope="module", params=SECTIONS)
def saved(request: pytest.FixtureRequest, tiny_encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved model of our own classes, and the logits it gave before in `expected.json`."""
    folder = tmp_path_factory.mktemp("saved")
    classifier = load_tiny(tiny_encoder, **SECTIONS[request.param])
    classifier.model.eval().save_pretrained(folder)
    classifier.tokenizer.save_pretrained(folder)
    with torch.no_grad():
        scores = [classifier.model(**classifier.tokenizer(text, return_tensors="pt")).logits[0] for text in TEXTS]
    (folder / "expected.json").write_text(json.dumps([row.tolist() for row in scores]))
    return folder


@pytest.mark.slow
def test_pipeline_needs_trust_without_the_package(saved: Path, tmp_path: Path) -> None:
    code = f"""if True:
        import json, sys
        from transformers import pipeline
        try:
            pipeline("text-classification", model={str(saved)!r})
        except ValueError as error:
            assert "trust_remote_code" in str(error), error
            print("refused")
        trusting = pipeline("text-classification", model={str(saved)!r}, trust_remote_code=True)
        assert "hf_newscls" not in sys.modules
        assert type(trusting.model).__module__.startswith("transformers_modules.")
        scores = trusting({TEXTS!r}, top_k=None, function_to_apply="none")
        print(json.dumps([{{score["label"]: score["score"] for score in row}} for row in scores]))
    """
    result = run_python(code, cwd=tmp_path, home=tmp_path, environment={"PYTHONPATH": ""})
    assert result.code == 0, result.err
    *_, refusal, scores = result.out.splitlines()
    assert refusal.endswith("refused")
    expected = json.loads((saved / "expected.json").read_text())
    logits = [[row[label] for label in LABELS] for row in json.loads(scores)]
    assert np.asarray(logits) == pytest.approx(np.asarray(expected), abs=1e-6)


@pytest.mark.slow
def test_pipeline_needs_no_trust_after_register(saved: Path, tmp_path: Path) -> None:
    code = f"""if True:
        import hf_newscls
        from transformers import pipeline
        hf_newscls.register()
        trained = pipeline("text-classification", model={str(saved)!r})
        assert type(trained.model).__module__.startswith("hf_newscls.modeling.modeling_")
        print(trained("bank shares profit")[0]["label"])
    """
    result = run_python(code, cwd=tmp_path, home=tmp_path, environment={"PYTHONPATH": str(ROOT)})
    assert result.code == 0, result.err
    assert result.out.split()[-1] in LABELS


def test_registering_again_changes_nothing() -> None:
    for _ in range(2):
        register()
    assert isinstance(AutoConfig.for_model("newscls"), NewsClassifierConfig)
    assert AutoModelForSequenceClassification._model_mapping[NewsClassifierConfig] is NewsClassifier
    assert isinstance(AutoConfig.for_model("newscls_windowed"), WindowedClassifierConfig)
    assert AutoModelForSequenceClassification._model_mapping[WindowedClassifierConfig] is WindowedClassifier
