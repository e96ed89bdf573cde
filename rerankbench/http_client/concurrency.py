"""Several concurrent requests, and the time lost by failed attempts among them."""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable, Iterator, Sequence
from queue import Empty, SimpleQueue
from typing import TypeVar

from rerankbench.http_client.client import Stopped

Result = TypeVar("Result")


def in_flight(
    count: int, ask: Callable[[int, threading.Event], Result], concurrency: int
) -> Iterator[tuple[int, Result]]:
    """Results of `ask` for 0 to `count` − 1 as they arrive; `concurrency` run at once, in order.

    The first error is raised here. Stopping the iteration does not wait for running requests:
    the threads end with their attempt, or with the process.
    """
    todo: SimpleQueue[int] = SimpleQueue()
    for number in range(count):
        todo.put(number)
    results: SimpleQueue[tuple[int, Result] | Exception] = SimpleQueue()
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            try:
                number = todo.get_nowait()
                results.put((number, ask(number, stop)))
            except (Empty, Stopped):
                return
            except Exception as error:  # noqa: BLE001 - handed to the thread that listens
                results.put(error)
                return

    for _ in range(min(concurrency, count)):
        threading.Thread(target=work, name="rerankbench-http", daemon=True).start()
    try:
        for _ in range(count):
            result = results.get()
            if isinstance(result, Exception):
                raise result
            yield result
    finally:
        stop.set()


def wall_lost_s(kept_s: Sequence[float], failed_s: Sequence[float], concurrency: int) -> float:
    """Wall seconds that failed attempts cost `concurrency` parallel requests, started in order.

    It is how much longer they took than the same requests without failures.
    """
    whole_s = [kept + failed for kept, failed in zip(kept_s, failed_s, strict=True)]
    return max(0.0, _wall_s(whole_s, concurrency) - _wall_s(kept_s, concurrency))


def _wall_s(requests_s: Sequence[float], concurrency: int) -> float:
    """When the last request ends, if each starts as soon as a place is free."""
    free_s = [0.0] * concurrency
    for request_s in requests_s:
        heapq.heapreplace(free_s, free_s[0] + request_s)
    return max(free_s)
