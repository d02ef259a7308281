"""A file that answers differently is refused."""

import math

import pytest

from hf_newscls.errors import ModelError
from hf_newscls.evaluation.statistics.bootstrap import Interval
from hf_newscls.onnx_export.export import check_float, check_int8
from hf_newscls.onnx_export.record import INT8_FILE, Variant


def build_variant(*, difference: float = 0.0, changed: int = 0, low: float = 0.0) -> Variant:
    scores = {"accuracy": 0.9, "f1_macro": 0.8, "calibration_error": 0.01}
    gains = {"accuracy": Interval(0.0, 0.0), "f1_macro": Interval(low, 0.001)}
    return Variant(INT8_FILE, 1000, 10.0, scores, difference, changed, gains)


@pytest.mark.parametrize(("difference", "changed"), [(2e-4, 0), (0.0, 1), (math.nan, 0)])
def test_file_with_other_logits_or_answers_is_refused(difference: float, changed: int) -> None:
    check_float(build_variant(difference=1e-4))
    with pytest.raises(ModelError, match=INT8_FILE):
        check_float(build_variant(difference=difference, changed=changed))


def test_loss_is_judged_at_the_end_of_the_interval() -> None:
    worse = build_variant(difference=0.5, changed=3, low=-0.006)
    check_int8(worse, max_loss=0.006)
    with pytest.raises(ModelError, match=r"f1_macro.*0\.0060"):
        check_int8(worse, max_loss=0.005)
