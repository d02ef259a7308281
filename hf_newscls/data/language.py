"""Ask for the language of texts that cannot be English, which the cards name if the recipe does not say otherwise."""

from collections import Counter

from datasets import Dataset

from hf_newscls.errors import RecipeError, format_examples
from hf_newscls.recipe.data import DataSection

# Measured: at most 0.03% in English news, from names such as Beyoncé; about 1% in Italian, 2% in German, 4% in French.
_MAX_FOREIGN = 0.005
# A sample is enough: up to 20,000 texts, 1,000 characters of each.
_TEXTS, _CHARACTERS = 10_000, 1_000


def check_language(rows: Dataset, section: DataSection, *, source_name: str) -> None:
    """Check that the recipe names the language if more than 0.5% of the letters are not English.

    English letters are a to z. Most other languages have others: of the Latin script, as German, or of another one, as
    Chinese. A language that the letters do not give away, such as Dutch, is not asked for.

    Args:
        rows: with `text`, cleaned.

    Raises:
        RecipeError: `data.language` is not set, and the texts have other letters.
    """
    if section.language is not None:
        return
    sample = rows.select(range(0, len(rows), max(1, len(rows) // _TEXTS)))
    counts = Counter[str]()
    for text in sample["text"]:
        counts.update(text[:_CHARACTERS])
    letters = sum(count for character, count in counts.items() if character.isalpha())
    foreign = {letter: n for letter, n in counts.most_common() if letter.isalpha() and not letter.isascii()}
    fraction = sum(foreign.values()) / max(letters, 1)
    if fraction > _MAX_FOREIGN:
        raise RecipeError(
            f"{source_name}: data.language is not set, and {fraction:.1%} of the letters are not English "
            f"({format_examples(foreign, limit=3)}); set it to the ISO 639 code of the language, for the cards: zh for "
            "Chinese, th for Thai, de for German, en if it is English"
        )
