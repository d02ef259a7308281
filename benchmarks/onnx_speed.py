"""Speed and size of the ONNX files of MiniLM and base-size encoders, against our prediction in PyTorch.

    python benchmarks/onnx_speed.py [--encoders bert-base …] [--rounds 5] [--layers N]

The models have the shapes of the named encoders and a stock head, and random weights: a trained model takes the same
time. Nothing is downloaded. The files are those of `hf-newscls export --int8`. The ways:

- PyTorch: what `hf-newscls predict --input FILE --float32` computes for a batch;
- PyTorch, bfloat16: the same without `--float32`, on a processor that is faster in bfloat16;
- float32, int8: the two files in onnxruntime.

A round computes the same batch each way, in random order; a ratio is of one round. Times are CPU time of one thread,
because other load on the machine changes it less than wall-clock time. Each encoder has a process of its own; its
result replaces an earlier one.
"""

import argparse
import copy
import importlib.metadata
import multiprocessing
import random
import statistics
import tempfile
import time
from functools import partial
from pathlib import Path

from _common import RESULTS, describe_machine, read_results, save, summarize_ratios

NAME, SEED = "onnx_speed", 17
ROWS, TOKENS, LABELS = 16, 64, 28
BASE, BF16 = "PyTorch", "PyTorch, bfloat16"
# What differs from the defaults of transformers, which are mostly those of the base size.
SHAPES = {
    "MiniLM": ("BertConfig", {"hidden_size": 384, "intermediate_size": 1536, "num_hidden_layers": 6}),
    "bert-base": ("BertConfig", {}),
    "roberta-base": ("RobertaConfig", {"max_position_embeddings": 514, "type_vocab_size": 1}),
    "distilbert-base": ("DistilBertConfig", {}),
    "deberta-v3-base": (
        "DebertaV2Config",
        {
            "hidden_size": 768,
            "intermediate_size": 3072,
            "num_hidden_layers": 12,
            "num_attention_heads": 12,
            "pooler_hidden_size": 768,
            "relative_attention": True,
            "position_buckets": 256,
            "position_biased_input": False,
            "norm_rel_ebd": "layer_norm",
            "share_att_key": True,
            "pos_att_type": ["p2c", "c2p"],
        },
    ),
    "modernbert-base": ("ModernBertConfig", {}),
    "mpnet-base": ("MPNetConfig", {"max_position_embeddings": 514, "pad_token_id": 1}),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--encoders", nargs="+", choices=SHAPES, default=[*SHAPES])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--layers", type=int, help="layers of each encoder, for a quick try")
    parser.add_argument("--results", type=Path, default=RESULTS, help="results file")
    options = parser.parse_args()
    if options.layers and options.results == RESULTS:
        parser.error("--layers is for a quick try; name another file with --results")
    for name in options.encoders:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            result = pool.apply(measure, (name, options))
        for way, figures in result["ways"].items():
            print(f"{name:<16} {way:<8} {figures}", flush=True)
        encoders = read_results(options.results).get(NAME, {}).get("encoders", {})
        save(NAME, {"encoders": {**encoders, name: result}}, options.results)


