"""Find the rows that are one article: equal after normalization, or with similar sets of character shingles.

Candidates come from MinHash signatures cut into bands (Broder 1997; Leskovec, Rajaraman and Ullman 2014, Mining of
Massive Datasets, chapter 3). Each candidate pair is then compared by its exact Jaccard similarity, so hashing never
joins rows that differ; it misses one in two hundred pairs at the threshold. Groups are connected components: two rows
can belong together through a third one.

Shape letters: N rows, S shingles, K bands, R values in a band.
"""

import logging
import unicodedata
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rensa import RMinHash
from scipy.cluster.hierarchy import DisjointSet

from hf_newscls.progress import report_progress, track
from hf_newscls.recipe.data import NearDuplicatesSection

Rows = NDArray[np.int64]

# Many: with longer bands, fewer different texts of a large file become candidates.
_PERMUTATIONS = 256
_SEED = 17
_RECALL = 0.995
# Only the beginning of a longer text, such as a whole book in one cell, is compared.
_LONGEST_TEXT = 100_000
_BLOCK_CHARACTERS = 2_000_000
_MIN_CHARACTERS = 200
# Within a bucket a row is compared with this many rows before it, and this many that were similar to none: a passage
# that thousands of rows contain, such as a footer, must not cost all their pairs.
_NEIGHBORS = 16
_CACHED_ROWS = 4096
_CACHED_PAIRS = 2**18

Hashes = NDArray[np.uint64]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class DuplicateGroups:
    """Which rows are one article: for each row the index of the first row of its group, shape (N,).

    `groups` are those of one article, `texts` those of equal texts after normalization.
    """

    groups: Rows
    texts: Rows


def find_duplicates(texts: Sequence[str], near: NearDuplicatesSection | None) -> DuplicateGroups:
    """Group the texts that are equal after normalization and, if `near` is given, those that are similar."""
    normalized = np.array([normalize_text(text) for text in texts], dtype=object)
    codes, different = pd.factorize(normalized)  # numbered by first occurrence
    _, firsts = np.unique(codes, return_index=True)
    exact = firsts[codes]
    if near is None or not texts:
        return DuplicateGroups(exact, exact)
    return DuplicateGroups(firsts[_group_similar(different.tolist(), near)][codes], exact)


def find_repeated(groups: Rows) -> Rows:
    """Return the groups with at least two rows, ascending."""
    return np.flatnonzero(np.bincount(groups) > 1)


def groups_with_conflicting_labels(groups: Rows, kinds: Rows) -> Rows:
    """Return the groups, ascending, with rows of several kinds, such as labels."""
    pairs = np.unique(np.stack([groups, kinds]), axis=1)
    return find_repeated(pairs[0])


def normalize_text(text: str) -> str:
    r"""Return a text in one form of characters, case and white space.

    >>> normalize_text("  Storm hits\u00a0COAST\n")
    'storm hits coast'
    """
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _group_similar(texts: Sequence[str], near: NearDuplicatesSection) -> Rows:
    """Return for each of some different texts the index of the first one of its group."""

    @lru_cache(maxsize=_CACHED_ROWS)
    def find_shingles(index: int) -> Hashes:
        """Return the different shingles of a text, sorted."""
        return np.unique(_hash_shingles([texts[index]], near.shingle)[0])

    @lru_cache(maxsize=_CACHED_PAIRS)
    def is_similar(first: int, second: int) -> bool:
        """Compare two texts by their shingles."""
        return _compare(find_shingles(first), find_shingles(second)) >= near.threshold

    keys = np.concatenate([*_hash_bands(texts, shingle=near.shingle, values=_choose_band(near.threshold))])
    groups = DisjointSet(range(len(texts)))
    for band in track(keys.T, "comparing similar texts", total=keys.shape[1], unit="bands"):
        for bucket in _find_buckets(band):
            _merge_bucket(bucket, groups, is_similar)
    logger.debug("compared %d pairs", is_similar.cache_info().misses)
    firsts = np.arange(len(texts))
    for members in groups.subsets():
        firsts[[*members]] = min(members)
    return firsts


