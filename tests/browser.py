"""A headless Chromium: the document, the console and a picture of a page."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

needs_browser = [
    pytest.mark.browser,
    pytest.mark.skipif(BROWSER is None, reason="needs a Chromium on the PATH"),
]


@dataclass(frozen=True)
class OpenedPage:
    """A page in the browser.

    Attributes:
        dom: the document after loading.
        messages: lines of the console.
    """

    dom: str
    messages: list[str]


def open_page(path: Path, *, home: Path) -> OpenedPage:
    """Open a file without a network."""
    ended = _run(path, "--dump-dom", "--enable-logging=stderr", "--host-resolver-rules=MAP * ~NOTFOUND", home=home)
    return OpenedPage(ended.stdout, re.findall(r"^.*CONSOLE.*$", ended.stderr, re.M))


def take_screenshot(path: Path, picture: Path, *, home: Path, is_dark: bool = False, width: int = 1200) -> None:
    """Write a picture of the page's first 2,000 pixels."""
    theme = ["--blink-settings=preferredColorScheme=0"] if is_dark else []
    size = f"--window-size={width},2000"
    _run(path, f"--screenshot={picture}", size, "--hide-scrollbars", *theme, home=home)


def print_page(path: Path, document: Path, *, home: Path) -> None:
    """Write the page as PDF."""
    _run(path, f"--print-to-pdf={document}", "--no-pdf-header-footer", home=home)


def _run(path: Path, *options: str, home: Path) -> subprocess.CompletedProcess[str]:
    command = [BROWSER or "chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={home}"]
    return subprocess.run(
        [*command, *options, path.absolute().as_uri()], capture_output=True, encoding="utf-8", check=True, timeout=120
    )
