"""Any text in a card is shown as text: on one line, without markup."""

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from hf_newscls.report.markdown import escape_markdown, to_code, to_fence, to_link

# Markup at the start of a line, within a line, and in tables; right-to-left letters; line breaks.
PIECES = [
    *"`*_~#>+-=|!()[]{}<>&$\\.:1a \t\n\r\u2028\x85\u05d0\u202e\u2066",
    "---",
    "```",
    "<!--",
    "1. ",
    "&amp;",
    "http://e.org",
]
quick = settings(max_examples=40, deadline=None, derandomize=True)
texts = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)
ISOLATES = "\u2068\u2069"  # around right-to-left text


def parse(markdown: str) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(markdown)


def read_inline(token: Token) -> str:
    children = token.children or []
    assert {child.type for child in children} <= {"text", "text_special"}, [child.type for child in children]
    return "".join(child.content for child in children).strip(ISOLATES)


def to_one_line(text: str) -> str:
    """Return the expected text: white space is one space, direction marks are visible."""
    for mark in "\u202e\u2066":
        text = text.replace(mark, f"[U+{ord(mark):04X}]")
    return re.sub(r"[\x00-\x20\x7f-\x9f\u2028\u2029]+", " ", text).strip()


@quick
@given(texts)
@example("1. one")
@example("    indented")
@example("a\\|b")
def test_text_is_shown_as_written(text: str) -> None:
    escaped, shown = escape_markdown(text), to_one_line(text)
    kinds = {"paragraph": f"{escaped} x", "item": f"- {escaped} x", "heading": f"# {escaped} x"}
    for kind, markdown in kinds.items():
        blocks = [token.type for token in parse(markdown) if token.nesting == 1]
        expected = {"paragraph": ["paragraph_open"], "heading": ["heading_open"]}
        assert blocks == expected.get(kind, ["bullet_list_open", "list_item_open", "paragraph_open"])
        (inline,) = [token for token in parse(markdown) if token.type == "inline"]
        assert read_inline(inline).replace(ISOLATES[1], "") == f"{shown} x".strip()


@quick
@given(texts)
def test_text_stays_in_its_cell(text: str) -> None:
    escaped = escape_markdown(text)
    tokens = parse(f"| a | b |\n|---|---|\n| {escaped} | {escaped} |\n| 1 | 2 |\n")
    cells = [read_inline(token) for token in tokens if token.type == "inline"]
    assert cells == ["a", "b", to_one_line(text), to_one_line(text), "1", "2"]


@quick
@given(texts.filter(to_one_line))
def test_code_is_shown_as_written(text: str) -> None:
    (inline,) = [token for token in parse(f"in {to_code(text)}, x") if token.type == "inline"]
    before, code, after = inline.children
    assert (before.content, after.content) == ("in ", ", x")
    assert (code.type, code.content) == ("code_inline", to_one_line(text))


@quick
@given(texts)
def test_no_line_ends_a_code_block(text: str) -> None:
    tokens = parse(f"{to_fence(text, 'bibtex')}\n\nafter\n")
    assert [token.type for token in tokens] == ["fence", "paragraph_open", "inline", "paragraph_close"]


@quick
@given(texts)
def test_no_address_ends_a_link(text: str) -> None:
    (inline,) = [token for token in parse(f"[a](https://e.org/{to_link(text)}) b") if token.type == "inline"]
    assert [child.type for child in inline.children] == ["link_open", "text", "link_close", "text"]


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("\u05d0\u05d1 \u05d2", "\u2068\u05d0\u05d1 \u05d2\u2069"),
        ("a\u202egnp.exe", r"a\[U\+202E\]gnp.exe"),
        ("1.5", "1.5"),
        ("U.S. NEWS", "U.S. NEWS"),
    ],
)
def test_direction_and_numbers(text: str, escaped: str) -> None:
    assert escape_markdown(text) == escaped
