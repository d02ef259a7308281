"""Memory of a training on a CPU under glibc: kept when it is freed, in huge pages."""

import ctypes
import functools
import mmap
import os
import sys

__all__ = ["prepare_memory"]

# Parameters of mallopt(3), from malloc.h.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_NEVER = -1
# Blocks of this size or more lie outside of the heap, each in a mapping of its own.
_MAPPED_BYTES = 2**30


@functools.cache
def prepare_memory() -> None:
    """Let the process keep the memory of freed tensors for the next ones, in huge pages; once, and nothing elsewhere.

    By default glibc gives a block over 32 MB back to the system at once, and the gradient of a word embedding is that
    large: every step then waits for the system to hand out and clear the same pages anew.

    A step goes through gigabytes, and the processor looks the address of each page up, in a virtual machine on two
    levels: of 2 MB there are fewer than of 4 KB.
    """
    libc = ctypes.CDLL(None)
    if sys.platform != "linux" or not hasattr(libc, "mallopt"):
        return
    libc.mallopt(_M_MMAP_THRESHOLD, _MAPPED_BYTES)
    libc.mallopt(_M_TRIM_THRESHOLD, _NEVER)
    _ask_for_huge_pages(libc)


def _ask_for_huge_pages(libc: ctypes.CDLL) -> None:
    """Grow the heap to half of the machine's memory, mark what was added, and free it: malloc will take it from there.

    None of it is in use before something is written to it, but for the first page of each block.
    """
    libc.malloc.argtypes, libc.malloc.restype = [ctypes.c_size_t], ctypes.c_void_p
    libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    libc.free.argtypes = [ctypes.c_void_p]
    size = _MAPPED_BYTES - mmap.PAGESIZE
    count = os.sysconf("SC_PHYS_PAGES") * mmap.PAGESIZE // 2 // size
    blocks = [block for _ in range(count) if (block := libc.malloc(size))]
    for block in blocks:
        start = -(-block // mmap.PAGESIZE) * mmap.PAGESIZE
        libc.madvise(start, block + size - start, mmap.MADV_HUGEPAGE)
    for block in blocks:
        libc.free(block)
