"""Encodings that news files have, and the letters of the languages that are written in them."""

import string
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True)
class Alphabet:
    """Characters of a language."""

    characters: frozenset[str]  # all that its words have, or the frequent ones of Chinese, Japanese or Korean
    is_complete: bool = True  # whether they are all

    def has(self, word: str) -> bool:
        """Return whether a word that is not ASCII can be one of the language."""
        if self.is_complete:
            has_odd_capital = any(one.islower() and other > "\x7f" and other.isupper() for one, other in pairwise(word))
            is_mark = unicodedata.category(word[0]) == "Mn"
            return self.characters.issuperset(word) and not has_odd_capital and not is_mark
        others = [character for character in word if not character.isascii()]
        # A Western letter read as Chinese takes the next byte with it: one odd character among Latin letters.
        is_alone = len(others) == 1 < len(word)
        return 3 * sum(map(self.characters.__contains__, others)) >= 2 * len(others) and not is_alone


_MARKS = "‘’‚“”„‹›«»–—…•·€£§©®™°²½±×\xa0"  # noqa: RUF001
_WESTERN = (
    "àâæçéèêëïîôœùûüÿ",  # French
    "äöüßé",  # German
    "áéíñóúü¿¡ªº",  # Spanish
    "áàâãçéêíóôõúüªº",  # Portuguese
    "àèéìíîòóùúªº",  # Italian
    "àçèéíïòóúüªº",  # Catalan
    "áéíóúëïöüèêç",  # Dutch
    "åäöé",  # Swedish, Finnish
    "æøåéóô",  # Danish, Norwegian
    "áðéíóúýþæö",  # Icelandic
)
_CENTRAL_EUROPEAN = (
    "ąćęłńóśźż",  # Polish
    "áčďéěíňóřšťúůýž",  # Czech
    "áäčďéíľňóôšťúýž",  # Slovak without its rare ŕ and ĺ, which are à and å in cp1252
    "áéíóöőúüű",  # Hungarian
    "âăîşţ",  # Romanian
    "čćđšž",  # Croatian, Slovene, Bosnian
    "çë",  # Albanian
)
_TURKISH = ("çğıöşüâîûİ",)
_BALTIC = ("ąčęėįšųūž", "āčēģīķļņšūž", "äõöüšž")  # Lithuanian, Latvian, Estonian
_CYRILLIC = (
    "абвгдеёжзийклмнопрстуфхцчшщъыьэюя№",  # Russian
    "абвгґдеєжзиіїйклмнопрстуфхцчшщьюя№",  # Ukrainian
    "абвгдежзийклмнопрстуфхцчшщъьюя№",  # Bulgarian
    "абвгдеёжзійклмнопрстуўфхцчшыьэюя№",  # Belarusian
    "абвгдђежзијклљмнњопрстћуфхцчџш",  # Serbian
    "абвгдѓежзѕијклљмнњопрстќуфхцчџш",  # Macedonian
)
_GREEK = ("αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώϊϋΐΰ",)
_HEBREW = ("אבגדהוזחטיךכלםמןנסעףפץצקרשת",)
_ARABIC = ("ءآأؤإئابةتثجحخدذرزسشصضطظعغفقكلمنهوىيپچژکگ،؛؟ـًٌٍَُِّْ\u200c",)
_THAI = ("".join(map(chr, [*range(0xE01, 0xE3B), *range(0xE40, 0xE4F)])),)


def _build(alphabets: Sequence[str], *, base: str = "") -> Sequence[Alphabet]:
    return [Alphabet(frozenset(base + alphabet + alphabet.upper() + _MARKS)) for alphabet in alphabets]


def _build_common(codec: str, leads: Sequence[int]) -> Sequence[Alphabet]:
    """Return the characters with these first bytes: each standard puts the frequent ones first."""
    pairs = (bytes([lead, trail]).decode(codec, "ignore") for lead in leads for trail in range(0x40, 0xFF))
    return [Alphabet(frozenset(pair for pair in pairs if len(pair) == 1 and not pair.isascii()), is_complete=False)]


_LATIN = string.ascii_letters
_KANJI = _build_common("euc_jp", [*range(0xA1, 0xA9), *range(0xB0, 0xD0)])
_BIG5 = _build_common("big5", range(0xA1, 0xC7))
ALPHABETS: Mapping[str, Sequence[Alphabet]] = {
    "cp1252": _build(_WESTERN, base=_LATIN),
    "cp1250": _build(_CENTRAL_EUROPEAN, base=_LATIN),
    "iso8859_2": _build(_CENTRAL_EUROPEAN, base=_LATIN),
    "cp1254": _build(_TURKISH, base=_LATIN),
    "cp1257": _build(_BALTIC, base=_LATIN),
    "cp1251": _build(_CYRILLIC),
    "koi8_u": _build(_CYRILLIC),
    "cp866": _build(_CYRILLIC),
    "mac_cyrillic": _build(_CYRILLIC),
    "iso8859_5": _build(_CYRILLIC),
    "cp1253": _build(_GREEK),
    "iso8859_7": _build(_GREEK),
    "mac_greek": _build(_GREEK),
    "cp1255": _build(_HEBREW),
    "cp862": _build(_HEBREW),
    "cp1256": _build(_ARABIC),
    "iso8859_6": _build(_ARABIC),
    "cp874": _build(_THAI),
    "gb18030": _build_common("gb2312", [*range(0xA1, 0xAA), *range(0xB0, 0xD8)]),
    "big5hkscs": _BIG5,
    "big5": _BIG5,
    "cp932": _KANJI,
    "euc_jp": _KANJI,
    "cp949": _build_common("euc_kr", [*range(0xA1, 0xA4), *range(0xB0, 0xC9)]),
}
"""For each encoding, the alphabets of its languages, with marks of punctuation.

gb18030 includes GBK, cp932 Shift-JIS, cp949 EUC-KR, koi8_u KOI8-R, and cp1254 latin-5. Of two that read a file alike,
the first is named.
"""
