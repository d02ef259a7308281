"""Find the rows that are one article: equal after normalization, or alike by the Jaccard similarity of their shingles.

Candidates for likeness come from MinHash signatures cut into bands (Broder 1997; Leskovec, Rajaraman and Ullman 2014,
Mining of Massive Datasets, chapter 3). Each candidate is then compared by its true similarity, so no group is an
accident of hashing; a pair at the very threshold is overlooked once in two hundred times. Groups are connected
components: rows may belong together through a third that is like both.

Shape letters: N rows, S shingles, K bands, R values of a band.
"""

import hashlib
import logging
import unicodedata
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from rensa import RMinHash

from hf_newscls.recipe.recipe import NearDuplicatesSection

__all__ = ["DuplicateGroups", "compute_similarity", "find_duplicates", "normalize_text"]

# Many: the longer a band, the fewer unlike pairs of a large file share one.
_PERMUTATIONS = 256
_SEED = 17
_RECALL = 0.995
# Of a longer text, as of a whole book in one cell, the beginning decides.
_LONGEST_TEXT = 100_000
_BLOCK_CHARACTERS = 2_000_000
# A row is compared with so many rows of a bucket before it, those next to it, and so many that were like none: a text
# that thousands share, as a footer, must not cost all their pairs.
_NEIGHBORS = 16
_KEPT_SHINGLES = 4096
_KEPT_COMPARISONS = 2**18
_LEAST_CHARACTERS = 200

Hashes = NDArray[np.uint64]
Rows = NDArray[np.int64]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class DuplicateGroups:
    """Which rows are one article.

    Attributes:
        groups: shape (N,), for each row the first row of its group; its own place where it stands alone.
        texts: shape (N,), the same for groups of rows whose texts are equal after normalization.
    """

    groups: Rows
    texts: Rows


def find_duplicates(texts: Sequence[str], near: NearDuplicatesSection | None) -> DuplicateGroups:
    """Group the texts that are equal after normalization and, where asked for, those that are alike.

    Args:
        texts: of the rows.
        near: when two texts are alike; None where only equal ones count.
    """
    normalized = [normalize_text(text) for text in texts]
    firsts, inverse = _find_equal(normalized)
    equal = firsts[inverse]
    if near is None or not texts:
        return DuplicateGroups(equal, equal)
    alike = _find_alike([normalized[row] for row in firsts], near)
    return DuplicateGroups(firsts[alike][inverse], equal)


def normalize_text(text: str) -> str:
    r"""Return a text without what does not make it another article: form of characters, case and white space.

    >>> normalize_text("  Storm hits\u00a0COAST\n")
    'storm hits coast'
    """
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def compute_similarity(first: str, second: str, *, shingle: int) -> float:
    """Return the Jaccard similarity of two normalized texts' sets of shingles, in [0, 1].

    >>> compute_similarity("abcd", "bcde", shingle=3)  # abc bcd, bcd cde
    0.3333333333333333
    """
    return _compare(np.unique(_hash_shingles([first], shingle)[0]), np.unique(_hash_shingles([second], shingle)[0]))


def _find_equal(texts: Sequence[str]) -> tuple[Rows, Rows]:
    """Return the first row of each text, ascending, and for each row the place of its text among them."""
    digests = np.array([hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest() for text in texts], dtype="S32")
    _, firsts, inverse = np.unique(digests, return_index=True, return_inverse=True)
    order = np.argsort(firsts)
    indices = np.empty_like(order)
    indices[order] = np.arange(len(order))
    return firsts[order], indices[inverse]


def _find_alike(texts: Sequence[str], near: NearDuplicatesSection) -> Rows:
    """Return for each of some different texts the first one of its group."""
    values = _choose_band(near.threshold)
    keys = np.concatenate([*_hash_bands(texts, shingle=near.shingle, values=values)])
    forest = _Forest(len(texts))
    comparison = _Comparison(texts, near)
    for band in range(keys.shape[1]):
        for bucket in _find_buckets(keys[:, band]):
            _join_bucket(bucket, forest, comparison)
    logger.debug("compared %d pairs", comparison.pairs)
    return forest.find_roots()


