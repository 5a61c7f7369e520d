"""The group of processes that this one belongs to."""

import sys
from typing import TYPE_CHECKING, Any, Literal, Mapping, Optional, Union

from . import _bfc
from ._bfc import Machine, Schedule

if TYPE_CHECKING:
    from .torch._machine import GroupMachine

    AnyMachine = Union[Machine, GroupMachine]

_world: Any = None
_arguments: Any = None
_ENGINES = ("auto", "processes", "torch")
_DEADLINE = 300.0


def init(
    *, engine: Literal["auto", "processes", "torch"] = "auto", group: Optional[Any] = None, deadline: float = _DEADLINE
) -> None:
    """Join the ranks that a launcher has started: ``bfc launch``, ``torchrun``, ``mpirun`` or ``srun``.

    Returns when all ranks are there; does nothing where they are joined already by the same arguments.

    Args:
        engine: what carries the tensors. ``"processes"``: shared memory between ranks of one machine, TCP between
            machines; a process that no launcher has started is the only rank. ``"torch"``: a group of
            `torch.distributed` that is initialized. ``"auto"``: torch where a ``group`` is given, or where no launcher has
            started this process and `torch.distributed` is initialized; else processes.
        group: the group of `torch.distributed`; by default that of all its processes.
        deadline: the longest that this rank waits for another one, here and in every exchange, in seconds.

    Raises:
        ArgumentError: the engine has another name, or the deadline is not a number of seconds.
        OptimizerError: there is no such group, or this process is not in it.
        RunError: the launcher's variables are incomplete or contradict each other, or a rank does not come
            (``bfc::world::*``); ranks that `torch.distributed` connects choose different engines; the ranks are joined
            already by other arguments.
    """
    global _world, _arguments
    if engine not in _ENGINES or (engine == "processes" and group is not None):
        expected = "expected " + " or ".join(f'"{one}"' for one in _ENGINES) + ', and not "processes" with a group'
        raise _bfc.wrong_value("init", "engine", repr(engine), expected)
    if _world is not None and _arguments != (engine, group, deadline):
        raise _bfc.joined()
    if _world is None:
        over_torch = engine == "torch" or group is not None or (engine == "auto" and _only_torch_has_ranks())
        if _torch_has_ranks():
            from .torch._group import compare_engines

            compare_engines("torch" if over_torch else "processes", group, deadline)
        _world = _join_group(group, deadline) if over_torch else _bfc.World(deadline)
        _arguments = (engine, group, deadline)


def _torch_has_ranks() -> bool:
    """Whether `torch.distributed` is initialized. Where one rank has chosen its engine, that is so on all: it meets them there."""
    distributed = sys.modules.get("torch.distributed")
    return distributed is not None and distributed.is_available() and distributed.is_initialized()


def _only_torch_has_ranks() -> bool:
    """Whether `torch.distributed` is initialized and no launcher has started this process."""
    return _torch_has_ranks() and not _bfc.has_launcher()


def _join_group(group: Optional[Any], deadline: float) -> Any:
    from .torch._group import Group

    return Group(group, deadline)


def shutdown() -> None:
    """Leave the group, once no optimizer or machine uses it any more; `init` may join it again, on all ranks."""
    global _world
    _world = None


def world() -> Any:
    """The group, `_bfc.World` or that of an engine in Python; an error before `init`."""
    if _world is None:
        raise _bfc.not_joined()
    return _world


def deadline() -> float:
    """The longest wait for another rank, in seconds: that of `init`, if there was one."""
    return _DEADLINE if _world is None else float(_world.deadline)


def rank() -> int:
    """This rank, in ``0..size()``."""
    return int(world().rank)


def size() -> int:
    """The number of ranks."""
    return int(world().size)


def local_rank() -> int:
    """This rank among those of its machine, such as the number of its GPU."""
    return int(world().local_rank)


def local_size() -> int:
    """The number of ranks of this machine."""
    return int(world().local_size)


def machine(schedule: Schedule, tensors: Mapping[str, Any]) -> "AnyMachine":
    """This rank's machine on a model of many tensors, or with the engine ``"torch"`` its counterpart in Python, which has the same
    methods; all ranks make it together.

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
    return machine_of(world(), schedule, tensors)


def machine_of(joined: Any, schedule: Schedule, tensors: Mapping[str, Any], overlap: bool = False) -> "AnyMachine":
    """The same in a group; with ``overlap``, buckets travel one by one as they become ready, on all ranks alike."""
    if isinstance(joined, _bfc.World):
        return Machine(joined, schedule, list(tensors), list(tensors.values()))
    made: "AnyMachine" = joined.machine(schedule, tensors, overlap)
    return made
