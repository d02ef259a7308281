"""Imports point down only, never to a package of the same layer, and never in a circle."""

import ast
import graphlib
import importlib
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from tests.processes import run_python

PACKAGE = Path(__file__).parents[2] / "hf_newscls"
ROOT = "hf_newscls"

# From the bottom up. Packages of one layer do not import one another; the loose modules may.
LAYERS: Sequence[Sequence[str]] = (
    ("errors", "files", "storage", "distributed", "progress", "versions"),
    ("recipe",),
    ("data", "evaluation", "modeling", "runs"),
    ("training", "inference"),
    ("onnx_export",),
    ("report",),
    ("demo", "overview", "hub", "tuning"),
    ("comparison", "jobs"),
    ("workflow",),
    ("cli",),
    ("__main__",),
)
LOOSE_MODULES = LAYERS[0]
# The command line calls only these. What it imports for type checkers may come from any package.
CLI_IMPORTS = {"cli", "workflow", "recipe", *LOOSE_MODULES}
CLI_MODULES = {f"{ROOT}.evaluation.metric_names"}


def name_module(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_module(path): path for path in sorted(PACKAGE.rglob("*.py"))}
SOURCES = {module: path.read_text(encoding="utf-8") for module, path in MODULES.items()}
each_module = pytest.mark.parametrize("module", MODULES)


def find_imports(module: str, source: str, *, with_types: bool = True) -> set[str]:
    """Return the modules of the package that a module imports, at the top and inside functions.

    Args:
        module: its name.
        source: its code.
        with_types: whether imports under `if TYPE_CHECKING` count.
    """
    package = module if MODULES[module].name == "__init__.py" else module.rpartition(".")[0]
    tree = ast.parse(source)
    if not with_types:
        tree.body = [
            node for node in tree.body if not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
        ]
    found = set()
    for name in _iterate_names(tree, package):
        # `from package import name` imports a module or a name of a module.
        target = name if name in MODULES else name.rpartition(".")[0]
        if target.partition(".")[0] == ROOT and target != module:
            found.add(target)
    return found


def _iterate_names(tree: ast.AST, package: str) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*parents, *([node.module] if node.module else [])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def find_layer(module: str) -> int | None:
    """Return the layer of a module; None for the package itself, StopIteration for a module outside the table."""
    if module == ROOT:
        return None
    package = module.split(".")[1]
    return next(layer for layer, packages in enumerate(LAYERS) if package in packages)


@pytest.fixture(scope="module")
def imports() -> dict[str, set[str]]:
    """The imports of each module."""
    return {module: find_imports(module, source, with_types=module != ROOT) for module, source in SOURCES.items()}


def find_offences(imports: Mapping[str, set[str]]) -> list[str]:
    """Return the wrong imports, one line each."""
    offences = []
    for importer, imported in sorted((name, other) for name, others in imports.items() for other in others):
        own, other = find_layer(importer), find_layer(imported)
        if own is None:  # the package itself, which loads its exports on first use
            offences.append(f"{importer} must not import {imported}: every import runs it")
        elif other is None or importer.split(".")[1] == imported.split(".")[1]:
            continue
        elif other > own:
            offences.append(f"{importer} imports {imported}: up")
        elif other == own and LAYERS[own] != LOOSE_MODULES:
            offences.append(f"{importer} imports {imported}: sideways")
    try:
        # Without the package itself: importing a module of it imports it.
        graphlib.TopologicalSorter({name: others - {ROOT} for name, others in imports.items()}).prepare()
    except graphlib.CycleError as error:
        offences.append(f"in a circle: {' <- '.join(error.args[1])}")
    return offences


def test_table_names_every_module_once() -> None:
    named = sorted(name for packages in LAYERS for name in packages)
    found = {module.split(".")[1] for module in MODULES if module != ROOT}
    assert named == sorted(found)


def test_no_import_goes_up_sideways_or_in_a_circle(imports: dict[str, set[str]]) -> None:
    assert find_offences(imports) == []


def test_command_line_calls_only_the_workflow() -> None:
    imported = {
        f"{module} imports {other}"
        for module, source in SOURCES.items()
        if module.split(".")[1:2] == ["cli"]
        for other in find_imports(module, source, with_types=False) - {ROOT, *CLI_MODULES}
        if other.split(".")[1] not in CLI_IMPORTS
    }
    assert imported == set()


@pytest.mark.parametrize(
    ("module", "line", "offence"),
    [
        ("errors", "from hf_newscls.data.readers.rows import read_files", "imports hf_newscls.data.readers.rows: up"),
        ("data.sources.fetch", "import hf_newscls.modeling.heads", "imports hf_newscls.modeling.heads: sideways"),
        ("hub.staging", "from ..overview import page", "imports hf_newscls.overview.page: sideways"),
        ("workflow.training.train", "from hf_newscls import cli", "imports hf_newscls.cli: up"),
        ("errors", "from .recipe.recipe import Recipe", "in a circle: "),
        ("", "from hf_newscls import workflow", "must not import hf_newscls.workflow"),
    ],
)
@pytest.mark.parametrize("form", ["{}", "def use():\n    {}\n    return None"], ids=["top", "lazy"])
def test_wrong_import_is_found(module: str, line: str, offence: str, form: str, imports: dict[str, set[str]]) -> None:
    name = f"{ROOT}.{module}".rstrip(".")
    changed = find_imports(name, f"{SOURCES[name]}\n{form.format(line)}\n", with_types=False)
    found = find_offences(imports | {name: imports[name] | changed})
    assert [one for one in found if offence in one]


@pytest.mark.parametrize("module", [name for name, path in MODULES.items() if path.name == "__init__.py"])
def test_exports_are_sorted_and_there(module: str) -> None:
    package = importlib.import_module(module)
    exports = getattr(package, "__all__", [])
    assert exports == sorted({*exports})
    assert [name for name in exports if not hasattr(package, name)] == []


@each_module
def test_only_a_package_lists_its_exports(module: str) -> None:
    # In other modules, a name without an underscore is public.
    assert MODULES[module].name == "__init__.py" or "__all__" not in SOURCES[module]


@each_module
def test_what_other_modules_import_is_public(module: str) -> None:
    tree = ast.parse(SOURCES[module])
    private = [
        f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == ROOT
        for alias in node.names
        if alias.name.startswith("_") and not alias.name.startswith("__")
    ]
    assert private == []


PRINT_CHANGES = """
import logging, os, sys
def describe():
    logs = {"handlers": [*logging.root.handlers], "level": logging.root.level}
    return {**os.environ, **logs, "finders": [*sys.meta_path], "path": [*sys.path], "folder": os.getcwd()}
before = describe()
import hf_newscls
after = describe()
print([name for name in {**before, **after} if before.get(name) != after.get(name)], os.listdir())
"""


def test_importing_the_package_changes_nothing(tmp_path: Path) -> None:
    # Without the environment of this process, which has imported the package already.
    environment = {"PYTHONPATH": str(PACKAGE.parent), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", PRINT_CHANGES]
    result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, encoding="utf-8", check=False)
    assert (result.returncode, result.stdout) == (0, "[] []\n"), result.stderr


def test_importing_the_package_imports_none_of_its_modules(tmp_path: Path) -> None:
    code = "import sys, hf_newscls; print([name for name in sys.modules if name.startswith('hf_newscls.')])"
    result = run_python(code, cwd=tmp_path, home=tmp_path, environment={"PYTHONPATH": str(PACKAGE.parent)})
    assert (result.code, result.out) == (0, "[]\n"), result.err
