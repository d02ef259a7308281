"""What a record says of the machine."""

import os

from hf_newscls.training.record import describe_machine


def test_machine_is_described_by_processor_cores_and_memory() -> None:
    processor, cores, memory = describe_machine().rsplit(", ", maxsplit=2)
    assert processor
    assert cores == (f"{os.cpu_count()} cores" if os.cpu_count() != 1 else "1 core")
    pages = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert memory == f"{round(pages / 2**30)} GiB of memory"
