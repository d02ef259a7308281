import pytest

from hf_newscls.jobs.volume import JobResult


@pytest.mark.parametrize(("recipe", "run"), [("..", "1"), ("tiny", ""), ("tiny", "../1"), ("/tiny", "1"), (".", "1")])
def test_result_with_a_path_for_a_name_is_refused(recipe: str, run: str) -> None:
    with pytest.raises(ValueError, match="names of folders"):
        JobResult(recipe, run, None)
