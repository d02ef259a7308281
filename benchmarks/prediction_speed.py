"""Speed and memory of `predict --input` against the stock pipeline and the stock Trainer.

    python benchmarks/prediction_speed.py MODEL FILE --text COLUMN [--rows N] [--rounds N] [--ways …]
                                          [--memory N … --formats csv jsonl parquet]

All ways predict the same rows, in the same random order, with the same model and the same limit of tokens:

- pipeline: `pipeline(texts, batch_size=64, truncation=True)`;
- trainer: `Trainer.predict` as transformers' run_classification example sets it up: texts tokenized by `map`, padded to
  the maximum length, batches of 8;
- ours, ours in float32: `hf_newscls.predict_file`, from the file to the written answers; it chooses bfloat16 where it
  is faster;
- ours in bfloat16: the same in bfloat16, also where it is slower.

Each measurement runs in a process of its own. The ways take turns within a round, in random order, so that other load
on the machine affects all of them; ratios are of one round. Loading the model does not count; reading and tokenizing
do. Each way also gives the fraction of its answers that differ from those of the pipeline. `--memory` measures the peak
memory of ours on files that are grown to these numbers of rows, in each of the `--formats`.
"""

import argparse
import itertools
import json
import multiprocessing
import random
import statistics
import tempfile
import time
from pathlib import Path

from _common import RESULTS, describe_machine, read_resident_megabytes, read_results, save, summarize_ratios

WAYS = ("pipeline", "trainer", "ours", "ours in float32", "ours in bfloat16")
SEED = 17


def main() -> None:
    options = parse_options()
    name = f"prediction_speed {options.name}"
    before = read_results(options.results).get(name, {})
    rounds, memory = before.get("rounds", []), before.get("peak_megabytes", {})
    ways = options.ways.split("|")
    for _ in range(options.rounds):
        rounds.append(measure_round(options, ways, seed=SEED + len(rounds)))
    for rows, suffix in itertools.product(options.memory, options.formats):
        key = f"{rows} {suffix}"
        memory[key] = measure_memory(options, rows, suffix)
        print(f"{rows:,} rows of {suffix}: {memory[key]:,.0f} MB", flush=True)
    result = {**run_apart(describe_machine), "rows": options.rows, "ways": summarize(rounds), "rounds": rounds}
    save(name, {**result, "peak_megabytes": memory}, options.results)
    for way, figures in summarize(rounds).items():
        print(f"{way:<18}", json.dumps(figures))


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", help="model folder")
    parser.add_argument("file", type=Path, help="CSV or JSON Lines file")
    parser.add_argument("--text", required=True, help="column of the text")
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--ways", default="|".join(WAYS), help="ways to measure, separated by |")
    parser.add_argument("--memory", type=int, nargs="+", default=[], help="numbers of rows")
    parser.add_argument("--formats", nargs="+", choices=["csv", "jsonl", "parquet"], default=["csv"])
    parser.add_argument("--name", default="headlines", help="name of the entry in results.json")
    parser.add_argument("--results", type=Path, default=RESULTS, help="results file")
    return parser.parse_args()


def measure_round(options, ways, *, seed: int) -> dict[str, dict[str, float]]:
    """Return rows per second of each way, and the fraction of answers that differ from those of the first one."""
    figures, answers = {}, {}
    for way in random.Random(seed).sample(ways, len(ways)):
        seconds, answers[way] = run_apart(measure, options, way, seed)
        figures[way] = {"rows_per_second": len(answers[way]) / seconds}
        print(f"seed {seed}: {way:<18} {figures[way]['rows_per_second']:8.1f} rows/s", flush=True)
    for way in ways:
        pairs = zip(answers[way], answers[ways[0]], strict=True)
        figures[way]["changed_answers"] = statistics.mean(found != expected for found, expected in pairs)
    return {way: figures[way] for way in ways}


