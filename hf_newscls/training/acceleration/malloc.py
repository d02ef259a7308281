"""Memory of a training on a CPU under glibc: kept when it is freed, in huge pages."""

import ctypes
import mmap
import os
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path

__all__ = ["keep_freed_memory"]

# Parameters of mallopt(3), from malloc.h.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_NEVER = -1  # taken as unsigned: the largest of all, where 2**31 - 1 would trim a heap of 2 GB
# From this size on a block has a mapping of its own, unless the heap has room for it. An older glibc refuses the first
# and takes no more than the second, up to which glibc moves its own.
_MAPPED_BYTES, _USUAL_MAPPED_BYTES = 2**30, 2**25
_HEAP_BYTES = 2**32
_OVERCOMMIT = Path("/proc/sys/vm/overcommit_memory")
_STRICT = "2"


@contextmanager
def keep_freed_memory() -> Iterator[None]:
    """Keep the memory of freed tensors for the next ones while the context lasts, in huge pages where there are some.

    By default glibc gives a block over 32 MB back to the system at once, and the gradient of a word embedding is that
    large: every step then waits for the system to hand out and clear the same pages anew. And a step goes through
    gigabytes, whose addresses the processor looks up page by page, in a virtual machine on two levels: pages of 2 MB
    save it most of that. Does nothing where there is no glibc.
    """
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None
    if libc is None or not hasattr(libc, "mallopt"):
        yield
        return
    try:
        libc.mallopt(_M_TRIM_THRESHOLD, _NEVER)
        if libc.mallopt(_M_MMAP_THRESHOLD, _MAPPED_BYTES):
            _grow_heap(libc)
        else:
            libc.mallopt(_M_MMAP_THRESHOLD, _USUAL_MAPPED_BYTES)
        yield
    finally:
        libc.mallopt(_M_MMAP_THRESHOLD, _USUAL_MAPPED_BYTES)
        libc.mallopt(_M_TRIM_THRESHOLD, 2 * _USUAL_MAPPED_BYTES)  # twice the other, as glibc keeps them
        libc.malloc_trim(0)


def _grow_heap(libc: ctypes.CDLL) -> None:
    """Add addresses to the heap, ask for huge pages there, and free them for malloc to take.

    Memory itself is taken when a page is first written to. Where addresses are counted as memory is, none are added.
    """
    is_strict = _OVERCOMMIT.is_file() and _OVERCOMMIT.read_text(encoding="utf-8").strip() == _STRICT
    limits = {resource.getrlimit(one)[0] for one in (resource.RLIMIT_AS, resource.RLIMIT_DATA)}
    if is_strict or limits != {resource.RLIM_INFINITY}:
        return
    libc.malloc.argtypes, libc.malloc.restype = [ctypes.c_size_t], ctypes.c_void_p
    libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    libc.free.argtypes = [ctypes.c_void_p]
    size = _MAPPED_BYTES - mmap.PAGESIZE
    wanted = min(_HEAP_BYTES, os.sysconf("SC_PHYS_PAGES") * mmap.PAGESIZE // 2) // size
    blocks = [*takewhile(bool, (libc.malloc(size) for _ in range(wanted)))]
    for block in blocks:
        start = -(-block // mmap.PAGESIZE) * mmap.PAGESIZE
        libc.madvise(start, block + size - start, mmap.MADV_HUGEPAGE)
    for block in blocks:
        libc.free(block)
