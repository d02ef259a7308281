"""Render the card of prepared data: recipe and manifest in, Markdown out; no disk, no network."""

from typing import Any

from huggingface_hub import DatasetCard, DatasetCardData

from hf_newscls.data.manifest import SplitManifest
from hf_newscls.data.splitting import SPLITS
from hf_newscls.files import name_source
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.report.card_metadata import TOOL_TAG
from hf_newscls.report.markdown import render_template

__all__ = ["build_dataset_card_data", "render_dataset_card"]

# The Hub's own size categories, by the number of rows they end below.
_SIZES = {1_000: "n<1K", 10_000: "1K<n<10K", 100_000: "10K<n<100K", 1_000_000: "100K<n<1M", 10_000_000: "1M<n<10M"}
_LARGEST = "10M<n<100M"


def render_dataset_card(recipe: Recipe, manifest: SplitManifest, *, repo_id: str) -> str:
    """Return the card of prepared data, metadata first.

    Args:
        recipe: as it was resolved.
        manifest: of the split.
        repo_id: owner/name of the dataset on the Hub.
    """
    sizes = _count_splits(manifest)
    body = render_template(
        "hf_newscls.report",
        "templates/dataset_card.md.jinja",
        recipe=recipe,
        manifest=manifest,
        repo_id=repo_id,
        title=recipe.data.dataset_name or recipe.name,
        labels=[*manifest.label_counts[SPLITS[0]]],
        splits=SPLITS,
        sizes=sizes,
        rows_kept=sum(sizes.values()),
        dropped={reason: rows for reason, rows in manifest.dropped.items() if rows},
        sources=[name_source(address) for address in recipe.data.sources],
    )
    data = build_dataset_card_data(recipe, manifest)
    return str(DatasetCard(f"---\n{data.to_yaml()}\n---\n\n{body}"))


def build_dataset_card_data(recipe: Recipe, manifest: SplitManifest) -> DatasetCardData:
    """Return the part of the card that the Hub and `datasets` read: which files are which split, among other things."""
    files = [{"split": split, "path": f"data/{split}-*"} for split in SPLITS]
    values: dict[str, Any] = {"configs": [{"config_name": "default", "data_files": files}]}
    return DatasetCardData(
        language=recipe.hub.language,
        license=recipe.data.license or "unknown",
        task_categories=["text-classification"],
        size_categories=_find_size(sum(_count_splits(manifest).values())),
        pretty_name=recipe.data.dataset_name or recipe.name,
        tags=[TOOL_TAG, "news"],
        **values,
    )


def _count_splits(manifest: SplitManifest) -> dict[str, int]:
    return {split: sum(manifest.label_counts[split].values()) for split in SPLITS}


def _find_size(rows: int) -> str:
    return next((name for limit, name in _SIZES.items() if rows < limit), _LARGEST)
