"""Loading: what was pre-trained and what is new, labels, lengths, and every way a model can be unusable."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModel, AutoTokenizer, BertForMaskedLM, BertForSequenceClassification, GPT2Config, GPT2Model

from hf_newscls.errors import InputError, ModelError, RecipeError
from hf_newscls.files import compute_sha256
from hf_newscls.modeling.loading import describe_parameters, load_pretrained, load_tokenizer
from hf_newscls.recipe.model import ModelSection
from tests.conftest import LABELS
from tests.processes import run_python
from tests.tiny_models import load_tiny, save_encoder

ROOT = Path(__file__).parents[2]
ARCHITECTURES = ["bert", "roberta", "distilbert"]
HEADS = ["stock", "two_layer"]
TWO_LAYER = {f"head.layers.{index}.{kind}" for index in (1, 2, 5) for kind in ("weight", "bias")}
STOCK = {
    "bert": {"classifier.weight", "classifier.bias"},
    "roberta": {f"classifier.{part}.{kind}" for part in ("dense", "out_proj") for kind in ("weight", "bias")},
    "distilbert": {f"{part}.{kind}" for part in ("pre_classifier", "classifier") for kind in ("weight", "bias")},
}


def build_section(folder: Path, **values: Any) -> ModelSection:
    return ModelSection(**{"model_name_or_path": str(folder), "max_length": 32, **values})


def name_new(classifier: Any) -> set[str]:
    return {name for name, _ in classifier.model.named_parameters()} - classifier.backbone_parameters


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_exactly_the_head_is_new(architecture: str, head: str, tmp_path: Path) -> None:
    classifier = load_tiny(save_encoder(tmp_path / "encoder", architecture), head=head)
    assert name_new(classifier) == (STOCK[architecture] if head == "stock" else TWO_LAYER)
    assert classifier.backbone_parameters <= {name for name, _ in classifier.model.named_parameters()}


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_loaded_parameters_hold_the_checkpoint(architecture: str, head: str, tmp_path: Path) -> None:
    folder = save_encoder(tmp_path / "encoder", architecture)
    classifier = load_tiny(folder, head=head)
    prefix = f"{classifier.model.base_model_prefix}."
    checkpoint = load_file(folder / "model.safetensors")
    if head == "two_layer":
        checkpoint = {name: value for name, value in checkpoint.items() if not name.startswith("pooler.")}
    assert {name.removeprefix(prefix) for name in classifier.backbone_parameters} == set(checkpoint)
    parameters = dict(classifier.model.named_parameters())
    for name in classifier.backbone_parameters:
        assert torch.equal(parameters[name], checkpoint[name.removeprefix(prefix)]), name


def test_pooler_of_bert_is_loaded_and_two_layer_has_none(tmp_path: Path) -> None:
    folder = save_encoder(tmp_path / "encoder", "bert")
    stock = load_tiny(folder)
    assert "bert.pooler.dense.weight" in stock.backbone_parameters
    two_layer = load_tiny(folder, head="two_layer")
    assert not [name for name, _ in two_layer.model.named_parameters() if "pooler" in name]


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("checkpoint_labels", [3, 5])
def test_head_of_another_task_counts_as_new(checkpoint_labels: int, head: str, tmp_path: Path) -> None:
    # A fine-tuned classifier is a common start: its encoder is wanted, its head is for other labels.
    folder = save_encoder(
        tmp_path / "encoder", "bert", model_class=BertForSequenceClassification, num_labels=checkpoint_labels
    )
    classifier = load_tiny(folder, head=head)
    assert name_new(classifier) == (STOCK["bert"] if head == "stock" else TWO_LAYER)


@pytest.mark.parametrize("head", HEADS)
def test_half_precision_checkpoint_is_trained_in_float32(head: str, tmp_path: Path) -> None:
    folder = save_encoder(tmp_path / "encoder", "bert")
    AutoModel.from_pretrained(folder).half().save_pretrained(folder)
    classifier = load_tiny(folder, head=head)
    assert {parameter.dtype for parameter in classifier.model.parameters()} == {torch.float32}
    assert classifier.model(**classifier.tokenizer("bank", return_tensors="pt")).logits.shape == (1, 3)


@pytest.mark.parametrize("head", HEADS)
def test_label_maps_follow_the_order_given(head: str, tiny_encoder: Path) -> None:
    config = load_tiny(tiny_encoder, labels=["WORLD", "ARTS", "SPORTS"], head=head).model.config
    assert config.id2label == {0: "WORLD", 1: "ARTS", 2: "SPORTS"}
    assert config.label2id == {"WORLD": 0, "ARTS": 1, "SPORTS": 2}
    assert config.num_labels == 3
    assert config.problem_type == "single_label_classification"


# 32 x 3 + 3 = 99; (32 x 64 + 64) + 2 x 64 + (64 x 3 + 3) = 2,435.
@pytest.mark.parametrize(("head", "new"), [("stock", "99"), ("two_layer", "2,435")])
def test_description_counts_new_parameters(head: str, new: str, tiny_encoder: Path) -> None:
    classifier = load_tiny(tiny_encoder, head=head)
    total = sum(parameter.numel() for parameter in classifier.model.parameters())
    assert f"{total:,} parameters, {new} (the head)" in describe_parameters(classifier)


def test_new_pooler_is_described_as_a_part_of_the_encoder(tmp_path: Path) -> None:
    folder = save_encoder(tmp_path / "encoder", "bert", model_class=BertForMaskedLM)  # saved without a pooler
    assert "(the head and a part of the encoder)" in describe_parameters(load_tiny(folder))


@pytest.mark.parametrize("head", HEADS)
def test_only_the_seed_decides_the_new_parameters(head: str, tiny_encoder: Path) -> None:
    first = load_tiny(tiny_encoder, head=head, seed=3)
    torch.manual_seed(99)
    expected = torch.random.get_rng_state()
    same, other = (load_tiny(tiny_encoder, head=head, seed=seed) for seed in (3, 4))
    assert torch.equal(torch.random.get_rng_state(), expected)
    for name in (name for name in name_new(first) if name.endswith("weight") and "layers.2" not in name):
        values = [dict(loaded.model.named_parameters())[name] for loaded in (first, same, other)]
        assert torch.equal(values[0], values[1]), name
        assert not torch.equal(values[0], values[2]), name


def test_head_dropout_is_0_4_unless_given(tiny_encoder: Path) -> None:
    usual = load_tiny(tiny_encoder, head="two_layer").model
    none = load_tiny(tiny_encoder, head="two_layer", head_dropout=0.0).model
    assert usual.config.head_dropout == 0.4
    assert none.config.head_dropout == 0.0
    assert [layer.p for layer in none.head.layers if isinstance(layer, torch.nn.Dropout)] == [0.0, 0.0]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_longest_text_goes_through_the_encoder(architecture: str, tmp_path: Path) -> None:
    folder = save_encoder(tmp_path / "encoder", architecture)
    classifier = load_tiny(folder, max_length=64)
    encoded = classifier.tokenizer("bank " * 500, truncation=True, return_tensors="pt")
    assert encoded["input_ids"].shape == (1, 64)
    assert classifier.model.eval()(**encoded).logits.shape == (1, 3)


# RoBERTa counts positions from 2: its 66 position embeddings read 64 tokens.
@pytest.mark.parametrize("max_length", [65, 66])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_max_length_above_the_positions_is_refused(architecture: str, max_length: int, tmp_path: Path) -> None:
    folder = save_encoder(tmp_path / "encoder", architecture)
    with pytest.raises(RecipeError, match=rf"model.max_length is {max_length}, .* 64 tokens"):
        load_tokenizer(build_section(folder, max_length=max_length))


@pytest.fixture
def gpt(tiny_encoder: Path, tmp_path: Path) -> Path:
    """A tiny decoder that reads 64 tokens from left to right."""
    folder = shutil.copytree(tiny_encoder, tmp_path / "gpt")
    GPT2Model(GPT2Config(vocab_size=200, n_embd=32, n_layer=1, n_head=2, n_positions=64)).save_pretrained(folder)
    AutoTokenizer.from_pretrained(folder, model_max_length=10**30).save_pretrained(folder)
    return folder


def test_positions_are_counted_whatever_their_module_is_called(gpt: Path) -> None:
    assert load_tokenizer(build_section(gpt, max_length=64)).model_max_length == 64
    with pytest.raises(RecipeError, match="64 tokens"):
        load_tokenizer(build_section(gpt, max_length=65))


def test_two_layer_head_needs_an_encoder(gpt: Path) -> None:
    # The head reads the first token, which in a decoder has seen no other: every text would give the same logits.
    with pytest.raises(InputError, match="two_layer"):
        load_tiny(gpt, head="two_layer")


@pytest.mark.parametrize("head", HEADS)
def test_two_layer_model_is_no_encoder(head: str, tiny_encoder: Path, tmp_path: Path) -> None:
    classifier = load_tiny(tiny_encoder, head="two_layer")
    classifier.model.save_pretrained(tmp_path)
    classifier.tokenizer.save_pretrained(tmp_path)
    with pytest.raises(InputError, match=str(tmp_path)):
        load_tiny(tmp_path, head=head)


def test_max_length_above_the_tokenizers_limit_is_refused(tmp_path: Path) -> None:
    folder = save_encoder(tmp_path / "encoder", "bert")
    AutoTokenizer.from_pretrained(folder, model_max_length=40).save_pretrained(folder)
    assert load_tokenizer(build_section(folder, max_length=40)).model_max_length == 40
    with pytest.raises(RecipeError, match="40 tokens"):
        load_tokenizer(build_section(folder, max_length=41))


def test_tokenizer_cuts_off_at_max_length(tiny_encoder: Path) -> None:
    tokenizer = load_tokenizer(build_section(tiny_encoder, max_length=12))
    assert tokenizer.model_max_length == 12
    lengths = [len(ids) for ids in tokenizer(["bank " * 100, "bank"], truncation=True)["input_ids"]]
    assert lengths == [12, 3]


@pytest.mark.parametrize("head", HEADS)
def test_config_changes_reach_the_encoder(head: str, tiny_encoder: Path) -> None:
    values = {"head": head, "config": {"hidden_dropout_prob": 0.25}}
    assert load_tiny(tiny_encoder, **values).model.base_model.embeddings.dropout.p == 0.25


@pytest.mark.parametrize(
    ("architecture", "config"),
    [
        ("bert", {"hidden_dropout": 0.1}),
        ("bert", {"attention_probs_dropout_prob": "none"}),
        ("bert", {"attention_probs_dropout_prob": None}),
        ("bert", {"hidden_act": "gellu"}),
        ("bert", {"hidden_size": 64}),
        # DistilBERT's head reads seq_classif_dropout; this name would change nothing.
        ("distilbert", {"classifier_dropout": 0.1}),
    ],
)
def test_config_that_the_model_cannot_use_is_refused(architecture: str, config: dict[str, Any], tmp_path: Path) -> None:
    folder = save_encoder(tmp_path / "encoder", architecture)
    with pytest.raises(InputError):
        load_tiny(folder, config=config)


def test_message_names_the_unknown_config_value(tiny_encoder: Path) -> None:
    section = build_section(tiny_encoder, config={"hidden_dropout": 0.1, "hidden_act": "gelu"})
    with pytest.raises(RecipeError, match=r"model.config: .*'hidden_dropout'"):
        load_tokenizer(section)


@pytest.mark.parametrize("address", ["/nowhere/at/all", "./nowhere", "~/nowhere-at-all", "package:json/nowhere"])
def test_missing_folder_is_an_input_error(address: str) -> None:
    with pytest.raises(InputError, match="nowhere"):
        load_pretrained(ModelSection(model_name_or_path=address, max_length=32), LABELS, seed=17)


@pytest.fixture
def copied(tiny_encoder: Path, tmp_path: Path) -> Path:
    """A copy of the tiny encoder that a test may damage."""
    return shutil.copytree(tiny_encoder, tmp_path / "copied")


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("content", [b"", b"not safetensors", None])
def test_damaged_weights_are_a_model_error(content: bytes | None, head: str, copied: Path) -> None:
    weights = copied / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:2000] if content is None else content)
    with pytest.raises(ModelError, match="copied"):
        load_tiny(copied, head=head)


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors"])
def test_missing_file_is_a_model_error(missing: str, copied: Path) -> None:
    (copied / missing).unlink()
    with pytest.raises(ModelError, match="copied"):
        load_tiny(copied)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_missing_tokenizer_is_a_model_error(architecture: str, tmp_path: Path) -> None:
    # transformers 5 makes up a tokenizer of five special tokens that turns every word into [UNK].
    folder = save_encoder(tmp_path / "encoder", architecture)
    for name in ("tokenizer.json", "tokenizer_config.json", "vocab.txt", "vocab.json", "merges.txt"):
        (folder / name).unlink(missing_ok=True)
    with pytest.raises(ModelError, match="tokenizer"):
        load_tokenizer(build_section(folder))


@pytest.mark.parametrize("head", HEADS)
def test_pickled_weights_are_refused(head: str, copied: Path) -> None:
    torch.save(load_file(copied / "model.safetensors"), copied / "pytorch_model.bin")
    (copied / "model.safetensors").unlink()
    with pytest.raises(ModelError, match=r"model\.safetensors"):
        load_tiny(copied, head=head)


def test_code_in_the_folder_is_not_run(copied: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (copied / "trap.py").write_text(f"import pathlib\npathlib.Path({str(tmp_path / 'sprung')!r}).touch()\n")
    config = json.loads((copied / "config.json").read_text())
    config |= {"model_type": "trap", "auto_map": {"AutoConfig": "trap.C", "AutoModel": "trap.C"}}
    (copied / "config.json").write_text(json.dumps(config))
    monkeypatch.setattr("builtins.input", lambda prompt: "y")
    with pytest.raises(ModelError, match="copied"):
        load_tiny(copied, head="two_layer")
    assert not (tmp_path / "sprung").exists()


def test_sha256_is_checked(copied: Path) -> None:
    right = compute_sha256(copied / "model.safetensors")
    assert load_tiny(copied, sha256=right).model.num_labels == 3
    wrong = "0" * 64
    with pytest.raises(ModelError, match=rf"{right}.* model.sha256 is {wrong}"):
        load_tiny(copied, sha256=wrong)


def test_sha256_of_sharded_weights_is_refused(copied: Path) -> None:
    model = AutoModel.from_pretrained(copied)
    (copied / "model.safetensors").unlink()
    model.save_pretrained(copied, max_shard_size="20KB")
    assert load_tiny(copied).model.num_labels == 3
    with pytest.raises(InputError):
        load_tiny(copied, sha256="0" * 64)


@pytest.mark.slow
@pytest.mark.parametrize("network", [{"HF_HUB_OFFLINE": "1"}, {"HF_ENDPOINT": "http://127.0.0.1:9"}], ids=str)
def test_hub_id_without_network_is_a_quick_model_error(network: dict[str, str], tmp_path: Path) -> None:
    code = """if True:
        import signal, time
        from hf_newscls.errors import ModelError
        from hf_newscls.modeling.loading import load_pretrained
        from hf_newscls.recipe.model import ModelSection
        start = time.perf_counter()
        signal.alarm(15)  # huggingface_hub tries again for 23 s each file
        try:
            load_pretrained(ModelSection(model_name_or_path="nobody/nothing", max_length=32), ["A", "B"], seed=17)
        except ModelError as error:
            print(time.perf_counter() - start, error)
    """
    # The variables are read when huggingface_hub is imported.
    environment = {"PYTHONPATH": str(ROOT), "NO_PROXY": "127.0.0.1", "HF_HUB_OFFLINE": "0", **network}
    result = run_python(code, cwd=tmp_path, home=tmp_path, environment=environment)
    assert result.code == 0, result.err
    seconds, _, message = result.out.partition(" ")
    assert message.startswith("nobody/nothing: ")
    assert "check the id and the network" in message
    assert float(seconds) < 10