def measure(name: str, options) -> dict[str, object]:
    import torch

    from hf_newscls.inference.precision import predicting_fast
    from hf_newscls.inference.predicting import TrainedClassifier, compute_probabilities
    from hf_newscls.modeling.acceleration.bfloat16 import has_fast_bf16

    torch.set_num_threads(1)
    classifier, texts = build_classifier(name, options.layers), build_texts()
    with tempfile.TemporaryDirectory() as folder:
        files = export(classifier.model, Path(folder))
        megabytes = {way: path.stat().st_size / 1e6 for way, path in files.items()}
        onnx = {way: load(path, texts) for way, path in files.items()}
    difference = abs(onnx["float32"]() - compute_probabilities(classifier, texts)).max()
    if not difference < 1e-4:
        raise ValueError(f"{name}: a probability differs by {difference} from that of the model")
    is_fast = has_fast_bf16(torch.device("cpu"))  # elsewhere `predict` uses float32
    rounded = TrainedClassifier(copy.deepcopy(classifier.model), classifier.tokenizer)
    with predicting_fast(classifier, bf16=False), predicting_fast(rounded, bf16=True):
        ways = {
            BASE: partial(compute_probabilities, classifier, texts),
            **({BF16: partial(compute_probabilities, rounded, texts)} if is_fast else {}),
            **onnx,
        }
        rounds = time_ways(ways, options.rounds)
    return {
        **describe_machine(),
        "onnxruntime": importlib.metadata.version("onnxruntime"),
        "layers": classifier.model.config.num_hidden_layers,
        "rounds": rounds,
        "megabytes": megabytes,
        "ways": {way: summarize(rounds, way) for way in ways},
    }


def build_classifier(name: str, layers: int | None):
    """Return a model with random weights, and a tokenizer that only pads."""
    import torch
    import transformers
    from tokenizers import Tokenizer, models

    from hf_newscls.inference.predicting import TrainedClassifier

    config_name, sizes = SHAPES[name]
    sizes = sizes | ({"num_hidden_layers": layers} if layers else {})
    config = getattr(transformers, config_name)(**sizes, num_labels=LABELS)
    torch.manual_seed(SEED)
    model = transformers.AutoModelForSequenceClassification.from_config(config, dtype=torch.float32).eval()
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.WordLevel()), pad_token="[PAD]")
    return TrainedClassifier(model, tokenizer)


def build_texts():
    """Return a batch of random token ids."""
    import numpy as np

    from hf_newscls.inference.predicting import TokenizedTexts
    from hf_newscls.modeling.token_counts import TokenCounts

    ids = np.random.default_rng(SEED).integers(1000, 30000, (ROWS, TOKENS)).tolist()
    rows = {"input_ids": ids, "attention_mask": [[1] * TOKENS] * ROWS}
    return TokenizedTexts(rows, np.arange(ROWS), TokenCounts(np.full(ROWS, TOKENS), np.zeros(ROWS, int), 2))


def export(model, folder: Path) -> dict[str, Path]:
    """Write the files of a model."""
    from hf_newscls.onnx_export.graphs import build_graph, quantize_graph, save_graph

    files = {"float32": folder / "model.onnx", "int8": folder / "model_quantized.onnx"}
    graph = build_graph(model)
    save_graph(graph, files["float32"])
    save_graph(quantize_graph(graph), files["int8"])
    return files


def load(path: Path, texts):
    """Return a function that computes the probabilities of the texts with a file."""
    import numpy as np
    from onnxruntime import InferenceSession, SessionOptions
    from scipy.special import softmax

    settings = SessionOptions()
    settings.intra_op_num_threads = 1
    session = InferenceSession(path, settings, providers=["CPUExecutionProvider"])
    batch = {name: np.array(texts.rows[name]) for name in ("input_ids", "attention_mask")}
    return lambda: softmax(session.run(["logits"], batch)[0], axis=1)


def time_ways(ways, rounds: int) -> list[dict[str, float]]:
    """Return the texts per second of each way in each round, after a round that is not counted."""
    rng, found = random.Random(SEED), []
    for _ in range(rounds + 1):
        figures = {}
        for way in rng.sample([*ways], len(ways)):
            start = time.process_time()
            ways[way]()
            figures[way] = ROWS / (time.process_time() - start)
        found.append(figures)
    return found[1:]


def summarize(rounds, way: str) -> dict[str, object]:
    """Return the median speed of a way, and its speed relative to the base: median, least and greatest."""
    ratios = [one[way] / one[BASE] for one in rounds]
    return {
        "rows_per_second": statistics.median(one[way] for one in rounds),
        f"speed to {BASE}": summarize_ratios(ratios),
    }


if __name__ == "__main__":
    main()