def _choose_band(threshold: float) -> int:
    """Return the values of a band: as many as find a pair at the threshold with the recall that is wanted."""
    recalls = {
        values: 1 - (1 - threshold**values) ** (_PERMUTATIONS // values) for values in range(1, _PERMUTATIONS + 1)
    }
    return max((values for values, recall in recalls.items() if recall >= _RECALL), default=1)


def _hash_bands(texts: Sequence[str], *, shingle: int, values: int) -> Iterator[Hashes]:
    """Yield, block by block, a hash for each band of each text's signature, shape (block, K)."""
    bands = _PERMUTATIONS // values
    for block in _cut_blocks(texts):
        hashes, offsets = _hash_shingles(block, shingle)
        matrix = RMinHash.digest_matrix_from_flat_token_hashes(hashes, offsets, num_perm=_PERMUTATIONS, seed=_SEED)
        signatures = np.asarray(matrix.to_rows(), dtype=np.uint64)[:, : bands * values].reshape(-1, bands, values)
        keys = np.zeros(signatures.shape[:2], dtype=np.uint64)
        for index in range(values):
            keys = _mix(keys + signatures[:, :, index])
        yield keys


def _cut_blocks(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    start = size = 0
    for index, text in enumerate(texts):
        size += min(max(len(text), _LEAST_CHARACTERS), _LONGEST_TEXT)  # a signature takes memory too
        if size >= _BLOCK_CHARACTERS:
            yield texts[start : index + 1]
            start, size = index + 1, 0
    if start < len(texts):
        yield texts[start:]


def _hash_shingles(texts: Sequence[str], shingle: int) -> tuple[Hashes, Hashes]:
    """Return hashes of all shingles, shape (S,), and where each text's begin, with the end of the last."""
    padded = [text[:_LONGEST_TEXT].ljust(shingle, "\0") for text in texts]
    characters = np.frombuffer("".join(padded).encode("utf-32-le", "surrogatepass"), dtype=np.uint32).astype(np.uint64)
    ends = np.cumsum([len(text) for text in padded])
    hashes = np.zeros(len(characters) - shingle + 1, dtype=np.uint64)
    for index in range(shingle):
        hashes = _mix(hashes + characters[index : index + len(hashes)])
    is_whole = np.ones(len(characters), dtype=bool)
    # Shingles that begin near a text's end would reach into the next one.
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
    """Yield the places, ascending, that share a key."""
    order = np.argsort(keys, kind="stable")
    changes = np.flatnonzero(np.diff(keys[order])) + 1
    starts, ends = np.concatenate([[0], changes]), np.concatenate([changes, [len(keys)]])
    is_shared = ends - starts > 1
    for start, end in zip(starts[is_shared], ends[is_shared], strict=True):
        yield order[start:end].tolist()


def _join_bucket(bucket: Sequence[int], forest: "_Forest", comparison: "_Comparison") -> None:
    previous: deque[int] = deque(maxlen=_NEIGHBORS)
    firsts: list[int] = []
    for index in bucket:
        is_like_none = True
        for other in (*firsts[:_NEIGHBORS], *previous):
            if forest.find(other) == forest.find(index):
                is_like_none = False
            elif comparison.is_alike(other, index):
                forest.join(other, index)
                is_like_none = False
        if is_like_none:
            firsts.append(index)
        previous.append(index)


class _Comparison:
    """Tells whether two of the texts are alike."""

    def __init__(self, texts: Sequence[str], near: NearDuplicatesSection) -> None:
        self._texts, self._near = texts, near
        self._find_shingles = lru_cache(maxsize=_KEPT_SHINGLES)(self._hash)
        self.is_alike = lru_cache(maxsize=_KEPT_COMPARISONS)(self._is_alike)
        self.pairs = 0

    def _hash(self, index: int) -> Hashes:
        return np.unique(_hash_shingles([self._texts[index]], self._near.shingle)[0])

    def _is_alike(self, first: int, second: int) -> bool:
        self.pairs += 1
        return _compare(self._find_shingles(first), self._find_shingles(second)) >= self._near.threshold


def _compare(first: Hashes, second: Hashes) -> float:
    """Return the Jaccard similarity of two sets, given as arrays without repeats."""
    shared = len(np.intersect1d(first, second, assume_unique=True))
    return shared / (len(first) + len(second) - shared)


class _Forest:
    """Disjoint sets of places; the root of a set is its smallest place."""

    def __init__(self, size: int) -> None:
        self._parents = [*range(size)]

    def find(self, index: int) -> int:
        """Return the least place of the group that this one is in."""
        parents = self._parents
        while parents[index] != index:
            parents[index] = parents[parents[index]]
            index = parents[index]
        return index

    def join(self, first: int, second: int) -> None:
        """Make one group of the groups of two places."""
        first, second = self.find(first), self.find(second)
        self._parents[max(first, second)] = min(first, second)

    def find_roots(self) -> Rows:
        """Return the least place of the group of each."""
        return np.array([self.find(index) for index in range(len(self._parents))], dtype=np.int64)
