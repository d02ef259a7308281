"""The section of a card that people write by hand; it is kept when the card is updated."""

import re

from huggingface_hub.repocard import REGEX_YAML_BLOCK

from hf_newscls.errors import PublishError

__all__ = ["NOTES_END", "NOTES_START", "extract_notes"]

NOTES_START = "<!-- notes: text between these two lines is kept when the card is updated -->"
"""The line before the section."""

NOTES_END = "<!-- end of notes -->"
"""The line after the section."""

# Cards of version 0.1 have other words after "notes:".
_SECTION = re.compile(rf"<!-- notes: [^>]* -->(.*?){re.escape(NOTES_END)}", flags=re.DOTALL)


def extract_notes(card: str, *, repo_id: str) -> str:
    """Return the notes of a published card, stripped; empty if there is no card yet.

    Args:
        card: the README.md on the Hub.
        repo_id: for the message.

    Raises:
        PublishError: the card is not ours, or one of the two lines is missing, so that an update would lose notes.
    """
    sections: list[str] = _SECTION.findall(card)
    if len(sections) == 1:
        return sections[0].strip()
    if not sections and not REGEX_YAML_BLOCK.sub("", card, count=1).strip():
        return ""
    raise PublishError(
        f"{repo_id}: README.md has {len(sections)} sections between {NOTES_START!r} and {NOTES_END!r}, expected 1; put "
        "these two lines around the text to keep, or push with --replace-card to lose it"
    )
