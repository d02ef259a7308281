"""Check the libraries once, before the first work: those that are installed, and those that this process has loaded.

A notebook keeps the libraries that it has imported, also after `pip install` has replaced them on the disk. Then the
Trainer raises an ImportError that asks for the very library that is installed.
"""

import sys
from collections.abc import Iterable
from functools import cache
from importlib import metadata

from packaging.requirements import Requirement
from packaging.version import InvalidVersion, Version

from hf_newscls.errors import LibraryError

_DISTRIBUTION = "hf-newscls"
# Where the name of the module is not that of the distribution.
_MODULES = {"pillow": "PIL", "pyyaml": "yaml", "scikit-learn": "sklearn"}
_RESTART = "restart the session (Kaggle: Run, Restart session; Colab: Runtime, Restart session)"


@cache
def check_versions() -> None:
    """Refuse libraries that do not fit; what fits is not checked again.

    Raises:
        LibraryError: a library is missing or has the wrong version, or this process has loaded another version than
            the installed one; the message names the line to run.
    """
    needed = _read_requirements()
    wrong = {str(one): found for one in needed if (found := _find_wrong(one))}
    if wrong:
        names = " ".join(f"'{one}'" for one in wrong)
        raise LibraryError(f"{'; '.join(wrong.values())}; run `pip install {names}`, then {_RESTART}")
    stale = [*_find_stale(needed)]
    if stale:
        raise LibraryError(f"{'; '.join(stale)}; {_RESTART}, then run the cells again without the one that installs")


def _read_requirements() -> list[Requirement]:
    """Return what the package needs without its extras; nothing if it runs from a folder that is not installed."""
    try:
        lines = metadata.requires(_DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        return []
    found = map(Requirement, lines)
    return [one for one in found if one.marker is None or one.marker.evaluate({"extra": ""})]


def _find_wrong(needed: Requirement) -> str | None:
    try:
        version = metadata.version(needed.name)
    except metadata.PackageNotFoundError:
        return f"{needed.name} is not installed"
    fits = needed.specifier.contains(version, prereleases=True)
    return None if fits else f"{needed.name} {version} is installed, but {_DISTRIBUTION} needs {needed.specifier}"


def _find_stale(needed: Iterable[Requirement]) -> Iterable[str]:
    for name in (one.name for one in needed):
        module = sys.modules.get(_MODULES.get(name, name.replace("-", "_")))
        loaded, installed = getattr(module, "__version__", None), metadata.version(name)
        if isinstance(loaded, str) and not _is_same(loaded, installed):
            yield f"{name} {loaded} is loaded, but {installed} is installed"
    if "transformers" in sys.modules:
        from transformers.utils.import_utils import is_accelerate_available  # remembers its first answer

        if not is_accelerate_available():
            yield "transformers was loaded before accelerate was installed"


def _is_same(loaded: str, installed: str) -> bool:
    """Return whether two versions are one release; a build, such as +cpu, does not count.

    >>> _is_same("2.13.0", "2.13.0+cpu"), _is_same("0.34.2", "1.15.0"), _is_same("unknown", "1.0")
    (True, False, True)
    """
    try:
        return Version(loaded).base_version == Version(installed).base_version
    except InvalidVersion:
        return True
