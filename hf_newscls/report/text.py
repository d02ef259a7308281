"""The wording that cards, tables and pages share."""

from hf_newscls.data.manifest import SplitManifest
from hf_newscls.data.splitting import SPLITS
from hf_newscls.errors import count_noun
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.training.record import TrainingRecord


def flatten_text(text: str) -> str:
    r"""Return a text on one line.

    >>> flatten_text("two\n lines")
    'two lines'
    """
    return " ".join(text.split())


def format_duration(seconds: float) -> str:
    """Return a duration, rounded: seconds up to two minutes, then minutes, with hours from one hour on.

    >>> format_duration(41.4), format_duration(670), format_duration(4790)
    ('41 s', '11 min', '1 h 20 min')
    """
    if seconds < 119.5:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def format_warmup(steps: float) -> str:
    """Return a warm-up in words; below 1 it is a fraction of the steps.

    >>> format_warmup(0.1), format_warmup(100)
    ('first 10% of the steps', 'first 100 steps')
    """
    if steps == 0:
        return "none"
    return f"first {100 * steps:g}% of the steps" if steps < 1 else f"first {count_noun(int(steps), 'step')}"


def count_rows(manifest: SplitManifest) -> dict[str, int]:
    """Return the number of rows by split."""
    return {split: sum(manifest.label_counts[split].values()) for split in SPLITS}


def describe_rows(manifest: SplitManifest) -> str:
    """Return a sentence on the rows that were used, and on those that were dropped, by reason."""
    used = sum(count_rows(manifest).values())
    reasons = ", ".join(f"{count:,} ({reason})" for reason, count in manifest.dropped.items() if count)
    if used == manifest.rows_read:
        return f"All {used:,} rows were used."
    return f"{used:,} of {manifest.rows_read:,} rows were used{f'; rows dropped: {reasons}' if reasons else ''}."


def describe_duplicates(manifest: SplitManifest, recipe: Recipe) -> str:
    """Return sentences on duplicates, on leaks between training and test set, and on conflicting labels."""
    found, leakage = manifest.duplicates, manifest.leakage
    total, kinds = found.exact + found.near, f"(exact {found.exact:,}, near {found.near:,})"
    leaks = f"{leakage.rows:,} test rows have" if leakage.rows != 1 else "1 test row has"
    leaks = f"{leaks if leakage.rows else 'no test row has'} a duplicate in the training set"
    if not total:
        return "No duplicates were found."
    if found.handling == "drop":
        removed = manifest.dropped.get("duplicate", total)
        before = "" if removed == total else f" of {total:,}, after the rows with conflicting labels"
        sentence = f"Duplicates removed: {removed:,}{before} {kinds}. The first row of each group was used."
    elif found.handling == "group":
        sentence = (
            f"Duplicates found: {total:,} {kinds}. Each is in the same split as the text that it repeats, so {leaks}. "
            f"With a plain random split, {leakage.random_split_rows:,} of {leakage.random_split_test_rows:,} test rows "
            "would have one."
        )
    else:
        sentence = f"Duplicates kept: {total:,} {kinds}; {leaks}."
    return f"{sentence} {_describe_conflicts(manifest, recipe)}".strip()


def _describe_conflicts(manifest: SplitManifest, recipe: Recipe) -> str:
    found = manifest.duplicates
    if not found.conflicting_rows:
        return ""
    outcome = "the first row of each text was used" if found.handling == "drop" else "all were kept"
    if recipe.data.conflicting_labels == "drop":
        outcome = "all were dropped"
    counts = f"{found.conflicting_texts:,} ({count_noun(found.conflicting_rows, 'row')})"
    return f"Texts with conflicting labels: {counts}; {outcome}."


def describe_trained_parameters(record: TrainingRecord) -> str:
    """Return how many parameters of the model were trained."""
    if record.trained_parameters == record.parameters:
        return f"all {record.parameters:,}"
    fraction = record.trained_parameters / record.parameters
    return f"{record.trained_parameters:,} of {record.parameters:,} ({fraction:.1%})"
