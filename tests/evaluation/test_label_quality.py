"""The simple model finds labels that were changed, and labels with similar words."""

import itertools
import json
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hf_newscls.errors import InputError
from hf_newscls.evaluation.label_quality import LabelQuality, SuspiciousRows, assess_labels
from tests.conftest import LABELS


def assess(texts: list[str], labels: list[int], **changes: Any) -> LabelQuality:
    settings = {"label_names": [*LABELS], "groups": np.arange(len(texts)), "seed": 17} | changes
    return assess_labels(texts, labels, **settings)


@pytest.fixture
def news(news_rows: list[dict[str, str]]) -> tuple[list[str], list[int]]:
    """Texts and labels of the tiny news."""
    return [row["title"] for row in news_rows], [LABELS.index(row["category"]) for row in news_rows]


def test_changed_labels_are_found(news: tuple[list[str], list[int]]) -> None:
    texts, labels = news
    changed = {*range(5, 120, 12)}
    given = [(label + 1) % 3 if row in changed else label for row, label in enumerate(labels)]
    suspicious = assess(texts, given).suspicious
    # Some of the ten may be missed, but no right label is suspicious.
    assert {*suspicious.indices.tolist()} <= changed
    assert len(suspicious.indices) >= 6
    assert suspicious.given.tolist() == [given[row] for row in suspicious.indices]
    assert suspicious.suggested.tolist() == [labels[row] for row in suspicious.indices]
    assert (suspicious.suggested_probability > suspicious.given_probability).all()


def test_worst_labels_come_first(news: tuple[list[str], list[int]]) -> None:
    texts, labels = news
    given = [(label + 1) % 3 if row % 12 == 5 else label for row, label in enumerate(labels)]
    suspicious = assess(texts, given).suspicious
    margins = suspicious.given_probability - suspicious.suggested_probability
    assert margins.tolist() == sorted(margins)


def test_right_labels_are_not_suspicious(news: tuple[list[str], list[int]]) -> None:
    quality = assess(*news)
    assert quality.accuracy == 1
    assert quality.suspicious.indices.tolist() == []
    assert quality.count_suspicious().tolist() == [0, 0, 0]
    assert quality.rank_by_confusion() == []


def test_script_without_spaces_is_read_by_characters() -> None:
    # Each headline is one word without a second occurrence; its second character tells the label.
    labels = [index % 3 for index in range(60)]
    texts = [f"{chr(0x4E00 + index)}{'球股星'[label]}{chr(0x5E00 + index)}" for index, label in enumerate(labels)]
    assert assess(texts, labels).accuracy == 1


def test_duplicates_do_not_confirm_each_other(news: tuple[list[str], list[int]]) -> None:
    # Each text is there twice, and one pair has a wrong label on both rows. In different folds they would agree.
    texts, labels = [text for text in news[0] for _ in range(2)], [label for label in news[1] for _ in range(2)]
    given = [(label + 1) % 3 if row in {20, 21} else label for row, label in enumerate(labels)]
    groups = np.arange(240) // 2 * 2
    assert {*assess(texts, given, groups=groups).suspicious.indices.tolist()} == {20, 21}


def test_indices_of_a_sample_are_those_of_all_rows(news: tuple[list[str], list[int]]) -> None:
    texts, labels = news
    given = [(label + 1) % 3 if row % 12 == 5 else label for row, label in enumerate(labels)]
    quality = assess(texts, given, max_rows=60)
    assert (quality.rows, quality.rows_given) == (60, 120)
    assert quality.confusion.sum() == 60
    assert 0 < len(quality.suspicious.indices) <= 10
    assert {index % 12 for index in quality.suspicious.indices.tolist()} == {5}


def test_same_seed_gives_the_same_result(news: tuple[list[str], list[int]]) -> None:
    assert assess(*news, max_rows=60).to_dict() == assess(*news, max_rows=60).to_dict()


def build_quality(confusion: list[list[int]], similarities: NDArray[np.float64]) -> LabelQuality:
    nothing = np.zeros(0, dtype=np.int64)
    suspicious = SuspiciousRows(nothing, nothing, nothing, nothing.astype(float), nothing.astype(float))
    counts = np.array(confusion)
    rows, right = int(counts.sum()), int(np.trace(counts))
    return LabelQuality(["A", "B", "C"], rows, rows, 5, 17, right / rows, counts, similarities, suspicious)


