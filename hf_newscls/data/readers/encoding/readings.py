"""Which encoding a text is in: charset-normalizer measures how odd each reading is, alphabets say which words exist."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import compress
from operator import ne

from charset_normalizer import from_bytes

from hf_newscls.data.readers.encoding.alphabets import ALPHABETS, Alphabet

_SAMPLE_BYTES, _LONGEST_CELL = 1 << 16, 1 << 16
# None of these bytes is the second of a character, in any of the encodings.
_CELL_ENDS = re.compile(rb'[\n\r\t",]')
_NEVER_TEXT = re.compile("[\x80-\x9f\ue000-\uf8ff]")  # control characters and private use
_WORD = re.compile(r"[^\s!-/:-@\[-`{-~0-9]+")
# Measured on made-up headlines in 23 languages: the reading that leads by this much is the right one.
_MARGIN = 0.08
_COHERENCE_WEIGHT = 0.3
# What a reading must keep to be the text at all; Chinese, Japanese and Korean may stand among Latin letters.
_MOST_CHAOS, _MOST_CHAOS_IN_CJK = 0.1, 0.25
_LEAST_EXPLAINED, _LEAST_EXPLAINED_IN_CJK = 0.9, 0.5
# cp1252, by far the most frequent, is taken if letters with accents are as rare as in English, or if it is near the
# best and explains nearly all of enough words, which it does in no other language.
_RARE_ACCENTS = 0.01
_ENOUGH_WORDS = 20
# Fewer bytes outside ASCII only show that a file is in cp1252.
_ENOUGH_BYTES = 8
_NEARLY_ALL = 0.98


@dataclass(frozen=True)
class Reading:
    """Cells of a file as an encoding reads them."""

    encoding: str  # a key of `ALPHABETS`
    cells: Sequence[str] = field(repr=False)  # the decoded cells
    chaos: float  # how odd the neighbors of characters are, from 0
    coherence: float  # how well the frequencies of the letters fit a language, up to 1
    alphabet: Alphabet = field(repr=False)  # the one of the encoding that explains most words
    words: int  # number of words with characters outside ASCII
    explained: float  # fraction of them that the alphabet explains

    @property
    def oddness(self) -> float:
        """All that speaks against it."""
        return self.chaos - _COHERENCE_WEIGHT * self.coherence + 1 - self.explained

    @property
    def fits(self) -> bool:
        """Whether it can be the text."""
        if self.alphabet.is_complete:
            return self.chaos <= _MOST_CHAOS and self.explained >= _LEAST_EXPLAINED
        return self.chaos <= _MOST_CHAOS_IN_CJK and self.explained >= _LEAST_EXPLAINED_IN_CJK

    @property
    def is_latin(self) -> bool:
        """Whether it is in Latin letters."""
        return "a" in self.alphabet.characters

    def leads(self, other: "Reading") -> bool:
        """Return whether the other one is clearly worse; words count in the cells that differ."""
        differs = [*map(ne, self.cells, other.cells)]
        if not any(differs):
            return True
        gain = _explain(compress(self.cells, differs), self.alphabet)
        gain -= _explain(compress(other.cells, differs), other.alphabet)
        gain += other.chaos - self.chaos + _COHERENCE_WEIGHT * (self.coherence - other.coherence)
        return gain >= _MARGIN


def sample_cells(blocks: Iterable[bytes]) -> list[bytes]:
    r"""Return cells and lines with bytes outside ASCII, spread over all blocks of a text, at most some 128 KiB.

    >>> sample_cells([b'title,label\n"Caf\xe9', b', open",food\n'])
    [b'Caf\xe9']
    """
    kept: list[bytes] = []
    tail, count, stride = b"", 0, 1
    for block in blocks:
        if (tail + block).isascii():
            tail = b""
            continue
        *cells, tail = _CELL_ENDS.split(tail + block)
        kept += _choose(cells[-count % stride :: stride])
        count += len(cells)
        if len(tail) > _LONGEST_CELL:
            tail = b"\0"  # cut within a character, perhaps: the rest of this cell is not chosen
        while sum(map(len, kept)) > _SAMPLE_BYTES and len(kept) > 1:
            kept, stride = kept[::2], stride * 2
    return kept + _choose([tail])


def _choose(cells: Iterable[bytes]) -> list[bytes]:
    return [cell for cell in cells if not cell.isascii() and b"\0" not in cell]


def is_damaged_utf8(cells: Sequence[bytes], *, fraction: float = 0.5) -> bool:
    r"""Return whether more than a fraction of what is not ASCII are characters in UTF-8.

    >>> is_damaged_utf8(["Café".encode(), "Élan".encode(), b"Time\x92s"]), is_damaged_utf8([b"Caf\xe9"])
    (True, False)
    """
    text = b"\n".join(cells).decode("utf-8", "surrogateescape")
    bad = sum("\udc80" <= character <= "\udcff" for character in text)
    other = sum(not character.isascii() for character in text)
    return other - bad > fraction * other


def rank_readings(cells: Sequence[bytes]) -> list[Reading]:
    """Return the readings between which the cells do not decide, best first; all but one are left out if it leads."""
    readings = sorted(filter(None, (_read(cells, encoding) for encoding in ALPHABETS)), key=lambda one: one.oddness)
    near = [one for one in readings if one is readings[0] or not readings[0].leads(one)]
    western = [one for one in readings if one.encoding == "cp1252" and one.fits]
    is_english = all(_count_accents(one.cells) < _RARE_ACCENTS for one in near)
    is_sure = any(one in near and one.words >= _ENOUGH_WORDS and one.explained >= _NEARLY_ALL for one in western)
    if western and (is_english or is_sure):
        return western
    is_short = sum(byte > 0x7F for cell in cells for byte in cell) < _ENOUGH_BYTES
    return readings if is_short and near != western else near


def _read(cells: Sequence[bytes], encoding: str) -> Reading | None:
    sample = b"\n".join(cells)
    match = from_bytes(
        sample,
        steps=1,
        chunk_size=len(sample),
        threshold=10,
        cp_isolation=[encoding],
        preemptive_behaviour=False,
        enable_fallback=False,
    ).best()
    if match is None or _NEVER_TEXT.search(str(match)):
        return None
    texts = str(match).split("\n")
    alphabet = max(ALPHABETS[encoding], key=lambda one: _explain(texts, one))
    explained = _explain(texts, alphabet)
    return Reading(encoding, texts, match.chaos, match.coherence, alphabet, len(_find_words(texts)), explained)


def _explain(cells: Iterable[str], alphabet: Alphabet) -> float:
    """Return the fraction of the words outside ASCII that are words in an alphabet."""
    words = _find_words(cells)
    return sum(map(alphabet.has, words)) / max(len(words), 1)


def _find_words(cells: Iterable[str]) -> list[str]:
    return [word for cell in cells for word in _WORD.findall(cell) if not word.isascii()]


def _count_accents(cells: Sequence[str]) -> float:
    """Return the fraction of the characters that are letters outside ASCII."""
    text = "".join(cells)
    return sum(character.isalpha() and not character.isascii() for character in text) / max(len(text), 1)
