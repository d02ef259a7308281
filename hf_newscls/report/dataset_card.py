"""Render the card of prepared data from recipe and manifest, without disk or network."""

from typing import Any

from huggingface_hub import DatasetCard, DatasetCardData

from hf_newscls.data.manifest import SplitManifest
from hf_newscls.data.splitting import SPLITS
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.report.card_metadata import TOOL_TAG
from hf_newscls.report.template import render_template
from hf_newscls.report.text import count_rows

# The Hub's size categories, by their upper limit in rows.
_SIZES = {1_000: "n<1K", 10_000: "1K<n<10K", 100_000: "10K<n<100K", 1_000_000: "100K<n<1M", 10_000_000: "1M<n<10M"}
_LARGEST = "10M<n<100M"


def render_dataset_card(recipe: Recipe, manifest: SplitManifest, *, repo_id: str) -> str:
    """Return the card of prepared data, metadata first."""
    body = render_template(
        "hf_newscls.report",
        "templates/dataset_card.md.jinja",
        recipe=recipe,
        manifest=manifest,
        repo_id=repo_id,
        title=recipe.data.dataset_name or recipe.name,
    )
    data = _build_card_data(recipe, rows=sum(count_rows(manifest).values()))
    return str(DatasetCard(f"---\n{data.to_yaml()}\n---\n\n{body}"))


def _build_card_data(recipe: Recipe, *, rows: int) -> DatasetCardData:
    """Return the metadata that the Hub and `load_dataset` read, such as the files of each split."""
    files = [{"split": split, "path": f"data/{split}-*"} for split in SPLITS]
    configs: dict[str, Any] = {"configs": [{"config_name": "default", "data_files": files}]}
    return DatasetCardData(
        language=recipe.data.card_language,
        license=recipe.data.license or "unknown",
        task_categories=["text-classification"],
        size_categories=next((name for limit, name in _SIZES.items() if rows < limit), _LARGEST),
        pretty_name=recipe.data.dataset_name or recipe.name,
        tags=[TOOL_TAG, "news"],
        **configs,
    )
