"""Pack this package, as it is imported here, into a wheel.

`pip wheel` needs a checkout and the build tools. This needs neither, so an installed package can send itself too.
"""

import hashlib
import zipfile
from base64 import urlsafe_b64encode
from importlib.metadata import distribution
from pathlib import Path

from hf_newscls import __version__

DISTRIBUTION = "hf-newscls"
_PACKAGE = Path(__file__).parents[1]
_WHEEL = "Wheel-Version: 1.0\nGenerator: hf-newscls\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
_DATE = (1980, 1, 1, 0, 0, 0)  # equal files give equal bytes


def build_wheel(folder: Path) -> Path:
    """Write the wheel of this package into a folder; the same code gives the same bytes."""
    contents = {f"{_PACKAGE.name}/{name}": path.read_bytes() for name, path in _list_files().items()}
    info = f"hf_newscls-{__version__}.dist-info"
    for name, text in _describe_distribution().items():
        contents[f"{info}/{name}"] = text.encode()
    record = [f"{name},sha256={_digest(content)},{len(content)}" for name, content in contents.items()]
    contents[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,", ""]).encode()
    path = folder / f"hf_newscls-{__version__}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        for name, content in contents.items():
            wheel.writestr(zipfile.ZipInfo(name, _DATE), content, zipfile.ZIP_DEFLATED)
    return path


def find_constraints() -> Path:
    """Return the file of the pinned versions: the wheel has it inside the package, a checkout at the top level."""
    return next(path for path in (_PACKAGE / "constraints.txt", _PACKAGE.parent / "constraints.txt") if path.is_file())


def _list_files() -> dict[str, Path]:
    """Return the files of the package by their path in it; those at the top level of a checkout move into it."""
    files = {"constraints.txt": find_constraints()}
    if not (_PACKAGE / "recipes").is_dir():
        recipes = _PACKAGE.parent / "recipes"
        files |= {f"recipes/{path.name}": path for path in sorted(recipes.iterdir()) if path.is_file()}
    inside = (path for path in sorted(_PACKAGE.rglob("*")) if path.is_file() and "__pycache__" not in path.parts)
    return files | {path.relative_to(_PACKAGE).as_posix(): path for path in inside}


def _describe_distribution() -> dict[str, str]:
    found = distribution(DISTRIBUTION)
    texts = {name: found.read_text(name) or "" for name in ("METADATA", "entry_points.txt")}
    # A checkout that was not installed again after a release still says the version before.
    lines = texts["METADATA"].split("\n")
    lines = [f"Version: {__version__}" if line.startswith("Version: ") else line for line in lines]
    return {"METADATA": "\n".join(lines), "entry_points.txt": texts["entry_points.txt"], "WHEEL": _WHEEL}


def _digest(content: bytes) -> str:
    return urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
