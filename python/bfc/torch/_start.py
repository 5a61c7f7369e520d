"""Where the ranks start: all from the parameters of rank 0, or from their own if these are the same."""

from typing import Any, Dict, List

import torch

from .. import _bfc
from .._compile import compile_source
from .._world import machine_of
from ._tensors import Tensors, in_memory

# In phase t the first 2^t ranks, who have the numbers of rank 0, give them to as many others.
_BROADCAST = """
topology from_rank_0 {
    for t in 0..ceil_log(size, 2) {
        phase { for i in 0..min(2^t, size - 2^t) { i -> i + 2^t weight 1 } }
    }
}
"""

_AVERAGE = """
use topology::ring
algorithm all_reduce { state x = params
    step { x <- average(x) } }
schedule { topology ring
    algorithm all_reduce }
"""


def broadcast(named: Dict[str, torch.Tensor], world: Any) -> None:
    """Gives all ranks the numbers of rank 0; integers up to 2^53 are exact."""
    model = Tensors(named, on_host(world))
    model.copy_from(_of_rank_0(model, world))


def check(named: Dict[str, torch.Tensor], world: Any) -> None:
    """An error on all ranks where some have other numbers than rank 0."""
    model = Tensors(named, on_host(world))
    pairs = zip(model.names, model.tensors, _of_rank_0(model, world))
    wrong = [name for name, own, first in pairs if not torch.equal(in_memory(own).to(first.dtype), in_memory(first))]
    device = model.tensors[0].device if model.tensors and not on_host(world) else torch.device("cpu")
    marks = torch.zeros(world.size, dtype=torch.float64, device=device)
    marks[world.rank] = float(bool(wrong))
    others = [other for other, mark in enumerate(_average(marks, world)) if mark > 0]
    if others:
        here = f"; here, on rank {world.rank}, the first is `{wrong[0]}`" if wrong else ""
        ranks = ", ".join(map(str, others))
        raise _bfc.torch_error("different_start", f"other initial values than on rank 0 are on ranks {ranks}{here}", "")


def on_host(world: Any) -> bool:
    """Whether machines of this group work in memory of the CPU."""
    return isinstance(world, _bfc.World)


def _of_rank_0(model: Tensors, world: Any) -> List[torch.Tensor]:
    numbers = [_as_floats(model.read(index)).clone() for index in range(len(model.names))]
    if world.size > 1:
        _run(_BROADCAST, dict(zip(model.names, numbers)), world)
    return numbers


def _average(numbers: torch.Tensor, world: Any) -> List[float]:
    _run(_AVERAGE, {"numbers": numbers}, world)
    averages: List[float] = numbers.tolist()
    return averages


def _run(source: str, named: Dict[str, torch.Tensor], world: Any) -> None:
    """Runs a period of a schedule that asks nothing, in place."""
    schedule = compile_source(source, size=world.size)
    running = machine_of(world, schedule, named)
    for _ in range(schedule.period):
        running.next()
    running.model(list(named.values()))
    running.close()


def _as_floats(tensor: torch.Tensor) -> torch.Tensor:
    return tensor if tensor.is_floating_point() else tensor.to(torch.float64)
