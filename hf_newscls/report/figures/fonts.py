"""Find installed fonts with the characters of labels and other names.

matplotlib's own font has Latin, Greek, Cyrillic, Hebrew and Arabic letters, but no Chinese, Japanese, Korean or Thai
ones. Without a font, matplotlib draws an empty box and warns of each character.
"""

import logging
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, fontManager
from matplotlib.ft2font import FT2Font
from matplotlib.text import Text

from hf_newscls.errors import format_examples

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Fallback:
    families: tuple[str, ...]  # in the order of matplotlib's search
    missing: frozenset[str]  # characters that no font has


def name_labels(label_names: Sequence[str]) -> list[str]:
    """Return the labels as figures show them: by name, or as `LABEL_3`, with the id, if no font has its letters.

    The second kind is a warning, so call it once for all figures.
    """
    missing = _find_fallback(_find_foreign("".join(label_names))).missing
    shown = [
        f"LABEL_{index}" if any(letter.isalpha() for letter in missing.intersection(name)) else name
        for index, name in enumerate(label_names)
    ]
    if replaced := find_replaced(label_names, shown):
        logger.warning(
            "no installed font has the letters of %d labels, so figures show their ids, such as %s; install a font for "
            "their script, such as Noto Sans CJK (fonts-noto-cjk in Debian and Ubuntu), and run the command again",
            len(replaced),
            format_examples((f"{label} for {name}" for label, name in replaced.items()), limit=3),
        )
    return shown


def find_replaced(label_names: Sequence[str], shown: Sequence[str]) -> dict[str, str]:
    """Return the names of the labels that `name_labels` replaced, by what is shown.

    >>> find_replaced(["sport", "体育"], ["sport", "LABEL_1"])
    {'LABEL_1': '体育'}
    """
    return {label: name for label, name in zip(shown, label_names, strict=True) if label != name}


def replace_missing(text: str) -> str:
    """Return a text with `?` for each visible character that no font has, and without the invisible ones."""
    missing = _find_fallback(_find_foreign(text)).missing
    return "".join(
        character if character not in missing else "" if unicodedata.category(character) in {"Cf", "Mn"} else "?"
        for character in text
    )


def set_fonts(figure: Figure) -> None:
    """Let each text of a figure fall back to the fonts that have its characters."""
    for text in figure.findobj(Text):
        if isinstance(text, Text) and (foreign := _find_foreign(text.get_text())):
            text.set_fontfamily([*mpl.rcParams["font.family"], *_find_fallback(foreign).families])


def _find_foreign(text: str) -> frozenset[str]:
    """Return the characters that the default font does not have."""
    if text.isascii():
        return frozenset()
    known = _read_characters(findfont(FontProperties()))
    return frozenset(character for character in text if ord(character) not in known and not character.isspace())


@cache
def _find_fallback(characters: frozenset[str]) -> _Fallback:
    """Choose the font with the most of the characters, then the one with the most of the rest, and so on."""
    missing, families = {*map(ord, characters)}, []
    fonts = _list_fonts() if missing else {}
    while fonts and missing:
        family = max(fonts, key=lambda name: _rank(name, missing & _read_characters(fonts[name])))
        found = missing & _read_characters(fonts[family])
        if not found:
            break
        families.append(family)
        missing -= found
    return _Fallback(tuple(families), frozenset(map(chr, missing)))


def _rank(family: str, found: Collection[int]) -> tuple[int, bool, int, str]:
    # A sans-serif font goes with the default one; the shortest name is that of the plain font of a kind.
    return len(found), "Sans" in family, -len(family), family


@cache
def _list_fonts() -> Mapping[str, str]:
    """Return the file of each installed family, without the fonts of matplotlib and those that only have boxes."""
    bundled = Path(mpl.get_data_path())
    return {
        font.name: font.fname
        for font in fontManager.ttflist
        if font.style == "normal" and bundled not in Path(font.fname).parents and "lastresort" not in _fold(font.name)
    }


def _fold(name: str) -> str:
    return name.replace(" ", "").casefold()


@cache
def _read_characters(path: str) -> frozenset[int]:
    return frozenset(FT2Font(path).get_charmap())
