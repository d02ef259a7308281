"""Tables that the commands print: overview, split, plan, report, seeds."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.table import Column, Table

from hf_newscls.cli.display.terminal import console, make_printable, print_line
from hf_newscls.errors import format_duration
from hf_newscls.evaluation.metric_names import name_metric

if TYPE_CHECKING:
    from hf_newscls.data.prepared.splits import PreparedData
    from hf_newscls.data.readers.format import FileFormat
    from hf_newscls.evaluation.baselines.side_by_side import SideBySide
    from hf_newscls.evaluation.label_quality import LabelQuality
    from hf_newscls.evaluation.other_data import OtherDataReport
    from hf_newscls.evaluation.report import EvaluationReport
    from hf_newscls.evaluation.statistics.bootstrap import Interval
    from hf_newscls.overview.overview import Overview
    from hf_newscls.overview.statistics import DataOverview
    from hf_newscls.workflow import Plan, SeedRuns

_FILES = 5
_PAIRS = 5


def print_overview(overview: "Overview") -> None:
    """Print how the files were read, the main statistics, the labels, and the labels that are confused most often."""
    _print_files(overview.data.files)
    tables = (_summarize(overview), _list_labels(overview.data, overview.quality), _list_pairs(overview.quality))
    console.print(*(table for table in tables if table.row_count), sep="\n")


def _print_files(files: "Sequence[FileFormat]") -> None:
    """Print three lines about each of the first files, and the number of all if there are more."""
    for file in files[:_FILES]:
        for heading, line in file.describe().items():
            console.print(f"{heading + ':':10} {make_printable(line)}", highlight=False, soft_wrap=True)
    if len(files) > _FILES:
        print_line(f"files:     {len(files):,} in all")


def _summarize(overview: "Overview") -> Table:
    data, quality = overview.data, overview.quality
    cut, words, tokens = data.token_summary, data.words.quantiles, data.tokens.quantiles
    sample = f", sampled from {quality.rows_given:,}" if quality.rows < quality.rows_given else ""
    table = Table("statistic", "value", box=None, header_style="bold")
    table.add_row("rows read", f"{data.rows_read:,}")
    for reason, count in data.dropped.items():
        if count:
            table.add_row(f"rows dropped: {reason}", f"{count:,}")
    table.add_row("rows kept", f"{data.rows_kept:,}, {data.articles:,} unique articles")
    duplicates, exact = data.rows_kept - data.articles, data.exact_duplicates.rows - data.exact_duplicates.groups
    table.add_row("duplicates", f"{duplicates:,} (exact {exact:,}, near {duplicates - exact:,})")
    for name, found in (
        ("groups of exact duplicates", data.exact_duplicates),
        ("groups of near duplicates", data.near_duplicates),
        ("texts with conflicting labels", data.conflicting_labels),
    ):
        table.add_row(name, f"{found.rows:,} rows in {found.groups:,} {'group' if found.groups == 1 else 'groups'}")
    if data.unreadable_dates:
        table.add_row("dates that cannot be read", f"{data.unreadable_dates:,}")
    table.add_row("words, 5% to 95%", f"{words['5%']:,} to {words['95%']:,}, median {words['50%']:,}")
    table.add_row("tokens, 5% to 95%", f"{tokens['5%']:,} to {tokens['95%']:,}, median {tokens['50%']:,}")
    table.add_row(
        f"longer than {cut.max_length:,} tokens",
        f"{cut.texts_cut_off:,} texts ({cut.fraction_cut_off:.1%}); {cut.tokens_cut_off / cut.tokens:.1%} of all "
        "tokens are cut off",
    )
    table.add_row("unknown tokens", f"{cut.unknown_fraction:.1%} of all tokens")
    table.add_row(
        "accuracy of a simple model", f"{quality.accuracy:.1%}, {quality.folds} folds, {quality.rows:,} rows{sample}"
    )
    table.add_row("suspicious labels", f"{len(quality.suspicious.indices):,} rows")
    return table


def _list_labels(data: "DataOverview", quality: "LabelQuality") -> Table:
    years = ("years",) if data.years else ()
    rows, percent, suspect = (Column(header, justify="right") for header in ("rows", "percent", "suspicious"))
    table = Table("label", rows, percent, *years, suspect)
    for label, (name, suspicious) in enumerate(zip(data.label_names, quality.count_suspicious(), strict=True)):
        count = data.label_counts[label]
        present = [year for year, found in zip(data.years, data.year_counts[label], strict=True) if found]
        span = (" to ".join(dict.fromkeys([present[0], present[-1]])),) if present else ()
        table.add_row(make_printable(name), f"{count:,}", f"{count / data.rows_kept:.1%}", *span, f"{suspicious:,}")
    return table


def _list_pairs(quality: "LabelQuality") -> Table:
    columns = (Column(header, justify="right") for header in ("first predicted as second", "second as first"))
    table = Table("first label", "second label", *columns, title="labels confused most often")
    for pair in quality.rank_by_confusion(limit=_PAIRS):
        names = make_printable(pair.first), make_printable(pair.second)
        table.add_row(*names, f"{pair.first_as_second:.1%}", f"{pair.second_as_first:.1%}")
    return table


def print_split(prepared: "PreparedData") -> None:
    """Print the number of rows by label and split."""
    counts = prepared.manifest.label_counts
    table = Table("label", *counts, title=f"split {prepared.manifest.fingerprint[:12]}")
    for name in prepared.label_names:
        table.add_row(make_printable(name), *(f"{counts[split][name]:,}" for split in counts))
    table.add_section()
    table.add_row("all", *(f"{sum(counts[split].values()):,}" for split in counts))
    console.print(table)


def print_plan(plan: "Plan") -> None:
    """Print how the files were read, and what a training will do."""
    _print_files(plan.prepared.manifest.files)
    print_split(plan.prepared)
    rows = plan.prepared.splits["train"].select(range(min(3, len(plan.prepared.splits["train"]))))
    print_line("first training rows:")
    for text, label in zip(rows["text"], rows["label"], strict=True):
        name = plan.prepared.label_names[label]
        console.print(f"  [bold]{make_printable(name)}[/]  {make_printable(text[:100])}", highlight=False)
    tokens = plan.tokens
    print_line(f"tokens:  median {tokens.median:,.0f} of a text, longest text {tokens.longest:,}")
    for line in tokens.describe():
        print_line(f"         {line}")
    duration = "" if plan.seconds is None else f", training takes about {format_duration(plan.seconds)}"
    print_line(f"device:  {plan.device}{duration}")
    print_line(f"model:   {plan.parameters:,} parameters, {plan.new_parameters:,} newly initialized")
    for line in _describe_stages(plan):
        print_line(line)


def _describe_stages(plan: "Plan") -> Iterator[str]:
    """Yield a line for each stage: steps, trained parameters, highest learning rate."""
    schedule, trained = plan.schedule, plan.trained_parameters
    if schedule.boundary_step:
        rate = f"peak learning rate {schedule.first_peak:g}"
        yield f"stage 1: steps 0 to {schedule.boundary_step:,}, only newly initialized parameters, {rate}"
    if not schedule.has_stage_two:
        yield "stage 2: none; the pre-trained parameters are not trained"
        return
    parameters = "all parameters" if trained == plan.parameters else f"{trained:,} of {plan.parameters:,} parameters"
    rate, head_rate = f"{schedule.backbone_peak:g}", f"{schedule.head_peak:g}"
    rates = rate if rate == head_rate else f"{rate}, of the head {head_rate}"
    steps = f"steps {schedule.boundary_step:,} to {schedule.total_steps:,}"
    yield f"{'stage 2:' if schedule.boundary_step else 'train:  '} {steps}, {parameters}, peak learning rate {rates}"


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
        if not name.startswith(("precision", "recall")):
            table.add_row(name_metric(name), f"{value:.4f}", _write_interval(report.intervals.get(name)))
    console.print(table)


def _print_comparisons(report: "EvaluationReport") -> None:
    table = Table(
        "classifier", "Accuracy", "95% interval", "Macro F1", "95% interval", title="compared with simpler classifiers"
    )
    lines = {"this model": (report.test.scores, report.intervals)}
    lines |= {name: (one.scores, one.intervals) for name, one in report.comparisons.items()}
    for name, (scores, intervals) in lines.items():
        cells = ((f"{scores[key]:.4f}", _write_interval(intervals.get(key))) for key in ("accuracy", "f1_macro"))
        table.add_row(make_printable(name), *(cell for pair in cells for cell in pair))
    console.print(table)


def _print_side_by_side(pair: "SideBySide") -> None:
    title = f"next to the model of {make_printable(pair.recipe_name)}"
    gain = Column("gain, 95% interval", no_wrap=True)
    table = Table("score", "training rows", "this model", "other model", gain, title=title)
    lines = {
        "Mean F1 of the labels below" if name == "f1_rare" else name_metric(name): ("", values)
        for name, values in pair.scores.items()
    }
    lines |= {f"F1 of {label.name}": (f"{label.train_rows:,}", label.f1) for label in pair.rare_labels}
    for name, (rows, values) in lines.items():
        gained = f"{values.gain.low:+.3f} to {values.gain.high:+.3f}"
        table.add_row(make_printable(name), rows, f"{values.own:.3f}", f"{values.other:.3f}", gained)
    console.print(table)
    if pair.differences:
        changes = Table("key", "this model", "other model", title="differences between the two recipes")
        for key, both in pair.differences.items():
            changes.add_row(
                make_printable(key), *("not set" if one is None else make_printable(f"{one}") for one in both)
            )
        console.print(changes)


def print_other_data(report: "OtherDataReport") -> None:
    """Print the scores of a model on other data, and which rows were left out."""
    table = Table("score", "value", "95% interval", title=f"scores on {report.rows:,} rows of {report.name}")
    for name in ("accuracy", "balanced_accuracy", "f1_macro", "f1_weighted", "mcc", "log_loss", "calibration_error"):
        table.add_row(name_metric(name), f"{report.scores[name]:.4f}", _write_interval(report.intervals.get(name)))
    console.print(table)
    print_line(f"most frequent label: {report.majority_accuracy:.1%} of the rows")
    if report.seen_rows is not None:
        print_line(f"left out: {report.seen_rows:,} rows, duplicates of training and validation rows")
    if report.never_predicted:
        print_line(f"never predicted: {', '.join(map(make_printable, report.never_predicted))}")
    if report.dropped_labels:
        names = ", ".join(map(make_printable, report.dropped_labels))
        print_line(f"dropped labels of the model: {names}; its own prediction for {report.dropped_rows:,} rows")


def print_seeds(runs: "SeedRuns") -> None:
    """Print mean and deviation of the scores, and the gains over other recipes on the same split."""
    title = f"{runs.recipe_name} with seeds {runs.seeds[0]} to {runs.seeds[-1]}"
    table = Table("test score", "mean", "deviation", *map(str, runs.seeds), title=make_printable(title))
    for name, spread in runs.spreads.items():
        values = (f"{value:.4f}" for value in (spread.mean, spread.deviation, *spread.values))
        table.add_row(name_metric(name), *values)
    console.print(table)
    for name, gains in runs.gains.items():
        one = gains["f1_macro"]
        verdict, interval = "more than" if one.exceeds_spread else "within", _write_interval(one.interval)
        print_line(f"compared with {name}: Macro F1 {one.gain:+.4f} ({interval}), {verdict} the variance over seeds")


def _write_interval(interval: "Interval | None") -> str:
    return str(interval) if interval else "not computed"
