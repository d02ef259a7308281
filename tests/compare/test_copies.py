"""A run and what was published of it are one model: one line, and no test of a model against itself."""

import numpy as np
import pytest

from hf_newscls.compare.copies import merge_copies
from hf_newscls.compare.leaderboard import Entry, rank_entries
from hf_newscls.compare.pairwise_tests import compare_pairs, has_same_answers
from tests.compare.board_parts import TWO, answer, entry


def run(name: str, right: int, **options: str) -> Entry:
    return entry(name, right / 20, origin="local run", predictions=answer(right), **options)


def published(name: str, right: int, **options: str) -> Entry:
    return entry(name, right / 20, predictions=answer(right), **options)


def test_run_gives_way_to_what_was_published_of_it() -> None:
    merged = merge_copies([run("tiny/one", 14), published("owner/tiny", 14), run("tiny/two", 15)])
    assert [(one.name, one.copies) for one in merged] == [("owner/tiny", ["tiny/one"]), ("tiny/two", ())]
    assert merged[0].notes == ["published from tiny/one"]
    assert merged[0].is_own


@pytest.mark.parametrize(
    "others", [[published("owner/x", 13)], [published("owner/x", 14, split=TWO)], [run("tiny/copy", 14)], []]
)
def test_run_without_a_published_copy_stays(others: list[Entry]) -> None:
    names = [one.name for one in merge_copies([run("tiny/one", 14), *others])]
    assert names == ["tiny/one", *(one.name for one in others)]


def test_labels_in_another_order_are_the_same_answers() -> None:
    given = answer(14)
    turned = answer(14, labels=given.label_names[::-1])
    turned = type(turned)(given.rows, turned.label_names, 1 - given.references, np.flip(given.probabilities, axis=1))
    assert has_same_answers(given, turned)
    assert not has_same_answers(given, answer(13))


@pytest.mark.parametrize("metric", ["accuracy", "f1_macro"])
def test_copies_make_no_test_harder_to_pass(metric: str) -> None:
    alone = compare_pairs({"good": answer(18), "bad": answer(8)}, metric=metric, seed=0)
    copied = compare_pairs({"good": answer(18), "again": answer(18), "bad": answer(8)}, metric=metric, seed=0)
    assert [(pair.first, pair.second) for pair in copied] == [("good", "bad"), ("again", "bad")]
    assert alone[0].adjusted_p_value == pytest.approx(alone[0].p_value)


def test_split_of_a_published_run_comes_first() -> None:
    board = rank_entries(
        merge_copies([run("tiny/one", 14), published("owner/tiny", 14), *(published(n, 9, split=TWO) for n in "abc")]),
        metric="accuracy",
    )
    assert [row.entry.name for row in board.tables[0].rows] == ["owner/tiny"]