def run_apart(function, *arguments):
    """Run a function in a new process, in which no thread of torch runs yet."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, arguments)


def read_texts(options, rows: int, seed: int) -> list[str]:
    """Return texts of the file in random order, repeated with a number if it has fewer."""
    from hf_newscls.data.readers.row_blocks import read_row_blocks

    blocks = read_row_blocks([options.file], [options.text])
    texts = [text for block in blocks for text in block[options.text].to_pylist() if text]
    random.Random(seed).shuffle(texts)
    return [texts[number % len(texts)] + f" {number // len(texts)}" * (number >= len(texts)) for number in range(rows)]


def measure(options, way: str, seed: int) -> tuple[float, list[str]]:
    """Return the seconds and the labels that a way takes and gives."""
    import datasets
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    datasets.disable_progress_bars()
    texts = read_texts(options, options.rows, seed)
    predict = {"pipeline": predict_with_pipeline, "trainer": predict_with_trainer}.get(way)
    return predict(options, texts) if predict else predict_with_ours(options, texts, way)


def predict_with_pipeline(options, texts: list[str]) -> tuple[float, list[str]]:
    from transformers import pipeline

    classifier = load(options)
    classify = pipeline("text-classification", model=classifier.model, tokenizer=classifier.tokenizer)
    start = time.perf_counter()
    labels = [answer["label"] for answer in classify(texts, batch_size=64, truncation=True)]
    return time.perf_counter() - start, labels


def predict_with_trainer(options, texts: list[str]) -> tuple[float, list[str]]:
    from datasets import Dataset
    from transformers import Trainer, TrainingArguments, default_data_collator

    classifier = load(options)
    tokenizer = classifier.tokenizer
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(output_dir=folder, disable_tqdm=True)
        trainer = Trainer(classifier.model, arguments, data_collator=default_data_collator)
        start = time.perf_counter()
        rows = Dataset.from_dict({"text": texts})
        limit = {"padding": "max_length", "max_length": tokenizer.model_max_length, "truncation": True}
        tokenized = rows.map(lambda batch: tokenizer(batch["text"], **limit), batched=True, remove_columns="text")
        predictions = trainer.predict(tokenized).predictions.argmax(axis=1)
        return time.perf_counter() - start, [classifier.label_names[label] for label in predictions]


def predict_with_ours(options, texts: list[str], way: str) -> tuple[float, list[str]]:
    """Measure from the first row to the written answers, without loading the model and checking the file."""
    import pandas as pd

    from hf_newscls.modeling.acceleration import bfloat16
    from hf_newscls.progress import showing
    from hf_newscls.workflow.prediction.files import predict_file

    if way == "ours in bfloat16":
        bfloat16.has_fast_bf16 = lambda device: True
    moments = []
    with tempfile.TemporaryDirectory() as folder:
        source, output = Path(folder, "rows.csv"), Path(folder, "answers.parquet")
        pd.DataFrame({"text": texts}).to_csv(source, index=False)
        with showing(lambda now: moments.append(time.perf_counter()) if now.step == "predicting" else None):
            predict_file(options.model, source, output, text="text", float32=way == "ours in float32")
        return time.perf_counter() - moments[0], pd.read_parquet(output)["prediction"].tolist()


def load(options):
    from hf_newscls.inference.predicting import load_classifier

    return load_classifier(options.model)


def measure_memory(options, rows: int, suffix: str) -> float:
    """Return the peak memory in MB of our prediction of a file with that many rows, answers in the same format."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, f"rows.{suffix}")
        run_apart(write_rows, options, rows, source)
        return run_apart(measure_peak, options, source, Path(folder, f"answers.{suffix}"))


def measure_peak(options, source: Path, output: Path) -> float:
    from hf_newscls.workflow.prediction.files import predict_file

    predict_file(options.model, source, output, text="text")
    return read_resident_megabytes()


def write_rows(options, rows: int, path: Path) -> None:
    import pandas as pd

    # Equal texts within a block are computed once; over the blocks, memory grows as with different texts.
    texts = read_texts(options, 10_000, SEED)
    frame = pd.DataFrame({"text": [texts[number // 20 % len(texts)] for number in range(rows)]})
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    elif path.suffix == ".jsonl":
        frame.to_json(path, orient="records", lines=True)
    else:
        frame.to_parquet(path, row_group_size=100_000)


def summarize(rounds) -> dict[str, dict]:
    """Return medians over the rounds of each way, and its speed relative to others: median, least and greatest."""
    summary = {}
    for way in rounds[0] if rounds else ():
        measured = [figures for figures in rounds if way in figures]
        entry = {"rounds": len(measured)}
        entry |= {name: statistics.median(one[way][name] for one in measured) for name in measured[0][way]}
        for base in ("pipeline", "trainer"):
            ratios = [one[way]["rows_per_second"] / one[base]["rows_per_second"] for one in measured if base in one]
            if ratios:
                entry[f"speed to {base}"] = summarize_ratios(ratios)
        summary[way] = entry
    return summary


if __name__ == "__main__":
    main()
