"""Tables that the commands print: split, plan, report, seeds."""

from typing import TYPE_CHECKING

from rich.table import Column, Table

from hf_newscls.cli.terminal import console, make_printable, print_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hf_newscls.data.preparation import PreparedData
    from hf_newscls.data.readers.format import FileFormat
    from hf_newscls.evaluation.baselines.side_by_side import SideBySide
    from hf_newscls.evaluation.report import EvaluationReport
    from hf_newscls.evaluation.statistics.bootstrap import Interval
    from hf_newscls.workflow import Plan, SeedRuns

_FILES = 5


def print_split(prepared: "PreparedData") -> None:
    """Print the number of rows by label and split."""
    counts = prepared.manifest.label_counts
    table = Table("label", *counts, title=f"split {prepared.manifest.fingerprint[:12]}")
    for name in prepared.label_names:
        table.add_row(make_printable(name), *(f"{counts[split][name]:,}" for split in counts))
    table.add_section()
    table.add_row("all", *(f"{sum(counts[split].values()):,}" for split in counts))
    console.print(table)


def list_files(files: "Sequence[FileFormat]") -> list[tuple[str, str]]:
    """Return heading and text of three lines about each of the first files, and their number if there are more."""
    lines = [(heading, make_printable(line)) for file in files[:_FILES] for heading, line in file.describe().items()]
    return [*lines, ("files", f"{len(files):,} in all")] if len(files) > _FILES else lines


def print_plan(plan: "Plan") -> None:
    """Print how the files were read, and what a training will do."""
    for heading, line in list_files(plan.prepared.manifest.files):
        console.print(f"{heading + ':':10} {line}", highlight=False, soft_wrap=True)
    print_split(plan.prepared)
    rows = plan.prepared.splits["train"].select(range(min(3, len(plan.prepared.splits["train"]))))
    for text, label in zip(rows["text"], rows["label"], strict=True):
        name = plan.prepared.label_names[label]
        console.print(f"[bold]{make_printable(name)}[/]  {make_printable(text[:100])}", highlight=False)
    schedule = plan.schedule
    first, second = schedule.head.first_peak, schedule.head.second_peak
    print_line(
        f"device:  {plan.device}\n"
        f"model:   {plan.parameters:,} parameters, {plan.new_parameters:,} newly initialized\n"
        f"stage 1: steps 0 to {schedule.boundary_step:,}, newly initialized parameters, peak learning rate {first:g}\n"
        + (
            f"stage 2: steps {schedule.boundary_step:,} to {schedule.total_steps:,}, all parameters, "
            f"peak learning rate {second:g}"
            if schedule.has_stage_two
            else "stage 2: none; the pre-trained parameters are not trained"
        )
    )


def print_report(report: "EvaluationReport") -> None:
    """Print the scores on the test set, of the model and of simpler classifiers."""
    _print_scores(report)
    if report.comparisons:
        _print_comparisons(report)
    if report.side_by_side:
        _print_side_by_side(report.side_by_side)


def _print_scores(report: "EvaluationReport") -> None:
    table = Table("score", "value", "95% interval", title=f"scores on {report.test.rows:,} test rows")
    for name, value in report.test.scores.items():
        if name.startswith(("precision", "recall")):
            continue
        table.add_row(name, f"{value:.4f}", _write_interval(report.intervals.get(name)))
    console.print(table)


def _print_comparisons(report: "EvaluationReport") -> None:
    table = Table(
        "classifier", "accuracy", "95% interval", "f1_macro", "95% interval", title="compared with simpler classifiers"
    )
    lines = {"this model": (report.test.scores, report.intervals)}
    lines |= {name: (one.scores, one.intervals) for name, one in report.comparisons.items()}
    for name, (scores, intervals) in lines.items():
        cells = ((f"{scores[key]:.4f}", _write_interval(intervals[key])) for key in ("accuracy", "f1_macro"))
        table.add_row(make_printable(name), *(cell for pair in cells for cell in pair))
    console.print(table)


def _print_side_by_side(pair: "SideBySide") -> None:
    title = f"side by side with {make_printable(pair.recipe_name)}"
    gain = Column("gain, 95%", no_wrap=True)
    table = Table("score", "train", "model", "other", gain, title=title)
    names = {"f1_rare": "mean f1 of the labels below"}
    lines = {names.get(name, name): ("", values) for name, values in pair.scores.items()}
    lines |= {f"f1 of {label.name}": (f"{label.train_rows:,}", label.f1) for label in pair.rare_labels}
    for name, (rows, values) in lines.items():
        gained = f"{values.gain.low:+.3f} to {values.gain.high:+.3f}"
        table.add_row(make_printable(name), rows, f"{values.own:.3f}", f"{values.other:.3f}", gained)
    console.print(table)
    if pair.differences:
        changes = Table("key", "model", "other", title="differences between the two recipes")
        for key, both in pair.differences.items():
            changes.add_row(
                make_printable(key), *("not set" if one is None else make_printable(f"{one}") for one in both)
            )
        console.print(changes)


def print_seeds(runs: "SeedRuns") -> None:
    """Print mean and deviation of the scores, and the gains over other recipes on the same split."""
    title = f"{runs.recipe_name}, seeds {runs.seeds[0]} to {runs.seeds[-1]}"
    table = Table("test set", "mean", "deviation", *map(str, runs.seeds), title=make_printable(title))
    for name, spread in runs.spreads.items():
        values = (f"{value:.4f}" for value in (spread.mean, spread.deviation, *spread.values))
        table.add_row(name, *values)
    console.print(table)
    for name, gains in runs.gains.items():
        one = gains["f1_macro"]
        verdict = "exceeds" if one.exceeds_spread else "does not exceed"
        interval = _write_interval(one.interval)
        print_line(f"against {name}: {one.gain:+.4f} macro F1 ({interval}); {verdict} the variance over seeds")


def _write_interval(interval: "Interval | None") -> str:
    return f"{interval.low:.4f} to {interval.high:.4f}" if interval else ""
