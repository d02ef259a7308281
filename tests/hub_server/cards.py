"""What the Hub derives from a repository's card and files: tags, library, task, metadata."""

import json
import re
from typing import Any

import yaml

from tests.hub_server.hub import format_date
from tests.hub_server.repositories import Repository, StoredFile

HEAD = re.compile(r"\A---[\r\n]+(.*?)[\r\n]+---[\r\n]", flags=re.DOTALL)
# Fields of a dataset's card that become tags, as in `language:en`.
_DATASET_FIELDS = ("task_categories", "task_ids", "language", "license", "size_categories", "multilinguality")
_TASKS = {
    "ForSequenceClassification": "text-classification",
    "ForTokenClassification": "token-classification",
    "ForMaskedLM": "fill-mask",
    "ForCausalLM": "text-generation",
    "Model": "feature-extraction",
}


def parse_card(text: str) -> dict[str, Any]:
    """Return the metadata at the head of a card; empty if it cannot be read."""
    match = HEAD.match(text)
    try:
        data = yaml.safe_load(match[1]) if match else None
    except yaml.YAMLError:
        return {}
    return json.loads(json.dumps(data, default=str)) if isinstance(data, dict) else {}


class Description:
    """The Hub's description of a repository at one commit."""

    def __init__(self, repo: Repository, commit: str) -> None:
        self._repo, self._commit = repo, commit
        self._files = {file.path: file for file in repo.list_files(commit)}
        self.card = parse_card(self._read("README.md"))
        config = parse_json(self._read("config.json"))
        self._model_type = config.get("model_type")
        self._architecture = next(iter(config.get("architectures") or []), "")

    def _read(self, path: str) -> str:
        file = self._files.get(path)
        return self._repo.read_content(file).decode("utf-8", "replace") if file else ""

    @property
    def library(self) -> str | None:
        """Return the card's library, or one derived from the files."""
        if self.card.get("library_name"):
            return str(self.card["library_name"])
        if "adapter_config.json" in self._files:
            return "peft"
        return "transformers" if self._model_type else None

    @property
    def task(self) -> str | None:
        """Return the card's task, or the task of the architecture."""
        ends = (task for end, task in _TASKS.items() if self._architecture.endswith(end))
        return self.card.get("pipeline_tag") or next(ends, None)

    @property
    def tags(self) -> list[str]:
        """Return the tags for the Hub's filters."""
        own = to_list(self.card.get("tags"))
        if self._repo.kind != "model":
            fields = [f"{name}:{value}" for name in _DATASET_FIELDS for value in to_list(self.card.get(name))]
            return list(dict.fromkeys([*fields, *own, "region:us"]))
        formats = {"safetensors"} if any(path.endswith(".safetensors") for path in self._files) else set()
        derived = [self.library, *formats, self._model_type, self.task, *own, *to_list(self.card.get("language"))]
        derived += [f"dataset:{name}" for name in to_list(self.card.get("datasets"))]
        derived += self._list_bases()
        derived += [f"license:{name}" for name in to_list(self.card.get("license"))]
        derived += ["model-index"] if self.card.get("model-index") else []
        return list(dict.fromkeys(tag for tag in [*derived, "region:us"] if tag))

    def _list_bases(self) -> list[str]:
        bases = to_list(self.card.get("base_model"))
        adapted = "adapter" if "adapter_config.json" in self._files else "finetune"
        relation = self.card.get("base_model_relation") or adapted
        return [f"base_model:{name}" for name in bases] + [f"base_model:{relation}:{name}" for name in bases]

    def list_siblings(self, *, blobs: bool = False) -> list[dict[str, Any]]:
        """Return the names of the files, with `blobs` also their sizes and ids."""
        return [describe_sibling(file) if blobs else {"rfilename": path} for path, file in self._files.items()]

    def list_evaluations(self) -> list[dict[str, Any]]:
        """Return the entries of .eval_results/."""
        paths = [path for path in self._files if re.fullmatch(r"\.eval_results/[^/]+\.ya?ml", path)]
        return [
            {"filename": path, "data": json.loads(json.dumps(entry, default=str))}
            for path in paths
            for entry in to_list(yaml.safe_load(self._read(path)))
        ]

    def to_json(self, *, blobs: bool = False) -> dict[str, Any]:
        """Return all fields; a route drops those that were not asked for."""
        repo = self._repo
        last = repo.git.read_log(self._commit)[0]
        fields = {
            "_id": f"{repo.created_at:024x}",
            "id": repo.id,
            "author": repo.owner,
            "sha": self._commit,
            "createdAt": format_date(repo.created_at),
            "lastModified": format_date(max(last.seconds, repo.created_at)),
            "private": repo.private,
            "gated": "auto" if repo.gated is True else repo.gated,
            "disabled": False,
            "downloads": 0,
            "likes": 0,
            "tags": self.tags,
            "cardData": self.card or None,
            "siblings": self.list_siblings(blobs=blobs),
            "usedStorage": sum(file.size for file in self._files.values()),
        }
        if repo.kind != "model":
            return fields
        extra: dict[str, Any] = {"modelId": repo.id, "library_name": self.library, "pipeline_tag": self.task}
        evaluations = self.list_evaluations()
        extra |= {"model-index": self.card.get("model-index"), "evalResults": evaluations or None}
        extra |= {"config": {"model_type": self._model_type, "architectures": [self._architecture]}}
        return fields | {name: value for name, value in extra.items() if value is not None}


def describe_sibling(file: StoredFile) -> dict[str, Any]:
    """Return a file's name, size and ids."""
    sibling: dict[str, Any] = {"rfilename": file.path, "blobId": file.blob_id, "size": file.size}
    if file.sha256:
        sibling["lfs"] = {"sha256": file.sha256, "size": file.size, "pointerSize": file.pointer_size}
    return sibling


def to_list(value: Any) -> list[Any]:
    """Return a value or a list as a list; None as an empty one."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def parse_json(text: str) -> dict[str, Any]:
    """Return a JSON object; empty if it cannot be read."""
    try:
        data = json.loads(text or "{}")
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}
