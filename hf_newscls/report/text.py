"""The wording that cards, tables and pages share."""

from hf_newscls.data.manifest import SplitManifest
from hf_newscls.data.splitting import SPLITS
from hf_newscls.errors import count_noun, show_direction_marks
from hf_newscls.evaluation.calibration.temperature import TemperatureFit
from hf_newscls.evaluation.other_data import OtherDataReport
from hf_newscls.evaluation.report import EvaluationReport
from hf_newscls.evaluation.statistics.bootstrap import Interval
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.training.record import TrainingRecord


def flatten_text(text: str) -> str:
    r"""Return a text on one line, with visible direction marks.

    >>> flatten_text("two\n lines")
    'two lines'
    """
    return show_direction_marks(" ".join(text.split()))


def format_warmup(steps: float, *, stage: int | None = None) -> str:
    """Return a warm-up in words; below 1 it is a fraction of the steps of the stage, or of all steps without stages.

    >>> format_warmup(0.1), format_warmup(0.1, stage=2), format_warmup(100)
    ('first 10% of the steps', 'first 10% of the stage 2 steps', 'first 100 steps')
    """
    if steps == 0:
        return "none"
    name = "steps" if stage is None else f"stage {stage} steps"
    return f"first {100 * steps:g}% of the {name}" if steps < 1 else f"first {count_noun(int(steps), 'step')}"


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
    if not total:
        return "No duplicates were found."
    shared = "a duplicate in the training set"
    rows = {0: "no test row has", 1: "1 test row has"}.get(leakage.rows, f"{leakage.rows:,} test rows have")
    leaks = f"{rows} {shared}"
    if found.handling == "drop":
        removed = manifest.dropped.get("duplicate", total)
        before = "" if removed == total else f" of {total:,}, after the rows with conflicting labels"
        sentence = f"Duplicates removed: {removed:,}{before} {kinds}. The first row of each group was used."
    elif found.handling == "group":
        sentence = (
            f"Duplicates found: {total:,} {kinds}. Each stays in the split of the text it duplicates, so {leaks}. "
            f"With a plain random split, {leakage.random_split_rows:,} of the {leakage.random_split_test_rows:,} test "
            f"rows would have {shared}."
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


def describe_calibration_error(report: EvaluationReport) -> str:
    """Return sentences on the expected calibration error on test, and on over- or underconfidence."""
    found = report.calibration.after
    return (
        "The confidence of a prediction is the probability of the predicted label. Test rows are sorted by confidence "
        f"into {count_noun(len(found.rows), 'group')} of about equal size. Within a group, mean confidence and "
        f"accuracy differ by {100 * found.error:.1f} percentage points on average (expected calibration error). Over "
        f"all test rows, mean confidence is {found.mean_confidence:.1%} and accuracy is {found.mean_accuracy:.1%}: the "
        f"model is {found.verdict}."
    )


def describe_temperature(report: EvaluationReport, record: TrainingRecord) -> str:
    """Return sentences on the temperature, and what it changed on test as far as the rounded scores show it."""
    if record.temperature is None:
        return "The probabilities are those of the trained model, without a temperature."
    if not record.temperature.is_folded:
        return describe_fit(record.temperature)
    scores = (report.calibration.scores_before, report.test.scores)
    verb, error = _describe_change(*(f"{100 * one['calibration_error']:.1f}" for one in scores))
    loss_verb, loss = _describe_change(*(f"{one['log_loss']:.4f}" for one in scores))
    loss = f"the log loss {loss}" if loss_verb == verb else f"{loss_verb} the log loss {loss}"
    return (
        f"{describe_fit(record.temperature)} On the test set this {verb} the expected calibration error {error} "
        f"percentage points and {loss}."
    )


def describe_fit(fit: TemperatureFit) -> str:
    """Return sentences on a fitted temperature: that it was folded into the model, or why not."""
    found = (
        f"{fit.temperature:.3f} (95% interval: {fit.low:.3f} to {fit.high:.3f}), fitted on "
        f"{count_noun(fit.rows, 'validation row')}"
    )
    if fit.is_folded:
        return (
            f"After the training, the logits were divided by a temperature of {found}. The weights of the last layer "
            "include it. No predicted label changes."
        )
    if fit.includes_one:
        needed = f" About {fit.rows_needed:,} rows would show that it is not 1." if fit.rows_needed else ""
        reason = f"the interval includes 1.{needed}"
    elif not fit.is_reliable:
        reason = (
            "it does not lower the log loss by more than a standard error on validation rows that it was not fitted "
            f"on: from {fit.log_loss:.4f} to {fit.held_out_log_loss:.4f}, with a standard error of "
            f"{fit.held_out_error:.4f}."
        )
    else:
        reason = "it could not be folded into the last layer of this architecture."
    return f"The logits are not divided by a temperature: the best one is {found}, and {reason}"


def describe_seen_rows(report: OtherDataReport) -> str:
    """Return a sentence on the rows that were left out, because the model has seen their text."""
    if report.seen_rows is None:
        return "The texts that the model was trained on are not known, so rows with these texts may be among the rows."
    if not report.seen_rows:
        return "The model was trained or validated on none of these texts, nor on near duplicates."
    return (
        "Rows left out, because the model was trained or validated on their text or a near duplicate: "
        f"{report.seen_rows:,} of {report.seen_rows + report.rows:,}."
    )


def describe_dropped_labels(report: OtherDataReport) -> str:
    """Return a sentence on the labels of the model that have no counterpart among those of the data."""
    return (
        f"Labels of the model without a counterpart in this data: {', '.join(report.dropped_labels)}. Their "
        "probability is divided among the others. They are the model's own prediction for "
        f"{report.dropped_rows:,} of {report.rows:,} rows."
    )


def _describe_change(before: str, after: str) -> tuple[str, str]:
    """Return the verb and the words for two rounded values, such as lowers, `from 3.2 to 1.1`."""
    if before == after:
        return "leaves", f"at {after}"
    return "raises" if float(after) > float(before) else "lowers", f"from {before} to {after}"


def describe_difference(gain: float, interval: Interval) -> str:
    """Return the words after "the model" on its gain in accuracy over another classifier.

    >>> describe_difference(-0.02, Interval(-0.05, 0.01))
    'is 2.0 percentage points less accurate (95% interval: -1.0 to 5.0), not a significant difference'
    """
    ends = sorted(100 * end * (-1 if gain < 0 else 1) for end in interval)
    is_significant = ends[0] > 0 or ends[1] < 0
    return (
        f"is {100 * abs(gain):.1f} percentage points {'less' if gain < 0 else 'more'} accurate (95% interval: "
        f"{ends[0]:.1f} to {ends[1]:.1f}), {'a' if is_significant else 'not a'} significant difference"
    )
