"""A child that dies before its n-th change of the disk, as by SIGKILL: nothing tidies up."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Iterator

# What Python tells before it does it. An open file may have been written in part by the next.
_CHANGES = {"open", "os.chmod", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "fcntl.flock"}
_KILLED, _FINISHED = 9, 0


def before_every_change(
    work: Callable[[], object], prepare: Callable[[], object]
) -> Iterator[int]:
    """Prepare, work in a child that dies before change 1, 2, 3 …; until the work gets done.

    Yields the number of each change before which it died, with the disk as it was then, and the
    last number a final time, with the work done.
    """
    number = 0
    while True:
        number += 1
        prepare()
        finished = _killed_before(number, work)
        yield number
        if finished:
            return


def _killed_before(number: int, work: Callable[[], object]) -> bool:
    with warnings.catch_warnings():
        # Python warns of forks where threads run; the child only writes files and ends.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        status = 1
        try:
            _die_before(number)
            work()
            status = _FINISHED
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in (_KILLED, _FINISHED), f"the work failed at change {number}"
    return code == _FINISHED


def _die_before(number: int) -> None:
    left = number

    def count(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal left
        if event in _CHANGES:
            left -= 1
            if left == 0:
                os._exit(_KILLED)

    sys.addaudithook(count)
