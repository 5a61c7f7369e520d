"""Where the ranks start: all from the parameters of rank 0, or from their own if these are the same."""

from contextlib import contextmanager
from typing import Any, Dict, Iterator, List, Tuple

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


def broadcast(named: Dict[str, torch.Tensor], world: Any) -> None:
    """Gives all ranks the numbers of rank 0."""
    if world.size > 1:
        model = Tensors(named, on_host(world))
        with _of_rank_0(model, world) as (numbers, _):
            model.copy_from([_from_floats(one, tensor) for one, tensor in zip(numbers, model.tensors)])


def check(named: Dict[str, torch.Tensor], world: Any) -> None:
    """An error on all ranks where some have other numbers than rank 0."""
    if world.size == 1:
        return
    model = Tensors(named, on_host(world))
    device = model.tensors[0].device if model.tensors and not on_host(world) else torch.device("cpu")
    marks = torch.zeros(world.size, dtype=torch.float64, device=device)
    with _of_rank_0(model, world) as (numbers, machine):
        pairs = zip(model.names, model.tensors, numbers)
        wrong = [name for name, own, first in pairs if not _are_same(_as_floats(in_memory(own)), in_memory(first))]
        marks[world.rank] = float(bool(wrong))
        machine.average(marks)
    others = [other for other, mark in enumerate(marks.tolist()) if mark > 0]
    if others:
        here = f"; here, on rank {world.rank}, the first is `{wrong[0]}`" if wrong else ""
        ranks = ", ".join(map(str, others))
        raise _bfc.torch_error("different_start", f"other initial values than on rank 0 are on ranks {ranks}{here}", "")


def on_host(world: Any) -> bool:
    """Whether machines of this group work in memory of the CPU."""
    return isinstance(world, _bfc.World)


@contextmanager
def _of_rank_0(model: Tensors, world: Any) -> Iterator[Tuple[List[torch.Tensor], Any]]:
    """The numbers of rank 0, and the machine that has brought them."""
    numbers = [_as_floats(one.detach()).clone() for one in model.read()]
    if world.rank > 0:
        # Zero times what is not a number is none.
        numbers = [torch.zeros_like(one) for one in numbers]
    schedule = compile_source(_BROADCAST, size=world.size)
    machine = machine_of(world, schedule, dict(zip(model.names, numbers)))
    try:
        for _ in range(schedule.period):
            machine.next()
        machine.model(numbers)
        yield numbers, machine
    finally:
        machine.close()


def _as_floats(tensor: torch.Tensor) -> torch.Tensor:
    """All that a tensor holds, in numbers that travel."""
    if tensor.is_complex():
        return torch.view_as_real(tensor.resolve_conj()).contiguous()
    if tensor.dtype == torch.int64:
        # Both halves are exact in float64.
        return torch.stack([tensor >> 32, tensor & _LOW], -1).to(torch.float64)
    return tensor if tensor.is_floating_point() else tensor.to(torch.float64)


def _from_floats(numbers: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    if like.is_complex():
        return torch.view_as_complex(numbers)
    if like.dtype == torch.int64:
        high, low = numbers.to(torch.int64).unbind(-1)
        return (high << 32) | low
    return numbers


_LOW = 2**32 - 1


def _are_same(a: torch.Tensor, b: torch.Tensor) -> bool:
    return torch.equal(a, b) or bool(((a == b) | (a.isnan() & b.isnan())).all())
