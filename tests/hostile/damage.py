"""Damaged copies of whole files, and the limits within which a reader must answer or refuse them."""

import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from hf_newscls.errors import NewsclsError

_GIGABYTE = 1 << 30

fuzz = settings(
    deadline=timedelta(seconds=60),  # a hang, not a matter of speed
    max_examples=500,
    derandomize=True,  # the seed is the code of the test
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
# Bytes that mean something in one of the formats, and numbers of its sizes and lengths.
_BYTES = [b"\0", b"\xff", b'"', b"\n", b",", b"{", b"[", b"]", b"}", b":", b"*a", b"&a ", b"${", b"\\u", b"\x80", b"-"]
_NUMBERS = [b"\xff" * 4, b"\xff\xff\xff\x7f", b"\x00" * 8, b"\xff" * 8, b"9" * 20, b"1e999", b"-1", b"null", b"true"]


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """A file with bytes that were changed, cut out, inserted or repeated."""
    content = whole
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(content)))
        end = min(len(content), start + draw(st.sampled_from([1, 2, 4, 8, 32, 200])))
        piece = content[start:end]
        new = draw(
            st.sampled_from([b"", piece * 2, piece * 50, piece[::-1]])
            | st.sampled_from(_BYTES)
            | st.sampled_from(_NUMBERS)
            | st.binary(min_size=len(piece), max_size=len(piece))
        )
        content = content[:start] + new + (content[start:] if draw(st.booleans()) else content[end:])
    return content


def answers_or_refuses(read: Callable[[Path], object], path: Path, content: bytes) -> bool:
    """Return whether a file of this content was read; an error other than ours, or of too much memory, is raised."""
    path.write_bytes(content)
    try:
        with limited_memory():
            read(path)
    except NewsclsError:
        return False
    return True


@contextmanager
def limited_memory() -> Iterator[None]:
    """Let this process take at most 1 GB more than it has now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + _GIGABYTE, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