def _choose_band(threshold: float) -> int:
    """Return the largest R that finds a pair at the threshold with the wanted recall."""
    recalls = {
        values: 1 - (1 - threshold**values) ** (_PERMUTATIONS // values) for values in range(1, _PERMUTATIONS + 1)
    }
    return max((values for values, recall in recalls.items() if recall >= _RECALL), default=1)


def _hash_bands(texts: Sequence[str], *, shingle: int, values: int) -> Iterator[Hashes]:
    """Yield, block by block, a hash of each band of each text's signature, shape (block, K)."""
    bands, done = _PERMUTATIONS // values, 0
    for block in _cut_blocks(texts):
        hashes, offsets = _hash_shingles(block, shingle)
        matrix = RMinHash.digest_matrix_from_flat_token_hashes(hashes, offsets, num_perm=_PERMUTATIONS, seed=_SEED)
        signatures = np.asarray(matrix.to_rows(), dtype=np.uint64)[:, : bands * values].reshape(-1, bands, values)
        keys = np.zeros(signatures.shape[:2], dtype=np.uint64)
        for index in range(values):
            keys = _mix(keys + signatures[:, :, index])
        yield keys
        done += len(block)
        report_progress("hashing texts to find duplicates", done, len(texts))


def _cut_blocks(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    # A short text counts for more than its characters: its signature takes memory too.
    sizes = np.clip([len(text) for text in texts], _MIN_CHARACTERS, _LONGEST_TEXT)
    starts = np.flatnonzero(np.diff(np.cumsum(sizes) // _BLOCK_CHARACTERS, prepend=-1)).tolist()
    for start, end in pairwise([*starts, len(texts)]):
        yield texts[start:end]


def _hash_shingles(texts: Sequence[str], shingle: int) -> tuple[Hashes, Hashes]:
    """Return hashes of all shingles, shape (S,), and the index where each text's begin, with the end of the last."""
    padded = [text[:_LONGEST_TEXT].ljust(shingle, "\0") for text in texts]
    characters = np.frombuffer("".join(padded).encode("utf-32-le", "surrogatepass"), dtype=np.uint32).astype(np.uint64)
    ends = np.cumsum([len(text) for text in padded])
    hashes = np.zeros(len(characters) - shingle + 1, dtype=np.uint64)
    for index in range(shingle):
        hashes = _mix(hashes + characters[index : index + len(hashes)])
    is_whole = np.ones(len(characters), dtype=bool)
    # Shingles that begin near the end of a text would reach into the next one.
    is_whole[(ends[:, None] - np.arange(1, shingle)).ravel()] = False
    counts = np.diff(ends, prepend=0) - shingle + 1
    return hashes[is_whole[: len(hashes)]], np.cumsum([0, *counts]).astype(np.uint64)


def _mix(values: Hashes) -> Hashes:
    """Spread values over 64 bits, one to one: the finalizer of SplitMix64 (Steele, Lea and Flood 2014)."""
    values = values + np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def _find_buckets(keys: Hashes) -> Iterator[list[int]]:
    """Yield the indices, ascending, that share a key with others."""
    order = np.argsort(keys, kind="stable")
    ends = np.flatnonzero(np.diff(keys[order], append=~keys[order[-1]])) + 1
    sizes = np.diff(ends, prepend=0)
    for end, size in zip(ends[sizes > 1], sizes[sizes > 1], strict=True):
        yield order[end - size : end].tolist()


def _merge_bucket(bucket: Sequence[int], groups: DisjointSet, is_similar: Callable[[int, int], bool]) -> None:
    previous: deque[int] = deque(maxlen=_NEIGHBORS)
    firsts: list[int] = []
    for index in bucket:
        root, is_new = groups[index], True
        for other in (*firsts[:_NEIGHBORS], *previous):
            if groups[other] == root:
                is_new = False
            elif is_similar(other, index):
                groups.merge(other, index)
                root, is_new = groups[index], False
        if is_new:
            firsts.append(index)
        previous.append(index)


def _compare(first: Hashes, second: Hashes) -> float:
    """Return the Jaccard similarity of two sets, given as sorted arrays."""
    shared = len(np.intersect1d(first, second, assume_unique=True))
    return shared / (len(first) + len(second) - shared)
