"""The group of processes that this one belongs to."""

from typing import Any, Mapping, Optional

from . import _bfc
from ._bfc import Machine, Schedule

_world: Optional[_bfc.World] = None


def init(*, deadline: float = 300.0) -> None:
    """Join the ranks that a launcher has started: ``bfc launch``, ``torchrun``, ``mpirun`` or ``srun``.

    Ranks of one machine exchange over shared memory, ranks of several machines over TCP. A process that no launcher has
    started is the only rank. Returns when all ranks are there; does nothing where they are joined already.

    Args:
        deadline: the longest that this rank waits for another one, here and in every exchange, in seconds.

    Raises:
        ArgumentError: the deadline is not a number of seconds.
        RunError: the launcher's variables are incomplete or contradict each other, or a rank does not come
            (``bfc::world::*``).
    """
    global _world
    if _world is None:
        _world = _bfc.World(deadline)


def shutdown() -> None:
    """Leave the group, once no optimizer or machine uses it any more; `init` may join it again, on all ranks."""
    global _world
    _world = None


def world() -> _bfc.World:
    """The group; an error before `init`."""
    if _world is None:
        raise _bfc.not_joined()
    return _world


def rank() -> int:
    """This rank, in ``0..size()``."""
    return world().rank


def size() -> int:
    """The number of ranks."""
    return world().size


def local_rank() -> int:
    """This rank among those of its machine, such as the number of its GPU."""
    return world().local_rank


def local_size() -> int:
    """The number of ranks of this machine."""
    return world().local_size


def machine(schedule: Schedule, tensors: Mapping[str, Any]) -> Machine:
    """This rank's machine on a model of many tensors; all ranks make it together.

    Args:
        schedule: one for as many ranks as there are, the same on all.
        tensors: the model's initial tensors by name, in the same order on all ranks: numpy arrays, torch tensors or others
            with ``__dlpack__``, in CPU memory, of float32, float64, float16 or bfloat16. They are copied.

    Raises:
        ArgumentError: the schedule is for another number of ranks.
        ArrayError: a tensor is of another type, or not of the CPU.
        RunError: ranks have different schedules or tensors, another machine of this process is not closed, or another rank
            ends or is late.
    """
    return Machine(world(), schedule, list(tensors), list(tensors.values()))
