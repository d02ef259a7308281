"""Notes in a card are kept, and a card that is not ours is not overwritten."""

from collections.abc import Callable

import pytest

from hf_newscls.errors import PublishError
from hf_newscls.report.card_notes import NOTES_END, NOTES_START, extract_notes
from tests.card_parts import CardParts

MakeParts = Callable[..., CardParts]


@pytest.mark.parametrize("card", ["", "\n", "---\nlicense: mit\n---\n", "---\nlicense: mit\n---\n\n \n"])
def test_empty_card_has_no_notes(card: str) -> None:
    assert extract_notes(card, repo_id="owner/name") == ""


@pytest.mark.parametrize("notes", ["", "We saw it fail on sports.", "# Own heading\n\n---\n\n{{ jinja }} <b>x</b>"])
def test_notes_come_back_from_a_rendered_card(notes: str, make_parts: MakeParts) -> None:
    card = make_parts().render(notes=notes)
    assert extract_notes(card, repo_id="owner/name") == notes


def test_notes_survive_an_update_of_the_card(make_parts: MakeParts) -> None:
    first = make_parts().render(notes="  Kept.\n")
    again = make_parts().render(notes=extract_notes(first, repo_id="owner/name"))
    assert extract_notes(again, repo_id="owner/name") == "Kept."


def test_notes_of_a_card_of_version_0_1_are_found() -> None:
    start = "<!-- notes: what stands between these two lines is kept when the card is written anew -->"
    assert extract_notes(f"# Title\n\n{start}\n\nKept.\n\n{NOTES_END}\n", repo_id="owner/name") == "Kept."


@pytest.mark.parametrize(
    ("card", "count"),
    [
        ("# Somebody's model", 0),
        ("---\nlicense: mit\n---\n\nText.", 0),
        (f"{NOTES_START}\nNo end.", 0),
        (f"{NOTES_START}{NOTES_END}\n{NOTES_START}{NOTES_END}", 2),
    ],
)
def test_card_without_one_section_of_notes_is_refused(card: str, count: int) -> None:
    with pytest.raises(PublishError, match=rf"^owner/name: README.md has {count} "):
        extract_notes(card, repo_id="owner/name")
