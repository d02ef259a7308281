"""The part of a model card that the Hub reads: tags, base model and the `model-index`."""

from huggingface_hub import EvalResult, ModelCardData

from hf_newscls.data.manifest import SplitManifest
from hf_newscls.evaluation.report import EvaluationReport
from hf_newscls.recipe import Recipe

__all__ = ["build_card_data"]

_METRIC_NAMES = {"accuracy": "Accuracy", "f1_macro": "Macro F1", "f1_weighted": "Weighted F1", "log_loss": "Log loss"}
# The Hub knows these by other names; ours say which average is meant.
_METRIC_TYPES = {"f1_macro": "f1", "f1_weighted": "f1"}


def build_card_data(recipe: Recipe, manifest: SplitManifest, report: EvaluationReport) -> ModelCardData:
    """Return the metadata of a card; every test score stands in its `model-index`, the split told by fingerprint."""
    return ModelCardData(
        language=recipe.hub.language,
        license=recipe.hub.license,
        library_name="peft" if recipe.is_adapter_alone else "transformers",
        pipeline_tag="text-classification",
        tags=sorted(
            {"hf-newscls", f"recipe:{recipe.name}", "news", *recipe.hub.tags, *({"lora"} if recipe.adapter else ())}
        ),
        base_model=recipe.base_model,
        metrics=["accuracy", "f1"],
        model_name=recipe.name,
        eval_results=_list_results(recipe, manifest, report),
        ignore_metadata_errors=False,
    )


def _list_results(recipe: Recipe, manifest: SplitManifest, report: EvaluationReport) -> list[EvalResult]:
    return [
        EvalResult(
            task_type="text-classification",
            task_name="News classification",
            dataset_type=recipe.data.dataset_id or recipe.name,
            dataset_name=recipe.data.dataset_name or recipe.name,
            dataset_split="test",
            dataset_revision=manifest.fingerprint,
            metric_type=_METRIC_TYPES.get(name, name),
            metric_name=_name_metric(name),
            metric_value=round(report.test.scores[name], 6),
        )
        for name in report.test.scores
        if name in _METRIC_NAMES or name.startswith("top_")
    ]


def _name_metric(name: str) -> str:
    return _METRIC_NAMES.get(name) or f"Top-{name.split('_')[1]} accuracy"
