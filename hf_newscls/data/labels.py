"""Name the labels of a file in the model's order, and refuse several spellings of one label."""

import math
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence

import yaml

from hf_newscls.data.duplicates import normalize_text
from hf_newscls.errors import DataError, count_noun, format_examples
from hf_newscls.recipe.data import DataSection

# The code points that Unicode calls default ignorable, except tags, which distinguish flags.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0]"
)
# Also as a float, which pandas makes of a column with gaps, or with leading zeros, which Excel removes.
_INTEGER = re.compile(r"^\+?(-?)0*(\d+)(\.0+)?$")


def fold_label(label: str) -> str:
    r"""Return a text that is equal for all spellings of one label.

    Case, white space, invisible characters and Unicode form do not matter, nor how an integer is written.

    >>> fold_label("Sport\u200b"), fold_label("\uff33PORT"), fold_label("01.0")
    ('sport', 'sport', '1')
    """
    return _INTEGER.sub(r"\1\2", normalize_text(_INVISIBLE.sub("", label)))


def match_truth_values(section: DataSection, found: Collection[str]) -> DataSection:
    """Return the section with its labels True and False written as in the file; a merge takes all their spellings.

    YAML reads true as a truth value, which becomes True, also if the file has true or TRUE.
    """
    spellings = {
        name: sorted((label for label in found if label.capitalize() == name), key=lambda label: (label != name, label))
        for name in ("True", "False")
    }
    spellings = {name: labels for name, labels in spellings.items() if labels}
    merges = {
        spellings.get(target, [target])[0]: [one for source in sources for one in spellings.get(source, [source])]
        for target, sources in section.merge_labels.items()
    }
    labels = section.labels and [spellings.get(name, [name])[0] for name in section.labels]
    return section.model_copy(update={"merge_labels": merges, "labels": labels})


def resolve_label_names(
    counts: Mapping[str, int], *, expected: Sequence[str] | None, source_name: str, allows_one: bool = False
) -> list[str]:
    """Return the label names in the model's order: as the recipe lists them (`expected`), else sorted.

    Raises:
        DataError: fewer than two labels, unless one is allowed; labels that differ from the recipe's list; or, if the
            recipe lists none, several spellings of one label, as `fold_label` says.
    """
    if len(counts) < (1 if allows_one else 2):
        found = format_examples(counts) or "none"
        raise DataError(f"{source_name}: a classifier needs two labels (found: {found}); check data.label")
    if expected is None:
        _refuse_spellings(counts, source_name=source_name)
        return sorted(counts)
    unknown = [label for label in sorted(counts) if label not in expected]
    if unknown:
        shown = format_examples(show_label(label, counts) for label in unknown)
        raise DataError(
            f"{source_name}: labels that data.labels ({format_examples(expected)}) does not list: {shown}; "
            f"{_suggest_merges(unknown, expected)}add them there, merge them in data.merge_labels, or set "
            "`data.labels: null`"
        )
    absent = [label for label in expected if label not in counts]
    if absent:
        raise DataError(f"{source_name}: no rows of {format_examples(absent)}; remove these labels from data.labels")
    return [*expected]


def show_label(label: str, counts: Mapping[str, int]) -> str:
    """Return a label with the number of its rows, for a message."""
    return f"{label} ({count_noun(counts[label], 'row')})"


def quote_text(text: str) -> str:
    r"""Return a text as YAML, with escapes if it contains characters that look like others or cannot be seen.

    >>> print(quote_text("Économie"), quote_text("E\u0301conomie"))
    "Économie" "E\u0301conomie"
    """
    quoted: str = yaml.dump(text, default_style='"', allow_unicode=_is_plain(text), width=math.inf)
    return quoted.strip()


def _is_plain(text: str) -> bool:
    return text.isprintable() and unicodedata.is_normalized("NFKC", text)


def _refuse_spellings(counts: Mapping[str, int], *, source_name: str) -> None:
    """Refuse several spellings of one label, and offer the mapping that merges them."""
    spellings = [labels for labels in _group_spellings(counts).values() if len(labels) > 1]
    if spellings:
        shown = [" and ".join(show_label(label, counts) for label in labels) for labels in spellings]
        merges = {max(labels, key=lambda label: (_is_plain(label), counts[label])): labels for labels in spellings}
        raise DataError(
            f"{source_name}: several spellings of one label: {format_examples(shown)}; add "
            f"`merge_labels: {_format_merges(merges)}` to the data section, or list all labels in data.labels to keep "
            "them apart"
        )


def _suggest_merges(unknown: Iterable[str], expected: Sequence[str]) -> str:
    """Return the advice to merge other spellings of the recipe's labels; "" if there are none."""
    spellings = _group_spellings(unknown)
    merges = {label: spellings[folded] for label in expected if (folded := fold_label(label)) in spellings}
    return f"merge spellings by `merge_labels: {_format_merges(merges)}` in the data section, " if merges else ""


def _group_spellings(labels: Iterable[str]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for label in sorted(labels):
        groups.setdefault(fold_label(label), []).append(label)
    return groups


def _format_merges(merges: Mapping[str, Sequence[str]]) -> str:
    pairs = (f"{quote_text(target)}: [{', '.join(map(quote_text, labels))}]" for target, labels in merges.items())
    return f"{{{', '.join(pairs)}}}"