def test_pairs_are_ranked_by_the_sum_of_both_fractions() -> None:
    # A as B 1 of 10, B as A 0 of 4; A as C 0, C as A 2 of 10; B as C 1 of 4, C as B 0.
    quality = build_quality([[9, 1, 0], [0, 3, 1], [2, 0, 8]], np.eye(3))
    pairs = quality.rank_by_confusion()
    assert [(pair.first, pair.second) for pair in pairs] == [("B", "C"), ("A", "C"), ("A", "B")]
    assert [(pair.first_as_second, pair.second_as_first) for pair in pairs] == [(0.25, 0), (0, 0.2), (0.1, 0)]
    assert [pair.confusion for pair in quality.rank_by_confusion(limit=1)] == [0.25]


def test_pairs_are_ranked_by_similarity() -> None:
    similarities = np.array([[1, 0.5, 0.9], [0.5, 1, 0.1], [0.9, 0.1, 1]])
    pairs = build_quality([[1, 0, 0], [0, 1, 0], [0, 0, 1]], similarities).rank_by_similarity()
    assert [(pair.first, pair.second, pair.similarity) for pair in pairs] == [
        ("A", "C", 0.9),
        ("A", "B", 0.5),
        ("B", "C", 0.1),
    ]


def test_labels_of_the_same_words_are_most_similar() -> None:
    words = ["storm rain", "storm rain", "goal match"]
    texts = [f"{words[index % 3]} {index}" for index in range(60)]
    quality = assess(texts, [0, 1, 2] * 20)
    best = quality.rank_by_similarity()[0]
    assert (best.first, best.second) == (LABELS[0], LABELS[1])
    assert quality.similarities.diagonal() == pytest.approx(np.ones(3))
    confused = quality.rank_by_confusion()[0]
    assert {confused.first, confused.second} == {LABELS[0], LABELS[1]}
    assert confused.confusion > 0.5


def test_small_label_is_not_always_predicted_as_the_largest() -> None:
    # Both small labels have the same words, which the large one lacks; one word is in all texts.
    texts = [f"news market {index % 7}" for index in range(200)] + ["news storm"] * 20
    quality = assess(texts, [0] * 200 + [1, 2] * 10)
    confused = quality.rank_by_confusion()[0]
    assert (confused.first, confused.second) == (LABELS[1], LABELS[2])
    assert quality.confusion[1:, 0].tolist() == [0, 0]


def test_label_of_one_row_is_accepted(news: tuple[list[str], list[int]]) -> None:
    # The model that holds it out does not know the label.
    quality = assess([*news[0], "zebra crossing"], [*news[1], 3], label_names=[*LABELS, "RARE"])
    assert quality.confusion.sum() == 121
    assert quality.confusion[3, 3] == 0


@pytest.mark.parametrize("texts", [["!", "?", "…", "!"], ["a", "b", "c", "d"], ["東京", "大阪", "東京で", "京都"]])
def test_texts_without_usual_words_are_accepted(texts: list[str]) -> None:
    quality = assess(texts, [0, 1, 0, 1], label_names=["A", "B"])
    assert quality.confusion.sum() == 4


@pytest.mark.parametrize("labels", [*itertools.product([0, 1], repeat=3)][1:-1])
def test_three_rows_are_enough(labels: tuple[int, ...]) -> None:
    quality = assess(["one storm", "two storms", "three"], [*labels], label_names=["A", "B"])
    assert (quality.rows, quality.folds) == (3, 2)


def test_one_article_is_refused() -> None:
    with pytest.raises(InputError, match=r"\b1 article\b"):
        assess(["a", "A"], [0, 1], groups=np.zeros(2, dtype=np.int64))


def test_result_can_be_written_as_json(news: tuple[list[str], list[int]]) -> None:
    content = json.loads(json.dumps(assess(*news).to_dict(), allow_nan=False))
    assert content["suspicious"] == {"rows": 0, "by_label": dict.fromkeys(LABELS, 0)}
    assert content["confusion"] == [[40, 0, 0], [0, 40, 0], [0, 0, 40]]
    assert len(content["most_similar"]) == 3
