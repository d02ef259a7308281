"""The tree of errors, and the parts that messages have in common."""

import pickle
import signal

import pytest

from hf_newscls import errors
from hf_newscls.errors import (
    DataError,
    InputError,
    LibraryError,
    ModelError,
    NewsclsError,
    PublishError,
    RecipeError,
    RunError,
    SourceError,
    StorageError,
    TrainingInterrupted,
    format_duration,
    format_examples,
    shorten_text,
    suggest_name,
)


@pytest.mark.parametrize(
    ("error", "builtin", "exit_code"),
    [
        (InputError, ValueError, 2),
        (RecipeError, ValueError, 2),
        (SourceError, OSError, 2),
        (DataError, ValueError, 2),
        (ModelError, OSError, 2),
        (LibraryError, ImportError, 2),
        (RunError, ValueError, 2),
        (StorageError, OSError, 2),
        (PublishError, RuntimeError, 1),
    ],
)
def test_each_error_is_ours_and_the_matching_builtin(
    error: type[NewsclsError], builtin: type[Exception], exit_code: int
) -> None:
    raised = error("news.csv: no such file")
    assert isinstance(raised, NewsclsError)
    assert isinstance(raised, builtin)
    assert raised.exit_code == exit_code
    assert str(raised) == "news.csv: no such file"


def test_interrupted_training_has_the_exit_code_of_its_signal_in_every_process() -> None:
    error = pickle.loads(pickle.dumps(TrainingInterrupted("runs/tiny: interrupted", signal_number=signal.SIGTERM)))
    assert error.exit_code == 143


def test_publishing_errors_are_no_input_errors() -> None:
    assert not issubclass(PublishError, InputError)


def test_tree_in_the_docstring_names_every_error() -> None:
    ours = [name for name in vars(errors) if name.endswith("Error")]
    assert len(ours) == 11
    assert [name for name in ours if name not in (errors.__doc__ or "")] == []


@pytest.mark.parametrize(
    ("values", "limit", "expected"),
    [
        ([], 5, ""),
        (["a"], 5, "'a'"),
        (["a", None, 3], 5, "'a', None, 3"),
        (range(5), 5, "0, 1, 2, 3, 4"),
        (range(6), 5, "0, 1, 2, 3, 4, … (6 in all)"),
        (iter("abc"), 1, "'a', … (3 in all)"),
    ],
)
def test_examples_are_listed_up_to_a_limit(values: object, limit: int, expected: str) -> None:
    assert format_examples(values, limit=limit) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "known", "expected"),
    [
        ("titel", ["text", "title"], "title"),
        ("Title", ["titles", "title"], "title"),
        (" title", ["titles", "TITLE "], "TITLE "),
        ("learning_rat", ["learning_rate", "logging_steps"], "learning_rate"),
        ("xyz", ["title"], None),
        ("title", [], None),
        ("", ["title"], None),
    ],
)
def test_nearest_name_is_suggested(name: str, known: list[str], expected: str | None) -> None:
    assert suggest_name(name, known) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", ""), ("a  b\n c", "a b c"), ("12345", "12345"), ("123456", "1234…"), (ValueError("no\nway"), "no w…")],
)
def test_text_becomes_one_short_line(text: object, expected: str) -> None:
    assert shorten_text(text, limit=5) == expected


def test_text_is_cut_at_200_characters() -> None:
    assert shorten_text("x" * 200) == "x" * 200
    assert shorten_text("x" * 201) == "x" * 199 + "…"


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.4, "0 s"),
        (41.3, "41 s"),
        (119.4, "119 s"),
        (119.6, "2 min"),
        (671, "11 min"),
        (3569, "59 min"),
        (3571, "1 h 0 min"),
        (4800, "1 h 20 min"),
        (90_000, "25 h 0 min"),
    ],
)
def test_duration_is_rounded(seconds: float, expected: str) -> None:
    assert format_duration(seconds) == expected
