"""Find cells with several labels, such as "weather;sport" or "['weather', 'sport']"."""

import json
import logging
import re
from collections import Counter
from collections.abc import Collection, Sequence

from hf_newscls.data.labels import fold_label, show_label
from hf_newscls.errors import DataError, format_examples
from hf_newscls.recipe.data import DataSection

# Also the Chinese and Japanese commas, the Chinese semicolon and the Arabic comma.
_SEPARATORS = ";|,/\n\u3001\uff0c\uff1b\u060c"
_LIST = re.compile(r"\[.*\]", re.DOTALL)
# The items of a list as Python or numpy prints it.
_QUOTED = re.compile(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"", re.DOTALL)

logger = logging.getLogger(__name__)


def choose_labels(found: Sequence[str | None], section: DataSection, *, source_name: str) -> list[str]:
    """Return one label for each row, stripped; "" if it has none.

    A list of one label is that label, and where several are joined, the first one is taken. Labels that the recipe
    names stay.

    Raises:
        DataError: some labels are joined, and the recipe does not choose one.
    """
    labels = [(label or "").strip() for label in found]
    counts = Counter(label for label in labels if label)
    joined = find_joined_labels(counts, single=section.named_labels)
    several = {label for label, parts in joined.items() if len(parts) > 1}
    rows = sum(counts[label] for label in several)
    if several and section.label_choice == "refuse":
        shown = format_examples(show_label(label, counts) for label, _ in counts.most_common() if label in several)
        raise DataError(
            f"{source_name}: column {section.label_column!r} seems to hold several labels in {rows:,} of "
            f"{len(labels):,} rows: {shown}; set `data.label_choice: first` to take the first one, or list all labels "
            "in data.labels if each of these is one label"
        )
    if several:
        logger.info("took the first of several labels in %s of %s rows", f"{rows:,}", f"{len(labels):,}")
    firsts = {label: next(iter(parts), "") for label, parts in joined.items()}
    return [firsts.get(label, label) for label in labels]


def find_joined_labels(labels: Collection[str], *, single: Collection[str] = ()) -> dict[str, list[str]]:
    """Return the parts of each label that is several labels in one; those in `single` are not.

    These are lists, and labels with a joining separator: one at which some label splits into parts that are all labels
    of other rows. So Business/Economy is one label, unless there are rows of Business and rows of Economy.

    >>> find_joined_labels(["weather;sport", "weather", "sport", "arts;music", "Business/Economy"])
    {'weather;sport': ['weather', 'sport'], 'arts;music': ['arts', 'music']}
    >>> find_joined_labels(["['weather', 'sport']", "[Video]"])
    {"['weather', 'sport']": ['weather', 'sport']}
    """
    known = {fold_label(label) for label in labels}
    candidates = [label for label in labels if label not in single]
    lists = {label: items for label in candidates if (items := _read_list(label)) is not None}
    joining = {
        separator
        for separator in _SEPARATORS
        for label in candidates
        if len(parts := _split(label, separator)) > 1 and known.issuperset(map(fold_label, parts))
    }
    joined = [label for label in candidates if not joining.isdisjoint(label)]
    return {label: _split(label, "".join(joining)) for label in joined} | lists


def _split(label: str, separators: str) -> list[str]:
    return [part for text in re.split(f"[{re.escape(separators)}]", label) if (part := text.strip())]


def _read_list(label: str) -> list[str] | None:
    """Return the items of a list that was written as text; None for another text."""
    if not _LIST.fullmatch(label):
        return None
    try:
        items = json.loads(label, parse_int=str, parse_float=str)
    except (json.JSONDecodeError, RecursionError):
        items = [single or double for single, double in _QUOTED.findall(label)]
        if not items:
            return None
    return [text for item in items if (text := str(item).strip())]
