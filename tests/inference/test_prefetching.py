"""Reading ahead keeps the order, loses nothing, and raises what the items raise."""

from collections.abc import Iterable, Iterator
from threading import Event

import pytest

from hf_newscls.inference.prefetching import prefetch, take_available


def fail_after(items: str) -> Iterator[str]:
    yield from items
    raise OSError("the disk is gone")


def collect(items: Iterable[Iterable[str]], found: list[str]) -> None:
    for item in items:
        found += item


def test_next_item_is_prepared_while_one_is_used() -> None:
    is_prepared = Event()

    def prepare() -> Iterator[int]:
        yield 1
        is_prepared.set()
        yield 2

    items = prefetch(prepare())
    assert next(items) == 1
    assert is_prepared.wait(timeout=10)
    assert [*items] == [2]


def test_error_comes_where_its_item_would() -> None:
    found: list[str] = []
    with pytest.raises(OSError, match="gone"):
        collect(prefetch(fail_after("ab")), found)
    assert found == ["a", "b"]


def test_answer_comes_before_the_next_line_is_typed() -> None:
    is_answered = Event()

    def type_lines() -> Iterator[str]:
        yield "first"
        assert is_answered.wait(timeout=10)
        yield "second"

    batches = take_available(type_lines(), limit=8)
    assert next(batches) == ["first"]
    is_answered.set()
    assert [*batches] == [["second"]]


@pytest.mark.parametrize("limit", [1, 3, 100])
def test_all_lines_come_once_and_in_order(limit: int) -> None:
    batches = [*take_available(range(50), limit=limit)]
    assert [item for batch in batches for item in batch] == [*range(50)]
    assert all(1 <= len(batch) <= limit for batch in batches)


def test_error_comes_after_the_lines_before_it() -> None:
    found: list[str] = []
    with pytest.raises(OSError, match="gone"):
        collect(take_available(fail_after("ab"), limit=2), found)
    assert found == ["a", "b"]
