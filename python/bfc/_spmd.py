"""One function on many in-process ranks."""

import contextvars
import queue
import sys
import threading
import time
import traceback
from typing import Any, Callable, List, TypeVar

from . import _bfc
from ._errors import Error

Result = TypeVar("Result")

_POLL = 0.1
_GRACE = 1.0
_FRAMES = 8


def spmd(fn: Callable[..., Result], size: int, *args: Any, deadline: float = 300.0) -> List[Result]:
    """Run ``fn(comm, *args)`` on ``size`` in-process ranks, one thread each.

    Args:
        fn: what every rank runs; `Comm` gives the rank and makes trainers. Arrays that a rank trains on are its own:
            make them inside of ``fn``.
        size: the number of ranks, at least 1.
        deadline: the longest that a rank waits for another one, in seconds: in a step, and once ranks have ended, until
            the next one ends. Then `spmd` raises `RunError`.

    Returns:
        What ``fn`` returned, in the order of ranks.

    Raises:
        ArgumentError: an argument has a value that it cannot have.
        RunError: a rank is late; the message names it and shows where it is. Python cannot end its thread: it goes on
            until its next step, which fails.
        Exception: what the first rank to fail raised. The other ranks then get a `RunError` where they wait for it, so
            that none hangs.
    """
    if size < 1:
        raise _bfc.wrong_value("spmd", "size", repr(size), "expected a whole number of at least 1")
    ranks = _Ranks(fn, size, args, deadline)
    try:
        ranks.run()
    except BaseException as failure:
        ranks.stop(_reason(failure))
        raise
    if ranks.failures:
        raise ranks.cause()
    return ranks.results


class _Ranks:
    """The threads of one `spmd` and how they end."""

    def __init__(self, fn: Callable[..., Any], size: int, args: "tuple[Any, ...]", deadline: float) -> None:
        self.fn, self.size, self.args, self.deadline = fn, size, args, deadline
        self.group = _bfc.Group(size, deadline)
        self.results: "List[Any]" = [None] * size
        self.failures: "List[tuple[int, BaseException]]" = []
        self.ended: "queue.SimpleQueue[int]" = queue.SimpleQueue()
        self.running: "dict[int, threading.Thread]" = {}

    def run(self) -> None:
        """Returns once all ranks have ended, or soon after one has failed."""
        for rank in range(self.size):
            run = contextvars.copy_context().run
            thread = threading.Thread(target=run, args=(self.rank, rank), name=f"bfc rank {rank}", daemon=True)
            thread.start()
            self.running[rank] = thread
        limit = float("inf")
        while self.running and not self.failures:
            if not self.wait(limit):
                raise self.late()
            limit = self.deadline
        self.wait_all(_GRACE)
        for rank in list(self.running):
            self.group.leave(rank, "it was late")

    def rank(self, rank: int) -> None:
        """The life of one thread."""
        try:
            self.results[rank] = self.fn(self.group.comm(rank), *self.args)
        except BaseException as failure:
            self.failures.append((rank, failure))
            self.group.leave(rank, _reason(failure))
        else:
            self.group.leave(rank)
        finally:
            self.ended.put(rank)

    def wait(self, limit: float) -> bool:
        """Whether another rank ends within ``limit`` seconds. Waits in slices, so that every system hears an interrupt."""
        end = time.monotonic() + limit
        while True:
            try:
                ended = self.ended.get(timeout=max(0.0, min(_POLL, end - time.monotonic())))
                self.running.pop(ended, None)
                return True
            except queue.Empty:
                if time.monotonic() >= end:
                    return False

    def wait_all(self, limit: float) -> None:
        end = time.monotonic() + limit
        while self.running and self.wait(end - time.monotonic()):
            pass

    def stop(self, reason: str) -> None:
        for rank in range(self.size):
            self.group.leave(rank, reason)
        self.wait_all(_GRACE)

    def cause(self) -> BaseException:
        """The failure that the others follow from. Where ranks wait in vain for one that still runs, it is that one."""
        rank, first = next(filter(_is_cause, self.failures), self.failures[0])
        if self.running and getattr(first, "code", None) == "bfc::execute::deadline":
            late = self.late()
            late.__cause__ = first
            return late
        if hasattr(first, "add_note"):
            first.add_note(f"raised on rank {rank} of {self.size}")
            for other, thread in self.running.items():
                first.add_note(f"rank {other} still runs:\n{_stack(thread)}")
        return first

    def late(self) -> BaseException:
        return self.group.late([(rank, _stack(thread)) for rank, thread in sorted(self.running.items())])


def _stack(thread: threading.Thread) -> str:
    """Where a thread is, as a traceback shows it, without the lines that started it."""
    frame = sys._current_frames().get(thread.ident or 0)
    lines = traceback.extract_stack(frame) if frame else []
    own = [line for line in lines if line.filename not in (__file__, threading.__file__)]
    return "".join(traceback.format_list(own[-_FRAMES:])).rstrip()


def _reason(failure: BaseException) -> str:
    """What the other ranks learn of a failure."""
    if isinstance(failure, Error) and failure.code:
        return f"it raised {failure.code}"
    return f"it raised {type(failure).__name__}: {failure}"


def _is_cause(failure: "tuple[int, BaseException]") -> bool:
    """Whether it is not the mere consequence of another rank's failure."""
    consequences = ("bfc::execute::peer_failed", "bfc::execute::peer_left", "bfc::communicate::refused")
    return getattr(failure[1], "code", None) not in consequences
