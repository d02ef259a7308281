"""What a classifier of others calls our labels, and its probabilities in our terms."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
import yaml

from hf_newscls.compare.label_maps import map_labels, translate_probabilities
from hf_newscls.errors import RecipeError

OWN = ["FAKE", "REAL"]


@pytest.mark.parametrize(
    ("foreign", "label_map", "indices"),
    [
        (["FAKE", "REAL"], {}, [0, 1]),
        (["real", " Fake "], {}, [1, 0]),
        (["LABEL_0", "LABEL_1"], {"LABEL_0": "REAL", "LABEL_1": "FAKE"}, [1, 0]),
        (["hoax", "satire", "real"], {"hoax": "FAKE", "satire": "FAKE"}, [0, 0, 1]),
        (["fake", "real", "other"], {"other": None}, [0, 1, None]),
        # What the recipe says wins over an equal name.
        (["FAKE", "REAL"], {"FAKE": "REAL", "REAL": "FAKE"}, [1, 0]),
    ],
)
def test_labels_are_mapped(
    foreign: Sequence[str], label_map: Mapping[str, str | None], indices: list[int | None]
) -> None:
    assert map_labels(foreign, OWN, label_map, model="a/b") == indices


def test_labels_that_differ_in_case_alone_are_ours_by_their_very_name() -> None:
    assert map_labels(["us", "US"], ["US", "us"], {}, model="a/b") == [1, 0]


def test_unmapped_labels_show_the_yaml_to_write() -> None:
    with pytest.raises(RecipeError) as caught:
        map_labels(["LABEL_0", "REAL", "no"], OWN, {}, model="a/b")
    message, _, written = str(caught.value).partition("\n")
    assert message == (
        "`evaluation.label_maps` of a/b: must say what 'LABEL_0', 'no' are in the recipe, got nothing; write into it"
    )
    assert yaml.safe_load(written) == {"evaluation": {"label_maps": {"a/b": {"LABEL_0": None, "no": None}}}}
    assert "# one of FAKE, REAL; null drops it" in written


@pytest.mark.parametrize(
    ("label_map", "message"),
    [
        ({"LABEL_7": "FAKE"}, "must name labels that the model has, got 'LABEL_7'; it has 'FAKE', 'REAL'"),
        ({"FAKE": "HOAX"}, "must lead to labels of the recipe, got 'HOAX'; it has 'FAKE', 'REAL'"),
        ({"FAKE": None, "REAL": None}, "must keep a label, got null for all"),
    ],
)
def test_wrong_maps_are_refused(label_map: Mapping[str, str | None], message: str) -> None:
    with pytest.raises(RecipeError, match="a/b") as caught:
        map_labels(OWN, OWN, label_map, model="a/b")
    assert message in str(caught.value)


def translate(rows: list[list[float]], indices: Sequence[int | None], num_labels: int = 2) -> list[list[float]]:
    found = translate_probabilities(np.array(rows, dtype=np.float32), indices, num_labels=num_labels)
    assert found.dtype == np.float32
    return [[float(value) for value in row] for row in found]


def test_probabilities_of_labels_that_are_one_of_ours_are_added() -> None:
    assert translate([[0.5, 0.25, 0.25]], [0, 0, 1]) == [[0.75, 0.25]]


def test_what_is_dropped_makes_the_rest_whole() -> None:
    assert translate([[0.25, 0.25, 0.5], [0.0, 0.5, 0.5]], [0, 1, None]) == [[0.5, 0.5], [0.0, 1.0]]


def test_row_of_which_nothing_is_left_says_nothing() -> None:
    assert translate([[0.0, 0.0, 1.0]], [0, 2, None], num_labels=3) == [[0.5, 0.0, 0.5]]


def test_no_rows_give_no_rows() -> None:
    assert translate_probabilities(np.empty((0, 2), dtype=np.float32), [1, 0], num_labels=2).shape == (0, 2)
