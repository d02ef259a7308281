"""Encodings that news files have, and the letters of the languages that are written in them."""

import string
from collections.abc import Mapping, Sequence

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


def _build(alphabets: Sequence[str], *, base: str = "") -> Sequence[frozenset[str]]:
    return [frozenset(base + alphabet + alphabet.upper() + _MARKS) for alphabet in alphabets]


_LATIN = string.ascii_letters
ALPHABETS: Mapping[str, Sequence[frozenset[str]]] = {
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
    "cp1256": _build(_ARABIC),
    "iso8859_6": _build(_ARABIC),
    "cp874": _build(_THAI),
    "gb18030": (),
    "big5hkscs": (),
    "big5": (),
    "cp932": (),
    "euc_jp": (),
    "cp949": (),
}
"""For each encoding, the characters of each language, with marks of punctuation; none for Chinese, Japanese and Korean.

gb18030 includes GBK, cp932 Shift-JIS, cp949 EUC-KR, koi8_u KOI8-R, and cp1254 latin-5. Of two that read a file alike,
the first is named.
"""
