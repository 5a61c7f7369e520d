"""Calls without a schedule: broadcasts, reductions and averages of arrays over the ranks."""

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Any, Callable, Generic, List, Literal, Optional, Tuple, Type, TypeVar

from . import _bfc
from ._bfc import Comm, Neighbours
from ._world import world

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

Result = TypeVar("Result")
Reduction = Literal["sum", "mean", "min", "max"]


class Pending(Generic[Result]):
    """Calls that go on beside other work; made by `Communicator.begin`."""

    def __init__(self, future: "Future[Result]") -> None:
        self._future = future

    def is_over(self) -> bool:
        """Whether they are over; does not wait."""
        return self._future.done()

    def finish(self) -> Result:
        """Waits until they are over, and gives what the function has returned, or raises what it has raised."""
        return self._future.result()


class Communicator:
    """This rank, for calls that need no schedule; made by `communicator`. A context manager, which closes it.

    Every call is collective: all ranks make the same calls in the same order. Each begins with a comparison of operation, type,
    length, root and edges; where ranks disagree, or the arguments of one are wrong, all ranks get an error at that call, nothing
    has moved, and the next call goes on.

    Arrays are numpy arrays, torch tensors or others with ``__dlpack__``, contiguous in memory of the CPU: of float64, float32,
    float16 or bfloat16, or of integers of 8 to 64 bits. A call works in place, or from ``x`` into another array ``into`` of the
    same type and length. Tensors that require a gradient are written as under `torch.no_grad`.
    """

    def __init__(self, calls: _bfc.Calls, rank: int, size: int) -> None:
        self._calls, self._rank, self._size = calls, rank, size
        self._beside: "Optional[ThreadPoolExecutor]" = None
        self._pending: "List[Future[Any]]" = []

    @property
    def rank(self) -> int:
        """This rank, in ``0..size``."""
        return self._rank

    @property
    def size(self) -> int:
        """The number of ranks."""
        return self._size

    @property
    def bytes_sent(self) -> int:
        """Bytes that this rank has sent, without headers and comparisons. Waits for what is pending."""
        return self._idle().bytes_sent

    def barrier(self) -> None:
        """Returns when all ranks have called it."""
        self._idle().barrier()

    def broadcast(self, x: Any, root: int = 0) -> None:
        """``x`` becomes that of rank ``root``.

        Raises:
            RunError: ``root`` is out of range, ranks disagree, or another rank ends or is late (``bfc::communicate::*``,
                ``bfc::execute::*``); so do all calls.
            ArrayError: this rank's array cannot be used (``bfc::array::*``); so do all calls. The other ranks get a `RunError`.
        """
        self._idle().broadcast(x, root)
        _wrote(x)

    def allreduce(
        self, x: Any, reduction: Reduction = "mean", *, into: Optional[Any] = None, fast: bool = False
    ) -> None:
        """The sum, mean, minimum or maximum over all ranks, element by element; there is no mean of integers.

        With ``fast``, MPI's own collective reduces float32 and float64 if the ranks have joined by MPI: in an order of its own, so
        that bits may differ, and without naming a rank that is late (``bfc::execute::collective``). Other types and engines ignore
        it. It is the same on all ranks.
        """
        self._idle().allreduce(x, reduction, into, fast)
        _wrote(x if into is None else into)

    def reduce_scatter(self, x: Any, reduction: Reduction = "mean", *, into: Optional[Any] = None) -> slice:
        """This rank's block of what `allreduce` computes; the other elements are unspecified.

        Returns:
            The block: elements ``rank·n // size`` to ``(rank + 1)·n // size`` of the flat array of ``n``.
        """
        block = slice(*self._idle().reduce_scatter(x, reduction, into))
        _wrote(x if into is None else into)
        return block

    def allgather(self, x: Any) -> List[Any]:
        """The arrays of all ranks, in order of rank, as new arrays. Their first dimensions may differ."""
        return self._idle().allgather(x)

    def all_to_all(self, x: Any, *, into: Optional[Any] = None) -> None:
        """Sends block j of ``x`` to rank j, and writes what rank i sends to block i. There are ``size`` blocks of one length."""
        self._idle().all_to_all(x, into)
        _wrote(x if into is None else into)

    def neighbor_allreduce(self, x: Any, neighbours: Neighbours, *, into: Optional[Any] = None) -> None:
        """``x ← self_weight · x + Σ weight · x of the source``, of floats."""
        self._idle().neighbor_allreduce(x, neighbours, into)
        _wrote(x if into is None else into)

    def neighbor_allgather(self, x: Any, neighbours: Neighbours) -> List[Any]:
        """The arrays of the sources, in the order of their ranks, as new arrays. Weights do not count; first dimensions may
        differ.
        """
        return self._idle().neighbor_allgather(x, neighbours)

    def pair_average(self, x: Any, partner: Optional[int], *, into: Optional[Any] = None) -> None:
        """The average with a partner, which names this rank; without one, ``x`` stays as it is."""
        self._idle().pair_average(x, partner, into)
        _wrote(x if into is None else into)

    def hierarchical_neighbor_allreduce(
        self, x: Any, machine: Tuple[int, int], neighbours: Neighbours, *, into: Optional[Any] = None
    ) -> None:
        """``x ← self_weight · m + Σ weight · m of the source``, where m is the mean of a machine's arrays, and neighbours are
        machines.

        Args:
            machine: the machine that this rank is on, and the number of machines.
        """
        self._idle().hierarchical_neighbor_allreduce(x, machine, neighbours, into)
        _wrote(x if into is None else into)

    def begin(self, calls: "Callable[[Communicator], Result]") -> "Pending[Result]":
        """Begins calls that go on beside other work: ``calls`` is called on a thread of the communicator, with what makes them.
        Calls that are made meanwhile come after them. Nobody else touches their arrays until `Pending.finish`.
        """
        if self._beside is None:
            # Its import takes longer than that of all the rest.
            from concurrent.futures import ThreadPoolExecutor

            self._beside = ThreadPoolExecutor(1, "bfc communicator")
        future = self._beside.submit(calls, Communicator(self._calls, self._rank, self._size))
        self._pending.append(future)
        return Pending(future)

    def close(self) -> None:
        """Waits for what is pending, and lets a machine or an optimizer use the exchange."""
        self._idle()
        if self._beside is not None:
            self._beside.shutdown()
        self._calls.close()

    def __enter__(self) -> "Communicator":
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], where: Optional[TracebackType]
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<bfc.Communicator rank {self._rank} of {self._size}>"

    def _idle(self) -> _bfc.Calls:
        """What makes calls, after those that are pending; how these have ended is for their `Pending` to say."""
        while self._pending:
            self._pending.pop(0).exception()
        return self._calls


def communicator(comm: Optional[Comm] = None) -> Communicator:
    """This rank's communicator, for calls without a schedule; all ranks make it together, and close it before they make a machine
    or an optimizer.

    Args:
        comm: the rank of `spmd`, in a function that it runs; by default this process, as `init` has joined it.

    ::

        with bfc.communicator() as comm:
            for parameter in model.parameters():
                comm.broadcast(parameter, root=0)

    Raises:
        RunError: before `init`; a machine, an optimizer or another communicator of this process is not closed.
        OptimizerError: the engine is ``"torch"``, whose group has calls of its own.
    """
    if comm is not None:
        return Communicator(comm._calls(), comm.rank, comm.size)
    joined = world()
    if not isinstance(joined, _bfc.World):
        raise _bfc.torch_error("no_communicator", "", "")
    return Communicator(_bfc.Calls(joined), joined.rank, joined.size)


def _wrote(array: Any) -> None:
    """Lets autograd know that an array has changed, if it is a tensor of torch."""
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(array, torch.Tensor) and not array.is_inference():
        torch.autograd.graph.increment_version(array)


for _class in (Communicator, Pending):
    _class.__module__ = "bfc"
