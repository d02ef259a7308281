"""Every shell line and every Python block of README and docs runs, or says why not."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.processes import build_environment

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(
    r"^(?:<!-- not run: (?P<reason>.*?) -->\n)?```(?P<kind>console|python)\n(?P<code>.*?)^```", re.M | re.S
)
# `make test` would run this test again, and CI calls it anyway.
NOT_REPEATED = "make test"


class Block(NamedTuple):
    """A fenced block of a page."""

    kind: str
    code: str
    reason: str | None


def find_blocks(page: Path) -> list[Block]:
    found = BLOCK.finditer(page.read_text(encoding="utf-8"))
    return [Block(block["kind"], block["code"], block["reason"]) for block in found]


def find_commands(block: Block) -> Iterator[str]:
    for line in block.code.splitlines():
        assert line.startswith("$ "), f"a console block holds commands only, not {line!r}"
        yield line.removeprefix("$ ")


def name_page(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=name_page)
def test_block_that_does_not_run_says_why(page: Path) -> None:
    reasons = [block.reason for block in find_blocks(page) if block.reason is not None]
    assert page.read_text(encoding="utf-8").count("<!-- not run") == len(reasons)
    assert [reason for reason in reasons if len(reason.split()) < 3] == []


@pytest.mark.parametrize("page", PAGES, ids=name_page)
def test_console_block_holds_commands(page: Path) -> None:
    for block in find_blocks(page):
        if block.kind == "console":
            assert [*find_commands(block)]


def test_readme_is_short() -> None:
    assert (ROOT / "README.md").stat().st_size < 9_000


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the files under version control, with this environment as its .venv."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    if listed.returncode != 0 or not (Path(sys.prefix) / ".installed").is_file():
        pytest.skip("needs a git checkout with the .venv that make builds")
    folder = tmp_path_factory.mktemp("checkout")
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    (folder / ".venv").symlink_to(sys.prefix)
    for name in ("pyproject.toml", "constraints.txt"):  # older than the environment: make installs nothing into it
        os.utime(folder / name, (0, 0))
    return folder


@pytest.mark.docs
@pytest.mark.parametrize("page", PAGES, ids=name_page)
def test_blocks_run(page: Path, checkout: Path) -> None:
    environment = build_environment(checkout.parent / "home", PATH=f"{sys.prefix}/bin{os.pathsep}{os.environ['PATH']}")
    for name in ("MAKEFLAGS", "MAKEOVERRIDES", "ARGS"):  # of the make that runs this test
        environment.pop(name, None)
    for block in find_blocks(page):
        if block.reason is not None:
            continue
        if block.kind == "python":
            command = [sys.executable, "-c", block.code]
        else:
            commands = (line for line in find_commands(block) if line.partition("#")[0].strip() != NOT_REPEATED)
            command = ["bash", "-ec", "\n".join(commands)]
        ended = subprocess.run(
            command, cwd=checkout, env=environment, capture_output=True, encoding="utf-8", check=False, timeout=600
        )
        assert ended.returncode == 0, f"{block.code}\n{ended.stdout[-2000:]}\n{ended.stderr[-2000:]}"
