"""Write docs/results.md: the scores of finished runs on their own test set and on other data.

hf-newscls evaluate fake_news_minilm --on liar_minilm_binary    # for each run and each set
python benchmarks/other_data.py runs/fake_news_minilm/latest runs/news_category_minilm/latest
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from hf_newscls.evaluation.other_data import OtherDataReport
from hf_newscls.evaluation.report import EvaluationReport
from hf_newscls.evaluation.statistics.bootstrap import Interval
from hf_newscls.report.other_data import read_other_data
from hf_newscls.runs.folder import find_run

PAGE = Path(__file__).parents[1] / "docs/results.md"
HEADER = """\
# Scores on other data

Written by `benchmarks/other_data.py` from finished runs.

A test set comes from the same file as the training set: the same sources, years and style.
`hf-newscls evaluate MODEL --on DATA` scores a trained model on another set ([report](report.md)). Rows that the model
was trained or validated on are left out. Ranges are 95% intervals. *Majority* is the accuracy of always predicting the
most frequent label: a model that is not above it has learned nothing that helps on this data.
[Benchmarks](benchmarks.md#a-static-model-instead) has the scores of a static model on the same rows and on AG News.

| Model | Data | Rows | Left out | Accuracy | Majority | Macro F1 | Log loss | Calibration error |
|---|---|---|---|---|---|---|---|---|
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path, help="folders of runs that were evaluated on other data")
    parser.add_argument("--page", type=Path, default=PAGE)
    options = parser.parse_args()
    options.page.write_text(build_page(options.runs), encoding="utf-8")
    print(f"wrote {options.page}")


def build_page(folders: Sequence[Path]) -> str:
    """Return the page for these run folders, in their order."""
    lines = [line for folder in folders for line in _tabulate(folder)]
    return HEADER + "\n".join(lines) + "\n"


def _tabulate(folder: Path) -> Iterator[str]:
    run = find_run(folder, runs_dir=folder.parent)
    name, own = run.read_recipe().name, run.read_as(run.metrics, EvaluationReport.from_dict)
    support = [scores["support"] for scores in own.test.per_class.values()]
    majority = max(support) / sum(support)
    yield _write_row(name, "its own test set", own.test.rows, "", majority, own.test.scores, own.intervals)
    for other in read_other_data(run.other_data):
        left_out = "not known" if other.seen_rows is None else f"{other.seen_rows:,}"
        yield _write_row(
            name, _describe(other), other.rows, left_out, other.majority_accuracy, other.scores, other.intervals
        )


def _describe(other: OtherDataReport) -> str:
    never = f"; never predicts {', '.join(other.never_predicted)}" if other.never_predicted else ""
    return f"{other.name} ({len(other.label_names)} labels{never})"


def _write_row(
    name: str,
    data: str,
    rows: int,
    left_out: str,
    majority: float,
    scores: Mapping[str, float],
    intervals: Mapping[str, Interval],
) -> str:
    ranges = (
        f"{scores[metric]:.3f} ({intervals[metric].low:.3f} to {intervals[metric].high:.3f})"
        for metric in ("accuracy", "f1_macro")
    )
    accuracy, f1 = ranges
    numbers = [f"{scores[metric]:.3f}" for metric in ("log_loss", "calibration_error")]
    return f"| {' | '.join([name, data, f'{rows:,}', left_out, accuracy, f'{majority:.3f}', f1, *numbers])} |"


if __name__ == "__main__":
    main()
