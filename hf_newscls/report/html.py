"""Show a page of this package in the output of a notebook cell."""

from dataclasses import dataclass
from html import escape
from pathlib import Path


@dataclass(frozen=True)
class PageFrame:
    """An HTML page, which a notebook shows in a frame.

    Attributes:
        path: the file.
    """

    path: Path

    def _repr_html_(self) -> str:
        # The page itself, not its address: Kaggle and Colab serve no files next to a notebook.
        page = escape(self.path.read_text(encoding="utf-8"))
        return f'<iframe srcdoc="{page}" sandbox="" style="width: 100%; height: 45em; border: 1px solid #ccc"></iframe>'
