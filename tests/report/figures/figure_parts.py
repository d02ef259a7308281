"""What tests of figures share: names, and the texts of a figure."""

import itertools
from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.text import Text

# The longest names of HuffPost's v2 categories, and short ones between them, 42 in all.
MANY_NAMES = [
    name
    for number in range(14)
    for name in (f"WELLNESS & HEALTHY LIVIN{number:X}", f"TECH {number:X}", f"STYLE & BEAUTY {number:X}")
]


def read_texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in find_texts(figure)]


def find_texts(figure: Figure) -> list[Text]:
    return [text for text in figure.findobj(Text) if isinstance(text, Text) and text.get_text()]


def read_names(labels: Sequence[Text]) -> list[str]:
    return [label.get_text() for label in labels]


def has_overlap(figure: Figure, labels: Sequence[Text]) -> bool:
    figure.draw_without_rendering()
    boxes = [label.get_window_extent() for label in labels]
    return any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))
