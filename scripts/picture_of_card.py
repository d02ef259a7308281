"""Take the picture of a model card that the README shows; needs Chromium and the extra `docs`.

python scripts/picture_of_card.py model_cards/quickstart.md docs/images/model_card.png
"""

import argparse
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from markdown import markdown

WIDTH, HEIGHT = 1100, 1000  # pixels
STYLE = """
body { max-width: 900px; margin: 32px auto; padding: 0 24px; background: #fff; color: #1f2937;
       font: 16px/1.6 system-ui, "Segoe UI", Roboto, "Liberation Sans", Arial, sans-serif; }
h1 { font-size: 30px; margin: 0 0 12px; } h2 { font-size: 22px; margin: 28px 0 8px; }
h2, h1 { border-bottom: 1px solid #e5e7eb; padding-bottom: 6px; }
table { border-collapse: collapse; margin: 12px 0; font-size: 15px; }
th, td { border: 1px solid #e5e7eb; padding: 5px 12px; } th { background: #f9fafb; text-align: left; }
code { background: #f3f4f6; border-radius: 4px; padding: 1px 5px; font-size: 14px; }
pre { background: #f9fafb; border: 1px solid #e5e7eb; border-radius: 8px; padding: 12px 16px; overflow: hidden; }
pre code { background: none; padding: 0; } a { color: #4f46e5; text-decoration: none; } img { max-width: 100%; }
"""


def main() -> None:
    """Render the card as the Hub does, and save its first screen."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("card", type=Path)
    parser.add_argument("picture", type=Path)
    options = parser.parse_args()
    text = re.sub(r"\A---\n.*?\n---\n", "", options.card.read_text(encoding="utf-8"), flags=re.DOTALL)
    body = markdown(text, extensions=["fenced_code", "tables"])
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "card.html"
        base = options.card.parent.resolve().as_uri()
        page.write_text(f'<meta charset="utf-8"><base href="{base}/"><style>{STYLE}</style>{body}', encoding="utf-8")
        take_picture(page, options.picture, profile=Path(folder) / "profile")


def take_picture(page: Path, picture: Path, *, profile: Path) -> None:
    """Save the first screen of a page as PNG."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    assert browser, "needs Chromium on the PATH"
    picture.parent.mkdir(parents=True, exist_ok=True)
    quiet = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
    shape = (f"--window-size={WIDTH},{HEIGHT}", "--hide-scrollbars", f"--user-data-dir={profile}")
    command = [browser, *quiet, *shape, f"--screenshot={picture.resolve()}", page.as_uri()]
    subprocess.run(command, check=True, capture_output=True, timeout=60)


if __name__ == "__main__":
    main()
