"""The section of a card that people write by hand: it stays when the card is written anew."""

import re

from huggingface_hub.repocard import REGEX_YAML_BLOCK

from hf_newscls.errors import PublishError

__all__ = ["NOTES_END", "NOTES_START", "extract_notes"]

NOTES_START = "<!-- notes: what stands between these two lines is kept when the card is written anew -->"
"""The line before the section."""

NOTES_END = "<!-- end of notes -->"
"""The line after the section."""

_SECTION = re.compile(rf"{re.escape(NOTES_START)}(.*?){re.escape(NOTES_END)}", flags=re.DOTALL)


def extract_notes(card: str, *, repo_id: str) -> str:
    """Return what was written by hand into a published card, stripped; empty where there is no card yet.

    Args:
        card: as it stands on the Hub.
        repo_id: for the message.

    Raises:
        PublishError: the card is not one of ours, or one of the two lines is gone: writing it anew would lose it.
    """
    found = _SECTION.findall(card)
    if len(found) == 1:
        return str(found[0]).strip()
    if not found and not REGEX_YAML_BLOCK.sub("", card, count=1).strip():
        return ""
    raise PublishError(
        f"{repo_id}: README.md must hold the lines {NOTES_START!r} and {NOTES_END!r} once, found them "
        f"{len(found)} times; put them around what must be kept, or push with --replace-card"
    )
