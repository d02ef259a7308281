"""Accuracy and speed of a static model, one vector per token, that model2vec distills from a recipe's encoder.

    pip install "model2vec[distill,train]"
    python benchmarks/static_model.py --recipe NAME [--data FILE] [--name NAME] [KEY=VALUE …]

model2vec's own classifier trains vectors and head, with its default settings, on the training rows of the recipe's
split; the validation rows decide when it stops. The test rows are those that `hf-newscls train` scores, so the accuracy
is comparable with that of a run of the recipe. The interval is 95% by bootstrap over articles.

Times are CPU time of one thread, because other load on the machine changes it less than wall-clock time. Predicting
includes tokenizing, in batches of 1024; its speed is the median of five passes over the test rows. Results of several
recipes are kept under one name.
"""

import argparse
import importlib.metadata
import os
import statistics
import time

from _common import add_recipe_options, describe, read_results, save

RESAMPLES = 2000
PASSES = 5
NAME = "static_model"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_recipe_options(parser)
    parser.add_argument("--name", help="name of the data in the table; default: the recipe's name")
    options = parser.parse_args()
    use_one_thread()
    recipe, splits = read_rows(options)
    result = measure(recipe, splits)
    print(result)
    about = {**describe(options), "model2vec": importlib.metadata.version("model2vec")}
    data = read_results(options.results).get(NAME, {}).get("data", {})
    save(NAME, {"data": {**data, options.name or recipe.name: {**about, **result}}}, options.results)


def use_one_thread() -> None:
    import torch

    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    torch.set_num_threads(1)


def read_rows(options):
    """Return the recipe and its splits, with as many training rows as the options say."""
    import hf_newscls

    recipe = hf_newscls.load_recipe(options.recipe, data=options.data, overrides=options.overrides)
    splits = hf_newscls.prepare(recipe).splits
    if options.rows:
        splits["train"] = splits["train"].shuffle(seed=recipe.split.seed).select(range(options.rows))
    return recipe, splits


def measure(recipe, splits) -> dict[str, object]:
    from model2vec.distill import distill
    from model2vec.train import StaticModelForClassification

    from hf_newscls.modeling.sources.fetch import find_encoder

    texts, labels = ({split: rows[name][:] for split, rows in splits.items()} for name in ("text", "label"))
    start = time.process_time()
    distilled = distill(str(find_encoder(recipe.model)), device="cpu")
    distilled_at = time.process_time()
    classifier = StaticModelForClassification.from_static_model(model=distilled)
    classifier.fit(
        texts["train"],
        labels["train"],
        X_val=texts["validation"],
        y_val=labels["validation"],
        device="cpu",
        random_seed=recipe.seed,
    )
    fitted_at = time.process_time()
    passes = []
    for _ in range(PASSES):
        before = time.process_time()
        probabilities = classifier.predict_proba(texts["test"])
        passes.append(len(texts["test"]) / (time.process_time() - before))
    return {
        "train_rows": len(texts["train"]),
        "test_rows": len(texts["test"]),
        "distill_seconds": distilled_at - start,
        "train_seconds": fitted_at - distilled_at,
        "rows_per_second": statistics.median(passes),
        **score(order_columns(probabilities, classifier.classes_, splits), splits["test"]),
    }


def order_columns(probabilities, classes, splits):
    """Return probabilities of all labels in the order of the splits; 0 for a label without training rows."""
    import numpy as np

    ordered = np.zeros((len(probabilities), splits["test"].features["label"].num_classes))
    ordered[:, classes] = probabilities
    return ordered


def score(probabilities, test) -> dict[str, list[float]]:
    """Return accuracy and macro F1, each with both ends of its interval."""
    import numpy as np

    from hf_newscls.data.deduplication import GROUP
    from hf_newscls.evaluation.metrics import compute_scores
    from hf_newscls.evaluation.statistics.bootstrap import Bootstrap, compute_intervals, resample_scores

    references = np.asarray(test["label"][:])
    scores = compute_scores(probabilities, references, top_k=[])
    bootstrap = Bootstrap(RESAMPLES, seed=17, groups=np.asarray(test[GROUP][:]))
    intervals = compute_intervals(resample_scores(probabilities, references, bootstrap))
    return {name: [float(scores[name]), *intervals[name]] for name in ("accuracy", "f1_macro")}


if __name__ == "__main__":
    main()
