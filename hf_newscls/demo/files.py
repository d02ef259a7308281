"""Build the files of the page: the app, the packages it needs, and the card of a Space."""

import json
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version

from huggingface_hub import SpaceCardData

from hf_newscls.demo.settings import DemoSettings
from hf_newscls.demo.wording import select_words
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.report.card_metadata import TOOL_TAG
from hf_newscls.report.template import render_template

APP_FILE = "app.py"
"""Name of the app."""

GRADIO_VERSION = "6.31.0"
"""Version of gradio in a Space: the one that the tests run with. It need not be installed to publish."""

_PACKAGE = "hf_newscls.demo"
_SHORT_DESCRIPTION = 60  # characters that the Hub allows


def render_app(settings: DemoSettings) -> str:
    """Return the app, a Python file that needs none of our modules."""
    encoder = settings.encoder
    values = {
        **vars(settings),
        "encoder": encoder and encoder.repo_id,
        "encoder_revision": encoder and encoder.revision,
        "words": select_words(settings.language),
    }
    code = {name: to_python(value) for name, value in values.items()}
    return render_template(_PACKAGE, "templates/app.py.jinja", settings=settings, values=code)


def build_space_files(settings: DemoSettings, recipe: Recipe) -> Mapping[str, bytes]:
    """Return the files of a Space for a model on the Hub, by name; its packages have the versions of this machine."""
    files = {
        APP_FILE: render_app(settings),
        "requirements.txt": _list_packages(settings),
        "README.md": _render_card(settings, recipe),
    }
    return {name: content.encode() for name, content in files.items()}


def _list_packages(settings: DemoSettings) -> str:
    names = [
        "transformers",
        "torch",
        *(["peft"] if settings.encoder else []),
        *(["captum"] if settings.explain else []),
    ]
    # A build of torch for one device has a version such as 2.9.0+cpu, which the index lacks.
    pinned = [f"{name}=={version(name).partition('+')[0]}" for name in names]
    return "\n".join([f"gradio=={GRADIO_VERSION}", *pinned]) + "\n"


def _render_card(settings: DemoSettings, recipe: Recipe) -> str:
    data = SpaceCardData(
        title=settings.title,
        sdk="gradio",
        sdk_version=GRADIO_VERSION,
        python_version=f"{sys.version_info.major}.{sys.version_info.minor}",
        app_file=APP_FILE,
        license=recipe.hub.license,
        models=[settings.model],
        tags=[TOOL_TAG, "news", "text-classification"],
        short_description=f"Try the news classifier {recipe.name}"[:_SHORT_DESCRIPTION],
        pinned=False,
    )
    return render_template(_PACKAGE, "templates/space.md.jinja", metadata=data.to_yaml(), settings=settings)


def to_python(value: object, indent: str = "") -> str:
    r"""Return texts, numbers, lists and dictionaries as Python code, formatted as ruff does.

    >>> print(to_python({"en": ["a", "b\"c"], "de": None}))
    {
        "en": [
            "a",
            "b\"c",
        ],
        "de": None,
    }
    """
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    inner = indent + "    "
    if isinstance(value, Mapping):
        lines = [f"{inner}{to_python(key)}: {to_python(one, inner)},\n" for key, one in value.items()]
        return "{\n" + "".join(lines) + indent + "}"
    if isinstance(value, Sequence):
        lines = [f"{inner}{to_python(one, inner)},\n" for one in value]
        return "[\n" + "".join(lines) + indent + "]" if lines else "[]"
    return repr(value)
