"""The recipes of the published results, on real files, with an encoder of the real shape and random weights."""

import json
from pathlib import Path

import pytest

from hf_newscls import workflow
from hf_newscls.recipe.loading import read_recipe


@pytest.fixture(scope="module")
def roberta_base(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """RoBERTa-base with random weights and the real vocabulary: 125 million parameters."""
    from transformers import AutoTokenizer, RobertaConfig, RobertaModel

    folder = tmp_path_factory.mktemp("roberta-base")
    config = RobertaConfig(vocab_size=50265, max_position_embeddings=514, type_vocab_size=1, layer_norm_eps=1e-5)
    RobertaModel(config, add_pooling_layer=False).save_pretrained(folder)
    AutoTokenizer.from_pretrained(real_data / "tokenizers" / "roberta-base").save_pretrained(folder)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("name", ["fake_news_roberta", "fake_news_roberta_two_layer"])
def test_roberta_goes_through_the_whole_flow(name: str, roberta_base: Path, real_data: Path, tmp_path: Path) -> None:
    overrides = [
        f"model.model_name_or_path={roberta_base}",
        "model.max_length=32",
        "freeze.epochs=0.02",
        "training_arguments.num_train_epochs=0.02",
        "training_arguments.per_device_train_batch_size=4",
    ]
    recipe = read_recipe(name, overrides, source=str(real_data / "fake_news" / "news_first_256.csv"))
    run = workflow.train(recipe, runs_dir=tmp_path)
    training = json.loads((run.path / "training.json").read_text())
    split = json.loads((run.path / "split.json").read_text())
    assert run.report.test.rows == len(split["row_ids"]["test"])
    assert (training["boundary_step"], training["total_steps"]) == (1, 2)
    assert workflow.predict(run, "Senate passes budget")[0].labels[0] in {"FAKE", "REAL"}
