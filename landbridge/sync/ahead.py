"""One step ahead: the next page is fetched while this one is stored."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty, Queue
from threading import Event, Thread
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")


class _Handed(NamedTuple, Generic[T]):
    """One item, or what ended the source: its error, or nothing at all."""

    item: tuple[T] | None = None
    error: BaseException | None = None


@contextmanager
def ahead(source: Iterator[T]) -> Iterator[Iterator[T]]:
    """The same items and, at the same place, the same error; `source` runs in a thread of its own, two items ahead.

    At the end of the block nothing of `source` runs any more, unless the block was interrupted.
    """
    queue: Queue[_Handed[T]] = Queue(1)
    stopped = Event()
    # A daemon: who presses Ctrl-C does not want to wait for a slow server's answer first.
    thread = Thread(target=_run, args=(source, queue, stopped), name="landbridge-ahead", daemon=True)
    thread.start()
    patient = True
    try:
        yield _items(queue)
    except BaseException as error:
        patient = isinstance(error, Exception)
        raise
    finally:
        stopped.set()
        try:
            queue.get_nowait()  # makes room for the item that the thread may be holding out
        except Empty:
            pass
        if patient:
            thread.join()


def _run(source: Iterator[T], queue: Queue[_Handed[T]], stopped: Event) -> None:
    try:
        for item in source:
            queue.put(_Handed((item,)))
            if stopped.is_set():
                return
    except BaseException as error:  # whatever it is, it belongs to who asked
        queue.put(_Handed(error=error))
    else:
        queue.put(_Handed())


def _items(queue: Queue[_Handed[T]]) -> Iterator[T]:
    while True:
        handed = queue.get()
        if handed.error is not None:
            raise handed.error
        if handed.item is None:
            return
        yield handed.item[0]
