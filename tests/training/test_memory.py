"""Memory of a training lies in huge pages, and none is taken before it is used."""

from pathlib import Path

import pytest

from tests.processes import run_python

HUGE_PAGES = Path("/sys/kernel/mm/transparent_hugepage/enabled")
USE_MEMORY = """
import ctypes, re
from pathlib import Path
from hf_newscls.training.memory import prepare_memory

def read(name, where="status"):
    return sum(map(int, re.findall(rf"^{name}:\\s*(\\d+) kB", Path("/proc/self", where).read_text(), re.M))) // 1024

def use():
    block = ctypes.create_string_buffer(200 * 2**20)
    ctypes.memset(block, 1, len(block))

before = read("VmRSS")
prepare_memory()
taken = read("VmRSS") - before
use()
print(taken, read("AnonHugePages", "smaps"))
prepare_memory()
use()
print(read("VmRSS") - before)
"""


@pytest.mark.skipif(
    not HUGE_PAGES.is_file() or "[never]" in HUGE_PAGES.read_text(encoding="utf-8"), reason="without huge pages"
)
def test_memory_is_taken_when_it_is_used_kept_and_in_huge_pages(tmp_path: Path) -> None:
    used = run_python(USE_MEMORY, cwd=tmp_path, home=tmp_path)
    assert used.code == 0, used.err
    taken, huge, kept = map(int, used.out.split())
    assert taken < 20
    assert huge > 150  # of 200 MB
    assert 200 <= kept < 250
