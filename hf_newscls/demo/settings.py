"""What the page shows, and how it loads the model: from the recipe and the files of the model."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hf_newscls.recipe.recipe import Recipe

_CONFIG, _ADAPTER_CONFIG = "config.json", "adapter_config.json"
_ONLY_THE_START = (
    "This page reads only the start of a long text. In training, a quarter of the tokens came from the start and the "
    "rest from the end."
)


@dataclass(frozen=True)
class Encoder:
    """The encoder on the Hub that an adapter needs."""

    repo_id: str
    revision: str | None


@dataclass(frozen=True)
class DemoSettings:
    """Everything that differs from one page to another."""

    model: str  # owner/name on the Hub, or a folder
    revision: str | None  # commit on the Hub; None on this machine
    title: str
    purpose: str
    examples: Sequence[str]
    limitations: Sequence[str]
    min_confidence: float  # an answer with a lower probability is shown as "not sure"
    explain: bool
    language: str
    runs_code: bool  # the model's classes are Python files of its repository
    reads_windows: bool  # the model takes texts of any length
    encoder: Encoder | None  # of a model that is only an adapter


def read_settings(folder: Path, recipe: Recipe | None, *, model: str, revision: str | None = None) -> DemoSettings:
    """Return the settings of a page for a model.

    Args:
        folder: with the files of the model.
        recipe: of the model; without one, the page has neither examples nor limitations.
        model: what the page loads: owner/name or a folder.
        revision: commit on the Hub, for a Space. Only a Space runs the code of a model.
    """
    config = _read_json(folder / _CONFIG)
    hub = recipe.hub if recipe else None
    reads_windows = "window_count" in config
    only_start = config.get("truncation") == "head_tail" and not reads_windows
    return DemoSettings(
        model=model,
        revision=revision,
        title=(hub.title or recipe.name) if hub and recipe else model,
        purpose=hub.purpose if hub else "",
        examples=(hub.examples or [hub.example]) if hub else [],
        limitations=[*(hub.limitations if hub else []), *([_ONLY_THE_START] if only_start else [])],
        min_confidence=hub.min_confidence if hub else 0.5,
        explain=hub.explain if hub else False,
        language=recipe.data.card_language if recipe else "en",
        runs_code=revision is not None and "auto_map" in config,
        reads_windows=reads_windows,
        encoder=_read_encoder(folder),
    )


def _read_encoder(folder: Path) -> Encoder | None:
    adapter = _read_json(folder / _ADAPTER_CONFIG)
    return Encoder(adapter["base_model_name_or_path"], adapter.get("revision")) if adapter else None


def _read_json(path: Path) -> dict[str, Any]:
    """Return a JSON object; empty if there is no file. The model was loaded before, so the file is sound."""
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}
