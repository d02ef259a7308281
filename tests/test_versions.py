"""The libraries are checked at the first call, in real processes: the wrong one installed, and a stale one loaded."""

import os
from pathlib import Path

import pytest

from tests.processes import Result, run_python

FIRST_CALL = """
import hf_newscls
try:
    hf_newscls.load_recipe
except ImportError as error:
    print(f"{type(error).__name__}: {error}")
else:
    print("fits")
"""


def run(code: str, folder: Path) -> Result:
    # The old accelerate has only metadata: it stands before the real one, and the module is the real one.
    metadata = folder / "old" / "accelerate-0.20.3.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: accelerate\nVersion: 0.20.3\n")
    path = os.environ.get("PYTHONPATH", str(Path(__file__).parents[1]))
    return run_python(code, str(folder / "old"), cwd=folder, home=folder, environment={"PYTHONPATH": path})


def test_what_fits_is_no_error(tmp_path: Path) -> None:
    assert run(FIRST_CALL, tmp_path).out == "fits\n"


@pytest.mark.parametrize("first", ["", "import transformers\n"], ids=["before transformers", "after transformers"])
def test_old_library_is_refused_with_the_line_to_run(first: str, tmp_path: Path) -> None:
    result = run(f"import sys; sys.path.insert(0, sys.argv[1])\n{first}{FIRST_CALL}", tmp_path)
    assert result.out.startswith("LibraryError: "), result.err
    assert "0.20.3" in result.out
    assert "pip install 'accelerate>=" in result.out


def test_library_that_was_replaced_after_its_import_asks_for_a_restart(tmp_path: Path) -> None:
    code = f"import numpy; numpy.__version__ = '1.26.4'\n{FIRST_CALL}"
    result = run(code, tmp_path)
    assert result.out.startswith("LibraryError: "), result.err
    assert "numpy 1.26.4" in result.out
    assert "pip install" not in result.out


def test_accelerate_that_came_after_transformers_asks_for_a_restart(tmp_path: Path) -> None:
    # transformers remembers that accelerate was too old: without the check, TrainingArguments raise an ImportError.
    code = f"""
import sys
sys.path.insert(0, sys.argv[1])
from transformers.utils.import_utils import is_accelerate_available
assert not is_accelerate_available()
sys.path.remove(sys.argv[1])
{FIRST_CALL}"""
    result = run(code, tmp_path)
    assert result.out.startswith("LibraryError: "), result.err
    assert "accelerate" in result.out
    assert "pip install" not in result.out


def test_check_is_repeated_until_it_succeeds(tmp_path: Path) -> None:
    code = f"import sys; sys.path.insert(0, sys.argv[1])\n{FIRST_CALL}\nsys.path.remove(sys.argv[1])\n{FIRST_CALL}"
    lines = run(code, tmp_path).out.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["LibraryError", "fits"]
