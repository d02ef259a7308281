"""Which finished run a recipe uses again."""

from collections.abc import Mapping
from typing import Any

import pytest

from hf_newscls.runs.resuming import find_finished
from tests.conftest import FinishedRun


@pytest.mark.parametrize(
    ("changes", "is_found"),
    [({}, True), ({"title": "Another", "tags": ["news"]}, True), ({"calibrate": False}, False)],
)
def test_only_what_changes_the_weights_needs_another_run(
    changes: Mapping[str, Any], is_found: bool, tiny_run: FinishedRun
) -> None:
    recipe = tiny_run.recipe.model_copy(update={"hub": tiny_run.recipe.hub.model_copy(update=changes)})
    found = find_finished(recipe, tiny_run.run.read_fingerprint(), runs_dir=tiny_run.runs_dir)
    assert (found is not None) == is_found
