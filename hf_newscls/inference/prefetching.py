"""Read ahead in a thread, while what was read before is used."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, Queue
from threading import Thread
from typing import Any, TypeVar

Item = TypeVar("Item")


def prefetch(items: Iterator[Item]) -> Iterator[Item]:
    """Yield the items in their order; one more is prepared in a thread. An error comes where its item would.

    >>> list(prefetch(iter("abc")))
    ['a', 'b', 'c']
    """
    end = object()
    with ThreadPoolExecutor(1) as thread:
        following = thread.submit(next, items, end)
        while (item := following.result()) is not end:
            following = thread.submit(next, items, end)
            yield item  # type: ignore[misc] # the mark of the end is no item


def take_available(items: Iterable[Item], *, limit: int) -> Iterator[list[Item]]:
    """Yield the items that have come since the last time, at least one and at most `limit`, in their order.

    So the answer to a line that someone types comes at once, and a long file is read in large batches. An error comes
    after the items before it.

    >>> [item for batch in take_available("abc", limit=2) for item in batch]
    ['a', 'b', 'c']
    """
    found: Queue[tuple[list[Item], Any]] = Queue(maxsize=limit)  # items, and whether or how they end
    # A daemon: nothing can interrupt a thread that waits for a line.
    Thread(target=_fill, args=(items, found), daemon=True).start()
    end = None
    while end is None:
        batch, end = found.get()
        while end is None and len(batch) < limit:
            try:
                item, end = found.get_nowait()
            except Empty:
                break
            batch += item
        if batch:
            yield batch
    if isinstance(end, BaseException):
        raise end


def _fill(items: Iterable[Item], found: "Queue[tuple[list[Item], Any]]") -> None:
    try:
        for item in items:
            found.put(([item], None))
    except Exception as error:  # raised again in the thread that uses the items
        found.put(([], error))
    else:
        found.put(([], True))
