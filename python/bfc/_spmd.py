"""One function on many in-process ranks."""

import contextvars
import threading
from typing import Any, Callable, List, Optional, TypeVar

from . import _bfc
from ._errors import Error

Result = TypeVar("Result")

_POLL = 0.1
_GRACE = 5.0


def spmd(fn: Callable[..., Result], size: int, *args: Any, deadline: float = 300.0) -> List[Result]:
    """Run ``fn(comm, *args)`` on ``size`` in-process ranks, one thread each.

    Args:
        fn: what every rank runs; `Comm` tells the rank and makes trainers. Arrays that a rank trains on are its own:
            make them inside of ``fn``.
        size: the number of ranks, at least 1.
        deadline: the longest that a rank waits for another one, in seconds; then all raise `RunError`.

    Returns:
        What ``fn`` returned, in the order of ranks.

    Raises:
        Exception: what the first rank to fail raised. The other ranks then get a `RunError` where they wait for it, so
            that none hangs.
    """
    if size < 1:
        raise ValueError(f"expected at least 1 rank, found {size}")
    group = _bfc.Group(size, deadline)
    results: "List[Any]" = [None] * size
    failures: "List[tuple[int, BaseException]]" = []

    def run(rank: int) -> None:
        try:
            results[rank] = fn(group.comm(rank), *args)
        except BaseException as failure:
            failures.append((rank, failure))
            group.leave(rank, _reason(failure))
        else:
            group.leave(rank)

    contexts = [contextvars.copy_context() for _ in range(size)]
    threads = [
        threading.Thread(target=context.run, args=(run, rank), name=f"bfc rank {rank}", daemon=True)
        for rank, context in enumerate(contexts)
    ]
    try:
        for thread in threads:
            thread.start()
        _join(threads)
    except BaseException as failure:
        for rank in range(size):
            group.leave(rank, _reason(failure))
        _join(threads, _GRACE)
        raise
    if failures:
        rank, first = next(filter(_is_cause, failures), failures[0])
        if hasattr(first, "add_note"):
            first.add_note(f"raised on rank {rank} of {size}")
        raise first
    return results


def _reason(failure: BaseException) -> str:
    """What the other ranks are told."""
    if isinstance(failure, Error) and failure.code:
        return f"it raised {failure.code}"
    return f"it raised {type(failure).__name__}: {failure}"


def _is_cause(failure: "tuple[int, BaseException]") -> bool:
    """Whether it is not the mere consequence of another rank's failure."""
    return getattr(failure[1], "code", None) not in ("bfc::runtime::peer_failed", "bfc::runtime::peer_left")


def _join(threads: "List[threading.Thread]", limit: Optional[float] = None) -> None:
    """Waits in short slices, so that an interrupt is heard at once on every system."""
    remaining = float("inf") if limit is None else limit
    for thread in threads:
        while thread.is_alive() and thread.ident is not None and remaining > 0:
            thread.join(_POLL)
            remaining -= _POLL
