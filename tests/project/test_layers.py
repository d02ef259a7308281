"""Imports point down only, never to a package of the same layer, and never in a circle."""

import ast
import graphlib
import importlib
import inspect
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "hf_newscls"
ROOT = "hf_newscls"

# From the bottom up. Packages of one layer do not import one another; the four loose modules may.
LAYERS: Sequence[Sequence[str]] = (
    ("errors", "files", "storage", "distributed"),
    ("recipe",),
    ("data", "evaluation", "modeling", "runs"),
    ("training", "inference"),
    ("report",),
    ("overview", "hub"),
    ("compare",),
    ("workflow",),
    ("cli",),
    ("__main__",),
)
LOOSE_MODULES = LAYERS[0]
# Every import of the package runs its __init__, so it may import only this; it loads what it exports on first use.
INIT_IMPORTS = {"hf_newscls.modeling.registration"}
# The command line calls only these packages. What it imports for type checkers may come from any package.
CLI_IMPORTS = {"cli", "workflow", "recipe", *LOOSE_MODULES}


def name_module(path: Path, root: Path = PACKAGE) -> str:
    parts = path.relative_to(root.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def find_modules(root: Path = PACKAGE) -> dict[str, Path]:
    return {name_module(path, root): path for path in sorted(root.rglob("*.py"))}


MODULES = find_modules()
each_module = pytest.mark.parametrize("module", MODULES)


def find_imports(path: Path, modules: Mapping[str, Path], *, with_types: bool = True) -> set[str]:
    """Return the modules of the package that a file imports, at the top and inside functions.

    Args:
        path: of the file.
        modules: all modules, by name.
        with_types: whether imports under `if TYPE_CHECKING` count.
    """
    module = next(name for name, file in modules.items() if file == path)
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    found = set()
    for name in _iterate_names(_parse(path, with_types=with_types), package):
        # `from package import name` imports a module or a name of a module.
        target = name if name in modules else name.rpartition(".")[0]
        if target.partition(".")[0] == ROOT and target != module:
            found.add(target)
    return found


def _parse(path: Path, *, with_types: bool) -> ast.Module:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    if not with_types:
        tree.body = [
            node for node in tree.body if not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
        ]
    return tree


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


def find_offences(modules: Mapping[str, Path]) -> list[str]:
    """Return the wrong imports of a package, one line each."""
    offences = []
    graph = {name: find_imports(path, modules, with_types=name != ROOT) for name, path in modules.items()}
    for importer, imported in sorted((name, other) for name, others in graph.items() for other in others):
        own, other = find_layer(importer), find_layer(imported)
        if own is None:
            if imported not in INIT_IMPORTS:
                offences.append(f"{importer} must not import {imported}: every import runs it")
        elif other is None or importer.split(".")[1] == imported.split(".")[1]:
            continue
        elif other > own:
            offences.append(f"{importer} imports {imported}: up")
        elif other == own and LAYERS[own] != LOOSE_MODULES:
            offences.append(f"{importer} imports {imported}: sideways")
    try:
        # Without the package itself: importing a module of it imports it.
        graphlib.TopologicalSorter({name: others - {ROOT} for name, others in graph.items()}).prepare()
    except graphlib.CycleError as error:
        offences.append(f"in a circle: {' <- '.join(error.args[1])}")
    return offences


def test_table_names_every_module_once() -> None:
    named = sorted(name for packages in LAYERS for name in packages)
    found = {module.split(".")[1] for module in MODULES if module != ROOT}
    assert named == sorted(found)


def test_no_import_runs_up_sideways_or_in_a_circle() -> None:
    assert find_offences(MODULES) == []


def test_command_line_calls_only_the_workflow() -> None:
    imported = {
        f"{module} imports {other}"
        for module, path in MODULES.items()
        if module.split(".")[1:2] == ["cli"]
        for other in find_imports(path, MODULES, with_types=False) - {ROOT}
        if other.split(".")[1] not in CLI_IMPORTS
    }
    assert imported == set()


@pytest.mark.parametrize(
    ("path", "line", "offence"),
    [
        (
            "errors.py",
            "from hf_newscls.data.readers.rows import read_rows",
            "hf_newscls.errors imports hf_newscls.data.readers.rows: up",
        ),
        (
            "data/sources.py",
            "import hf_newscls.modeling.heads",
            "hf_newscls.data.sources imports hf_newscls.modeling.heads: sideways",
        ),
        (
            "hub/staging.py",
            "from ..overview import page",
            "hf_newscls.hub.staging imports hf_newscls.overview.page: sideways",
        ),
        ("workflow.py", "from hf_newscls import cli", "hf_newscls.workflow imports hf_newscls.cli: up"),
        ("errors.py", "from .recipe.recipe import Recipe", "in a circle: "),
        ("__init__.py", "from hf_newscls import workflow", "hf_newscls must not import hf_newscls.workflow"),
    ],
)
@pytest.mark.parametrize(
    "form",
    [
        pytest.param("{}", marks=pytest.mark.slow, id="top"),
        pytest.param("def use():\n    {}\n    return None", id="lazy"),
    ],
)
def test_offence_would_be_found(path: str, line: str, offence: str, form: str, tmp_path: Path) -> None:
    root = tmp_path / ROOT
    for name, source in MODULES.items():
        copied = root / source.relative_to(PACKAGE)
        copied.parent.mkdir(parents=True, exist_ok=True)
        copied.write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
        assert name_module(copied, root) == name
    with (root / path).open("a", encoding="utf-8") as stream:
        stream.write("\n" + form.format(line) + "\n")
    assert [found for found in find_offences(find_modules(root)) if found.startswith(offence)]


@each_module
def test_all_names_what_is_there(module: str) -> None:
    if module == f"{ROOT}.__main__":
        pytest.skip("runs when it is imported")
    imported = importlib.import_module(module)
    if MODULES[module].name == "__init__.py" and not _find_public_names(module):
        return
    assert sorted(imported.__all__) == [*dict.fromkeys(sorted(imported.__all__))]
    missing = [name for name in imported.__all__ if not hasattr(imported, name)]
    assert missing == []


def _find_public_names(module: str) -> list[str]:
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    return [node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name[0] != "_"]


@each_module
def test_what_other_modules_import_is_public(module: str) -> None:
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    private = [
        f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == ROOT
        for alias in node.names
        if alias.name.startswith("_") and not alias.name.startswith("__")
    ]
    assert private == []


@each_module
def test_everything_public_has_a_docstring(module: str) -> None:
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    bare = [name for name, node in _iterate_public(tree) if not ast.get_docstring(node)]
    assert ast.get_docstring(tree), "the module needs one"
    assert bare == []


def _iterate_public(
    tree: ast.Module | ast.ClassDef, prefix: str = ""
) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield prefix + node.name, node
            if isinstance(node, ast.ClassDef):
                yield from _iterate_public(node, f"{node.name}.")


def test_importing_the_package_changes_nothing() -> None:
    # It may only prepare the registration with transformers; see hf_newscls/modeling/registration.py.
    source = inspect.getsource(importlib.import_module(ROOT))
    calls = [ast.unparse(node) for node in ast.parse(source).body if isinstance(node, ast.Expr)][1:]
    assert calls == ["register_when_imported()"]
