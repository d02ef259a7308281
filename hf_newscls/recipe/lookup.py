"""Find recipes by name or path."""

from pathlib import Path

from hf_newscls.errors import RecipeError, suggest_fix


def find_recipes() -> dict[str, Path]:
    """Return the recipes that come with the package, by name, in alphabetical order."""
    # The wheel has them inside the package, a checkout at the top level.
    package = Path(__file__).parents[1]
    folder = next(path for path in (package / "recipes", package.parent / "recipes") if path.is_dir())
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def is_recipe_path(name_or_path: str) -> bool:
    """Return whether this is the path of a recipe, which ends in .yaml or .yml, and not a name."""
    return name_or_path.endswith((".yaml", ".yml"))


def find_recipe(name_or_path: str, *, child: Path | None = None) -> Path:
    """Return the file of a recipe, given by its name or by a path that ends in .yaml or .yml.

    If another recipe, the `child`, extends it, the folder of the child is searched first.

    Raises:
        RecipeError: there is no such recipe.
    """
    if child is not None:
        by_path, by_name = child.parent / name_or_path, child.parent / f"{name_or_path}.yaml"
        if by_path.is_file():
            return by_path
        # A user's recipe may extend the one of the same name that comes with the package.
        if by_name.is_file() and not by_name.samefile(child):
            return by_name
    if is_recipe_path(name_or_path):
        if Path(name_or_path).is_file():
            return Path(name_or_path)
        raise RecipeError(f"{name_or_path}: no such recipe file; check the path")
    recipes = find_recipes()
    if name_or_path in recipes:
        return recipes[name_or_path]
    hint = suggest_fix(name_or_path, [*recipes], otherwise="`hf-newscls recipes` lists them; a file ends in .yaml")
    raise RecipeError(f"no recipe {name_or_path!r}; {hint}")


def read_purpose(path: Path) -> str:
    """Return the first comment line of a recipe that does not name the schema; the recipe is not validated."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("#") and "yaml-language-server" not in line:
            return line.lstrip("# ").rstrip()
    return ""
