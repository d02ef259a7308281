"""What transformers.js and text-embeddings-inference read from config.json."""

import json
from pathlib import Path

import pytest
from transformers import AutoConfig, BertGenerationConfig

from hf_newscls.modeling.configuration_newscls import NewsClassifierConfig
from hf_newscls.modeling.modeling_newscls import NewsClassifier
from hf_newscls.onnx_export.serving_config import add_serving_keys, build_serving_config
from tests.conftest import LABELS
from tests.tiny_models import load_tiny, save_encoder


@pytest.mark.parametrize("architecture", ["bert", "roberta", "distilbert"])
@pytest.mark.parametrize("head", ["stock", "two_layer"])
def test_config_describes_the_encoders_own_classifier(architecture: str, head: str, tmp_path: Path) -> None:
    model = load_tiny(save_encoder(tmp_path, architecture), head=head).model
    served = json.loads(json.dumps(build_serving_config(model)))
    assert served["model_type"] == architecture
    assert served["architectures"][0].endswith("ForSequenceClassification")
    assert served["id2label"] == {str(index): name for index, name in enumerate(LABELS)}
    assert (served["hidden_size"], served["num_hidden_layers"]) == (32, 2)
    assert str(tmp_path) not in json.dumps(served)


def test_encoder_without_a_classifier_in_transformers_has_the_name_of_our_class() -> None:
    encoder = BertGenerationConfig(vocab_size=9, hidden_size=8, num_hidden_layers=1, num_attention_heads=1)
    model = NewsClassifier(NewsClassifierConfig(backbone_config=encoder, num_labels=3))
    served = build_serving_config(model)
    assert (served["model_type"], served["architectures"]) == ("bert-generation", ["NewsClassifier"])
    assert add_serving_keys({"architectures": ["NewsClassifier"]}, served)["architectures"] == ["NewsClassifier"]


def test_windowed_model_states_the_tokens_of_all_windows(tmp_path: Path) -> None:
    folder = save_encoder(tmp_path, "roberta")
    model = load_tiny(folder, max_length=None, windows={"count": 3, "length": 20, "stride": 8}).model
    # RoBERTa has two positions that no token uses: 20 tokens, and 10 new ones in each other window.
    assert build_serving_config(model)["max_position_embeddings"] == 20 + 2 * 10 + 2


def test_own_config_still_loads_with_the_keys_for_servers(tmp_path: Path) -> None:
    model = load_tiny(save_encoder(tmp_path / "encoder", "bert"), head="two_layer").model
    model.save_pretrained(tmp_path / "model")
    own = json.loads((tmp_path / "model" / "config.json").read_text())
    both = add_serving_keys(own, build_serving_config(model))
    assert both["architectures"] == ["NewsClassifier", "BertForSequenceClassification"]
    assert both.items() >= {name: value for name, value in own.items() if name != "architectures"}.items()
    assert {"hidden_size", "num_hidden_layers", "max_position_embeddings", "pad_token_id"} <= both.keys()
    (tmp_path / "model" / "config.json").write_text(json.dumps(both))
    loaded = AutoConfig.from_pretrained(tmp_path / "model")
    assert loaded.model_type == "newscls"
    assert loaded.backbone_config.to_dict() == model.config.backbone_config.to_dict()
