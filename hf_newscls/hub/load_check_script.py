"""Classify texts with a model folder; `load_check.py` runs this file in a fresh process, without our modules.

It reads the folder and the texts as JSON from standard input, and prints the score of each label for each text.
"""

import json
import sys
from pathlib import Path
from typing import Any


def _load_pipeline(folder: str, base: str | None) -> Any:
    from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer, pipeline

    if base is None:
        config = json.loads((Path(folder) / "config.json").read_text(encoding="utf-8"))
        return pipeline(
            "text-classification", model=folder, top_k=None, device="cpu", trust_remote_code="auto_map" in config
        )
    from peft import PeftModel

    adapter = json.loads((Path(folder) / "adapter_config.json").read_text(encoding="utf-8"))
    encoder = AutoModelForSequenceClassification.from_pretrained(
        base, config=AutoConfig.from_pretrained(folder), revision=adapter.get("revision") or "main"
    )
    model = PeftModel.from_pretrained(encoder, folder).merge_and_unload()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    return pipeline("text-classification", model=model, tokenizer=tokenizer, top_k=None, device="cpu")


def _classify(classifier: Any, text: str) -> Any:
    """Return labels with their scores; the text is truncated as in training."""
    config = classifier.model.config
    if hasattr(config, "window_count"):  # the model splits long texts by itself
        return classifier([text])[0]
    if getattr(config, "truncation", "head") != "head_tail":
        return classifier([text], truncation=True)[0]
    # A tokenizer truncates only at one end.
    tokenizer = classifier.tokenizer
    encoded = tokenizer(text, truncation=False, verbose=False, return_special_tokens_mask=True)
    special, limit = encoded.pop("special_tokens_mask"), tokenizer.model_max_length
    before = special.index(0) if 0 in special else 0
    head = before + (limit - sum(special)) // 4
    cut = {
        name: ids if len(ids) <= limit else [*ids[:head], *ids[len(ids) - limit + head :]]
        for name, ids in encoded.items()
    }
    inputs = tokenizer.pad({name: [ids] for name, ids in cut.items()}, return_tensors="pt")
    scores = classifier.model(**inputs).logits[0].softmax(dim=-1).tolist()
    return [{"label": config.id2label[index], "score": score} for index, score in enumerate(scores)]


def _main() -> None:
    asked = json.load(sys.stdin)
    classifier = _load_pipeline(asked["folder"], asked["base"])
    answers = [{part["label"]: part["score"] for part in _classify(classifier, text)} for text in asked["texts"]]
    # On the last line, because libraries print too.
    print("\n" + json.dumps(answers))  # noqa: T201 # read by the process that started this one


if __name__ == "__main__":
    _main()
