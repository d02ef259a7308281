"""Steps report how far they are, and the caller decides what is shown."""

from hf_newscls.progress import StepProgress, report_progress, showing, track


def test_reports_reach_the_inner_caller() -> None:
    outer: list[StepProgress] = []
    inner: list[StepProgress] = []
    with showing(outer.append):
        with showing(inner.append):
            report_progress("reading", 1)
        report_progress("training", 2, 5, unit="steps", note="loss 0.5")
    report_progress("after", 1)
    assert inner == [StepProgress("reading", 1, None, "rows", "")]
    assert outer == [StepProgress("training", 2, 5, "steps", "loss 0.5")]


def test_item_is_reported_when_the_caller_has_finished_it() -> None:
    seen: list[int] = []
    with showing(lambda now: seen.append(now.done)):
        items = track(["a", "b"], "drawing", total=2, unit="files")
        assert [next(items), [*seen]] == ["a", [0]]
        assert [*items] == ["b"]
    assert seen == [0, 1, 2]
