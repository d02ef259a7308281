"""Describe a news file before training."""

import logging
from dataclasses import dataclass
from typing import Any

from datasets import Dataset
from transformers import PreTrainedTokenizerBase

from hf_newscls.data.cleaning import CleanedRows
from hf_newscls.data.dates import Dates
from hf_newscls.data.duplicates import DuplicateGroups, find_duplicates
from hf_newscls.errors import DataError
from hf_newscls.evaluation.label_quality import LabelQuality, assess_labels
from hf_newscls.modeling.tokenization import count_tokens
from hf_newscls.overview.statistics import DataOverview, Integers, summarize_rows
from hf_newscls.recipe.recipe import Recipe

# Tables of labels by labels, and the page, grow with the square.
_MAX_LABELS = 1000

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Overview:
    """The description of a news file, with the rows that were kept and the token counts of their texts."""

    recipe: Recipe
    data: DataOverview
    quality: LabelQuality
    rows: Dataset
    groups: DuplicateGroups
    token_counts: Integers

    def to_dict(self) -> dict[str, Any]:
        """Return all statistics as plain values, ready for JSON."""
        return {
            "recipe": self.recipe.name,
            "source": self.recipe.data.sources,
            "near_duplicates": near.model_dump() if (near := self.recipe.data.near_duplicates) else None,
            "data": self.data.to_dict(),
            "label_quality": self.quality.to_dict(),
        }


def build_overview(
    recipe: Recipe,
    cleaned: CleanedRows,
    tokenizer: PreTrainedTokenizerBase,
    *,
    dates: Dates | None = None,
) -> Overview:
    """Describe the rows that were kept, with their dates, and cross-validate a simple model on them.

    Raises:
        InputError: all rows are one article, or no label has two rows.
        DataError: there are more than 1,000 labels, for example in a column of authors.
    """
    if len(cleaned.label_names) > _MAX_LABELS:
        raise DataError(
            f"{recipe.data.source_text}: column {recipe.data.label_column!r} has {len(cleaned.label_names):,} labels, "
            f"but an overview can show at most {_MAX_LABELS:,}; check `data.label`, or merge labels with "
            "`data.merge_labels`"
        )
    rows = cleaned.dataset
    texts = rows["text"][:]
    groups = find_duplicates(texts, recipe.data.near_duplicates)
    logger.info("counting the tokens of %s texts", f"{len(texts):,}")
    token_counts = count_tokens(texts, tokenizer)
    data = summarize_rows(cleaned, groups, token_counts=token_counts, max_length=recipe.model.max_length, dates=dates)
    data.token_summary.warn_of_unknown(recipe.model.model_name_or_path)
    quality = assess_labels(
        texts, rows["label"][:], label_names=cleaned.label_names, groups=groups.groups, seed=recipe.split.seed
    )
    return Overview(recipe, data, quality, rows, groups, token_counts.lengths)
