"""Train the published models again, on the published split and on one without leaks; write docs/reproduction.md.

If the base weights of a model are not available, MiniLM is trained instead, and the page says so. A finished training
is not repeated. Each figure on the page is from a run's metrics.json, or was published.
"""

import argparse
import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from _common import describe_machine
from jinja2 import Environment, StrictUndefined

TEMPLATE = Path(__file__).with_name("reproduction.md.jinja")
SPLITS = {"published": "keep", "without leaks": "group"}
TWO_LAYER = "model.head=two_layer"


@dataclass(frozen=True)
class Case:
    """A published model, and the recipe to use if its weights are not available."""

    title: str
    recipe: str
    published: str
    substitute: str
    substitute_overrides: Sequence[str] = ()

    @property
    def is_fake_news(self):
        return self.recipe.startswith("fake_news")


CASES = (
    Case("BERT (cased), its own head", "fake_news_bert", "F1 near 0.97", "fake_news_minilm"),
    Case("BERT (cased), two-layer head", "fake_news_bert_two_layer", "F1 near 0.97", "fake_news_minilm", [TWO_LAYER]),
    Case("RoBERTa, its own head", "fake_news_roberta", "F1 slightly below 0.9905", "fake_news_minilm"),
    Case(
        "RoBERTa, two-layer head",
        "fake_news_roberta_two_layer",
        "F1 0.9905; precision 0.9844 and 0.9968, recall 0.9968 and 0.9840",
        "fake_news_minilm",
        [TWO_LAYER],
    ),
    Case(
        "RoBERTa, 28 categories",
        "news_category_roberta",
        "top-1 0.77, top-3 0.93; weighted precision 0.769, recall 0.775, F1 0.769",
        "news_category_minilm",
    ),
)


@dataclass(frozen=True)
class Outcome:
    """The scores of a case on one split."""

    case: Case
    split: str
    recipe: str
    encoder: str
    metrics: dict
    manifest: dict

    @property
    def is_substitute(self):
        return not self.recipe.startswith(f"{self.case.recipe}_on_")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fake-news", type=Path, help="news.csv of the fake-news set, or a file with only its titles")
    parser.add_argument("--categories", type=Path, help="JSON lines of the HuffPost set")
    parser.add_argument("--rows", type=int, help="use only the first rows of each file")
    parser.add_argument("--runs-dir", type=Path, default=Path("runs"))
    parser.add_argument("--output", type=Path, default=Path("docs/reproduction.md"))
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="changes to every recipe")
    options = parser.parse_args()
    outcomes = [reproduce(case, split, options) for case in CASES for split in SPLITS]
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(render(outcomes, options), encoding="utf-8")
    print(options.output)


def reproduce(case, split, options):
    """Train a case on a split, or use its finished run."""
    from hf_newscls import workflow
    from hf_newscls.runs.folder import RunFolder
    from hf_newscls.runs.resuming import find_finished

    recipe = resolve(case, split, options)
    fingerprint = workflow.prepare(recipe).manifest.fingerprint
    run = find_finished(recipe, fingerprint, runs_dir=options.runs_dir)
    run = run or RunFolder(workflow.train(recipe, runs_dir=options.runs_dir).path)
    encoder = recipe.base_model or recipe.model.model_name_or_path
    return Outcome(case, split, recipe.name, encoder, run.read_json(run.metrics), run.read_json(run.split))


def resolve(case, split, options):
    """Return the published recipe, or that of the substitute, on a split of the given rows."""
    from hf_newscls.recipe.loading import read_recipe

    data = options.fake_news if case.is_fake_news else options.categories
    data = sample(data, options) if data and options.rows else data
    name, changes = case.recipe, []
    if not has_weights(read_recipe(case.recipe)):
        name = case.substitute + ("_two_layer" if TWO_LAYER in case.substitute_overrides else "")
        # With the fractions of the published model, not those of the substitute.
        fractions = (0.7, 0.1, 0.2) if case.is_fake_news else (0.8, 0.1, 0.1)
        splits = zip(("train", "validation", "test"), fractions, strict=True)
        changes = [*case.substitute_overrides, *(f"split.{split_name}={fraction}" for split_name, fraction in splits)]
    changes += [f"name={name}_on_{split.replace(' ', '_')}_split", f"data.duplicates={SPLITS[split]}"]
    changes += [*choose_columns(case, data), *options.overrides]
    origin = case.recipe if name == case.recipe else case.substitute
    return read_recipe(origin, changes, source=str(data) if data else None)


def has_weights(recipe):
    from hf_newscls.errors import ModelError
    from hf_newscls.modeling.loading import load_pretrained

    try:
        load_pretrained(recipe.model, ["a", "b"], seed=recipe.seed)
    except ModelError:
        return False
    return True


def choose_columns(case, data):
    """Use only the titles if a file has no texts."""
    if not case.is_fake_news or data is None:
        return []
    with data.open(encoding="utf-8", newline="") as stream:
        has_text = "text" in next(csv.reader(stream))
    return [] if has_text else ["data.text=[title]"]


def sample(path, options):
    """Write the first rows of a file into the folder of the runs."""
    target = options.runs_dir / f"first_{options.rows}_of_{path.name}"
    options.runs_dir.mkdir(parents=True, exist_ok=True)
    with path.open(encoding="utf-8", newline="") as source, target.open("w", encoding="utf-8", newline="") as stream:
        if path.suffix == ".csv":
            rows = csv.reader(source)
            csv.writer(stream).writerows(row for _, row in zip(range(options.rows + 1), rows, strict=False))
        else:
            stream.writelines(line for _, line in zip(range(options.rows), source, strict=False))
    return target


def render(outcomes, options):
    environment = Environment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    # Several published models can have the same substitute, which is listed once.
    runs = [*{outcome.recipe: outcome for outcome in outcomes}.values()]
    return template.render(
        outcomes=outcomes,
        runs=runs,
        gaps=[*compare_splits(runs)],
        missing=[*dict.fromkeys(outcome.case.title for outcome in outcomes if outcome.is_substitute)],
        encoders=[*dict.fromkeys(outcome.encoder for outcome in outcomes if outcome.is_substitute)],
        rows=options.rows,
        files=[*describe_files(options)],
        machine=describe_machine(),
    )


def describe_files(options):
    """Yield the files that replace those of the recipes."""
    if options.fake_news:
        titles = choose_columns(CASES[0], options.fake_news)
        yield options.fake_news.name + (", which has only titles" if titles else "")
    if options.categories:
        yield options.categories.name


def compare_splits(runs):
    """Yield a model's name and its gain by leaks, with an interval for independent test sets."""
    by_name = {}
    for run in runs:
        by_name.setdefault(run.recipe.split("_on_")[0], {})[run.split] = run.metrics
    for name, found in by_name.items():
        scores, widths = zip(*(measure(found[split]) for split in SPLITS), strict=True)
        gap, reach = scores[0] - scores[1], sum(width**2 for width in widths) ** 0.5
        yield name, gap, gap - reach, gap + reach


def measure(metrics):
    """Return accuracy and half the width of its interval."""
    low, high = metrics["intervals"]["accuracy"]
    return metrics["test"]["accuracy"], (high - low) / 2


if __name__ == "__main__":
    main()
