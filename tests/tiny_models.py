"""Tiny encoders of three architectures, and the tiny news tokenized for them."""

import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from datasets import ClassLabel, Dataset, DatasetDict, Features, Value
from tokenizers import ByteLevelBPETokenizer
from transformers import (
    BertConfig,
    BertModel,
    BertTokenizerFast,
    DistilBertConfig,
    DistilBertModel,
    DistilBertTokenizerFast,
    ModernBertConfig,
    ModernBertModel,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    RobertaConfig,
    RobertaModel,
    RobertaTokenizerFast,
    Trainer,
    TrainingArguments,
    set_seed,
)

from hf_newscls.modeling.adapters import add_adapter
from hf_newscls.modeling.loading import PretrainedClassifier, load_pretrained
from hf_newscls.modeling.tokenization import tokenize_splits
from hf_newscls.recipe.model import ModelSection
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.training.arguments import build_training_arguments
from hf_newscls.training.backend import detect_backend
from hf_newscls.training.fit import build_trainer
from tests.conftest import LABELS

# What each architecture calls its sizes; RoBERTa's positions start at 2, so 66 of them hold 64 tokens.
_LAYERS = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
_SIZES: dict[str, dict[str, Any]] = {
    "bert": {**_LAYERS, "max_position_embeddings": 64},
    "roberta": {**_LAYERS, "max_position_embeddings": 66, "pad_token_id": 1, "type_vocab_size": 1},
    "distilbert": {"dim": 32, "n_layers": 2, "n_heads": 2, "hidden_dim": 64, "max_position_embeddings": 64},
}
# Matrices this small gain nothing from a second thread; waiting for one on a busy machine costs seconds a step.
torch.set_num_threads(1)

_WORDS = "bank shares profit planet cells fossil goal coach league new report says after long week in the north"


def save_encoder(
    folder: Path, architecture: str, *, model_class: type[PreTrainedModel] | None = None, **config: Any
) -> Path:
    """Save random weights and a tokenizer that states no `model_max_length`; RoBERTa comes without a pooler.

    Args:
        folder: made if it is not there.
        architecture: bert, roberta or distilbert.
        model_class: another class than the architecture's base model.
        config: sizes other than the usual ones.
    """
    configs = {"bert": BertConfig, "roberta": RobertaConfig, "distilbert": DistilBertConfig}
    built = configs[architecture](**{"vocab_size": 300, **_SIZES[architecture], **config})
    set_seed(17)
    if model_class is not None:
        model = model_class(built)
    elif architecture == "roberta":
        model = RobertaModel(built, add_pooling_layer=False)
    else:
        model = {"bert": BertModel, "distilbert": DistilBertModel}[architecture](built)
    model.save_pretrained(folder)
    _train_tokenizer(folder, architecture).save_pretrained(folder)
    return folder


def save_modernbert(folder: Path, pooling: str) -> Path:
    """Save a ModernBERT with random weights; a stock head reads the mean of its tokens, or the first token (cls)."""
    save_encoder(folder, "bert")  # for its tokenizer
    special = {"pad_token_id": 0, "cls_token_id": 2, "sep_token_id": 3, "bos_token_id": 2, "eos_token_id": 3}
    set_seed(17)
    config = ModernBertConfig(vocab_size=300, local_attention=8, **_LAYERS, **special)
    config.classifier_pooling = pooling
    ModernBertModel(config).save_pretrained(folder)
    return folder


def _train_tokenizer(folder: Path, architecture: str) -> PreTrainedTokenizerBase:
    if architecture == "roberta":
        special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
        byte_pairs = ByteLevelBPETokenizer()
        byte_pairs.train_from_iterator([_WORDS] * 20, vocab_size=300, special_tokens=special, show_progress=False)
        byte_pairs.save_model(str(folder))
        return RobertaTokenizerFast(vocab=str(folder / "vocab.json"), merges=str(folder / "merges.txt"))
    # Written, not trained: training breaks ties at random, and then no two runs have the same ids.
    letters = string.ascii_lowercase + string.digits
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *_WORDS.split(), *letters, *(f"##{one}" for one in letters)]
    (folder / "vocab.txt").write_text("\n".join(pieces))
    tokenizer_class = BertTokenizerFast if architecture == "bert" else DistilBertTokenizerFast
    return tokenizer_class(vocab=str(folder / "vocab.txt"))


def load_tiny(folder: Path, *, labels: Sequence[str] = LABELS, seed: int = 17, **section: Any) -> PretrainedClassifier:
    """Load a tiny encoder under a new head; `section` holds values of the recipe's model section."""
    values = {"model_name_or_path": str(folder), "max_length": 32, **section}
    return load_pretrained(ModelSection(**values), labels, seed=seed)


def enable_checkpointing(model: PreTrainedModel) -> None:
    """Recompute activations in the backward pass; transformers 5.20, the last for Python 3.10, has the old name."""
    enable = getattr(model, "activation_checkpointing_enable", None) or model.gradient_checkpointing_enable
    enable()


def build_splits(rows: Sequence[Mapping[str, str]], **sizes: int) -> DatasetDict:
    """Cut rows of the tiny news into splits of the given sizes, in order."""
    features = Features({"text": Value("string"), "label": ClassLabel(names=list(LABELS))})
    splits, start = DatasetDict(), 0
    for split, size in sizes.items():
        part = rows[start : start + size]
        columns = {"text": [row["title"] for row in part], "label": [LABELS.index(row["category"]) for row in part]}
        splits[split] = Dataset.from_dict(columns, features=features)
        start += size
    return splits


@dataclass(frozen=True)
class TinyRun:
    """Everything `build_trainer` takes."""

    classifier: PretrainedClassifier
    tokenized: DatasetDict
    arguments: TrainingArguments
    recipe: Recipe

    def build_trainer(self) -> Trainer:
        """Build the Trainer of the run."""
        return build_trainer(self.classifier, self.tokenized, recipe=self.recipe, arguments=self.arguments)


def prepare_run(
    recipe: Recipe, rows: Sequence[Mapping[str, str]], output_dir: Path, *, train: int = 16, validation: int = 6
) -> TinyRun:
    """Load, tokenize and build arguments as `workflow.train` does."""
    classifier = load_pretrained(recipe.model, LABELS, seed=recipe.seed)
    if recipe.adapter is not None:
        classifier = add_adapter(classifier, recipe.adapter, seed=recipe.seed)
    splits = build_splits(rows, train=train, validation=validation)
    model = recipe.model
    tokenized = tokenize_splits(splits, classifier.tokenizer, max_length=model.max_length, truncation=model.truncation)
    backend = detect_backend(use_cpu=True)
    arguments = build_training_arguments(recipe, output_dir=output_dir, backend=backend)
    return TinyRun(classifier, tokenized, arguments, recipe)


# No evaluation and no checkpoints: for tests of what happens between two steps.
QUIET = (
    "training_arguments.eval_strategy='no'",
    "training_arguments.save_strategy='no'",
    "training_arguments.load_best_model_at_end=false",
)

MakeRecipe = Callable[..., Recipe]
