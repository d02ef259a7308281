"""Build the metadata of a model card for the Hub: tags, base model and the test scores as `model-index`."""

import re
from collections.abc import Mapping

from huggingface_hub import EvalResult, ModelCardData

from hf_newscls.data.manifest import SplitManifest
from hf_newscls.evaluation.metric_names import name_metric
from hf_newscls.evaluation.report import EvaluationReport
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.training.record import TrainingRecord

TOOL_TAG = "hf-newscls"  # on everything that hf_newscls publishes
LEADERBOARD_TAG = "leaderboard"  # on a dataset repository with a leaderboard
RECIPE_TAG = "recipe:"  # before the name of a model's recipe
# Metrics that have another name on the Hub.
_HUB_TYPES = {"mcc": "matthews_correlation", "calibration_error": "expected_calibration_error"}
_HUB_SOURCE = re.compile(r"hf://datasets/(?P<repo>[^/@]+/[^/@]+)")
_DECIMALS = 6


def build_card_data(
    recipe: Recipe, manifest: SplitManifest, report: EvaluationReport, record: TrainingRecord
) -> ModelCardData:
    """Return the metadata of a card, with every test score; the split's fingerprint is the dataset revision."""
    data = describe_recipe(recipe)
    data.eval_results = _list_results(recipe, manifest, report.test.scores)
    grams = compute_emissions(recipe, record)
    if grams is not None:
        data["co2_eq_emissions"] = {
            "emissions": round(grams, _DECIMALS),
            "source": "energy estimated by codecarbon",
            "training_type": "fine-tuning",
            "hardware_used": record.device,
        }
    return data


def describe_recipe(recipe: Recipe) -> ModelCardData:
    """Return the metadata that is known before training: all except the scores."""
    datasets = [match["repo"] for address in recipe.data.sources if (match := _HUB_SOURCE.match(address))]
    tags = {TOOL_TAG, f"{RECIPE_TAG}{recipe.name}", "news", *recipe.hub.tags, *({"lora"} if recipe.adapter else ())}
    if "trackio" in recipe.trackers:
        space = find_trackio_space(recipe)
        # The Hub shows the Space of the second tag on the page of the model.
        tags |= {"trackio", *({f"trackio:{space}"} if space else ())}
    return ModelCardData(
        language=recipe.data.card_language,
        license=recipe.hub.license,
        library_name="peft" if recipe.is_adapter_only else "transformers",
        pipeline_tag="text-classification",
        tags=sorted(tags),
        base_model=recipe.base_model,
        datasets=list(dict.fromkeys(datasets)) or None,
        metrics=["accuracy", "f1"],
        model_name=recipe.name,
        widget=[{"text": recipe.hub.example}],
        ignore_metadata_errors=False,
    )


def find_trackio_space(recipe: Recipe) -> str | None:
    """Return the address of the Space with the metrics of the training; None if the recipe does not name its owner."""
    arguments = recipe.training_arguments
    space = arguments.get("trackio_static_space_id") or arguments.get("trackio_space_id") or ""
    return f"https://huggingface.co/spaces/{space}" if "trackio" in recipe.trackers and "/" in space else None


def compute_emissions(recipe: Recipe, record: TrainingRecord) -> float | None:
    """Return the emissions of a training in grams of CO2, or None if energy or grid intensity is unknown."""
    if record.energy_kwh is None or recipe.hub.grams_co2_per_kwh is None:
        return None
    return record.energy_kwh * recipe.hub.grams_co2_per_kwh


def _list_results(recipe: Recipe, manifest: SplitManifest, scores: Mapping[str, float]) -> list[EvalResult]:
    return [
        EvalResult(
            task_type="text-classification",
            task_name="News classification",
            dataset_type=recipe.data.dataset_id or recipe.name,
            dataset_name=recipe.data.dataset_name or recipe.name,
            dataset_config="default",
            dataset_split="test",
            dataset_revision=manifest.fingerprint,
            # The Hub's metric types do not include the average; the name does.
            metric_type=_HUB_TYPES.get(name) or re.sub(r"_(macro|weighted)$", "", name),
            metric_name=name_metric(name),
            metric_value=round(value, _DECIMALS),
        )
        for name, value in scores.items()
    ]
