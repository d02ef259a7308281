"""The Hub's validation of a card's metadata before a commit."""

import re
from collections.abc import Iterator
from typing import Any

import yaml

from tests.hub_server.cards import HEAD, to_list
from tests.hub_server.messages import Request, Response

# One string, because the message lists them too.
_LICENSES = (
    "apache-2.0, mit, openrail, bigscience-openrail-m, creativeml-openrail-m, afl-3.0, artistic-2.0, bsl-1.0, "
    "bsd, bsd-2-clause, bsd-3-clause, bsd-3-clause-clear, c-uda, cc, cc0-1.0, cc-by-2.0, cc-by-3.0, cc-by-4.0, "
    "cc-by-sa-3.0, cc-by-sa-4.0, cc-by-nc-2.0, cc-by-nc-3.0, cc-by-nc-4.0, cc-by-nd-4.0, cc-by-nc-nd-4.0, "
    "cc-by-nc-sa-4.0, cdla-permissive-2.0, wtfpl, epl-2.0, eupl-1.2, agpl-3.0, gfdl, gpl, gpl-2.0, gpl-3.0, lgpl,"
    " lgpl-2.1, lgpl-3.0, isc, mpl-2.0, odc-by, odbl, osl-3.0, postgresql, ofl-1.1, ncsa, unlicense, zlib, pddl, "
    "llama2, llama3, llama3.1, llama3.2, llama3.3, gemma, unknown, other"
)
SDKS = ("gradio", "docker", "static")
_COLORS = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]+)*|code|multilingual|other")
_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?")


def validate_yaml(request: Request) -> Response:
    """Answer POST /api/validate-yaml: status 400 if there are errors; warnings do not count."""
    asked = request.read_json()
    errors, warnings = find_problems(asked["content"], kind=asked.get("repoType", "model"))
    problems = {"errors": [{"message": text} for text in errors], "warnings": [{"message": text} for text in warnings]}
    return Response.from_json(problems, status=400 if errors else 200)


def find_problems(text: str, *, kind: str) -> tuple[list[str], list[str]]:
    """Return the errors and the warnings for a card."""
    match = HEAD.match(text)
    if match is None:
        return [], ["empty or missing yaml metadata in repo card"]
    try:
        data = yaml.safe_load(match[1])
    except yaml.YAMLError as error:
        return [f"Invalid YAML: {' '.join(str(error).split())}"], []
    if not isinstance(data, dict):
        return ['"value" must be of type object'], []
    check = {"model": _check_model, "dataset": _check_dataset, "space": _check_space}[kind]
    errors = [*_check_common(data), *check(data)]
    return errors, []


def _check_common(data: dict[str, Any]) -> Iterator[str]:
    if any(name not in _LICENSES.split(", ") for name in to_list(data.get("license"))):
        yield f'"license" must be one of [{_LICENSES}]'
    if data.get("license") == "other" and not data.get("license_name"):
        yield '"license_name" is required when "license" is "other"'
    for index, code in enumerate(to_list(data.get("language"))):
        if not isinstance(code, str) or not _LANGUAGE.fullmatch(code):
            yield f'"language[{index}]" must only contain lowercase characters, two or three of them, got {code!r}'
    for name in ("tags", "datasets", "metrics"):
        if name in data and any(not isinstance(value, str) for value in to_list(data[name])):
            yield f'"{name}" must be an array of strings'


def _check_dataset(data: dict[str, Any]) -> Iterator[str]:
    for index, config in enumerate(to_list(data.get("configs"))):
        if not isinstance(config, dict) or not config.get("config_name"):
            yield f'"configs[{index}].config_name" is required'


def _check_space(data: dict[str, Any]) -> Iterator[str]:
    if data.get("sdk") not in SDKS:
        yield f'"sdk" must be one of [{", ".join(SDKS)}]'
    if len(str(data.get("short_description", ""))) > 60:
        yield '"short_description" length must be less than or equal to 60 characters long'
    for name in ("colorFrom", "colorTo"):
        if data.get(name, "red") not in _COLORS:
            yield f'"{name}" must be one of [{", ".join(sorted(_COLORS))}]'
    for name in ("sdk_version", "python_version"):
        if name in data and not isinstance(data[name], str):
            yield f'"{name}" must be a string'
    for value in to_list(data.get("models")):
        if not isinstance(value, str) or not _NAME.fullmatch(value):
            yield f'"models" with value "{value}" is not valid. Use a model id from https://hf.co/models.'


def _check_model(data: dict[str, Any]) -> Iterator[str]:
    for name in ("datasets", "base_model"):
        for value in to_list(data.get(name)):
            if not isinstance(value, str) or not _NAME.fullmatch(value):
                yield f'"{name}" with value "{value}" is not valid. Use a model id from https://hf.co/models.'
    index = data.get("model-index")
    if index is None:
        return
    if not isinstance(index, list):
        yield '"model-index" must be an array'
        return
    for number, model in enumerate(index):
        yield from _check_entry(model, f"model-index[{number}]", "name", "results")
        for row, result in enumerate(_take_list(model, "results")):
            yield from _check_result(result, f"model-index[{number}].results[{row}]")


def _check_result(result: Any, where: str) -> Iterator[str]:
    yield from _check_entry(result, where, "task", "dataset", "metrics")
    if not isinstance(result, dict):
        return
    if "task" in result:
        yield from _check_entry(result["task"], f"{where}.task", "type")
    if "dataset" in result:
        yield from _check_entry(result["dataset"], f"{where}.dataset", "name", "type")
    for index, metric in enumerate(_take_list(result, "metrics")):
        yield from _check_entry(metric, f"{where}.metrics[{index}]", "type", "value")


def _check_entry(entry: Any, where: str, *names: str) -> Iterator[str]:
    if not isinstance(entry, dict):
        yield f'"{where}" must be of type object'
        return
    yield from (f'"{where}.{name}" is required' for name in names if entry.get(name) is None)


def _take_list(entry: Any, name: str) -> list[Any]:
    found = entry.get(name) if isinstance(entry, dict) else None
    return found if isinstance(found, list) else []
