"""A base optimizer, or several, as what answers the questions of a schedule."""

from contextlib import contextmanager, nullcontext
from typing import Any, Dict, Iterator, List, Optional, Sequence, Set

import torch
from torch.optim import Optimizer

from .. import _bfc
from ._base import check_plain
from ._inputs import Inputs
from ._tensors import Tensors


class Oracle:
    """Answers with gradients, or with steps of the bases.

    Args:
        buckets: the tensors of each bucket, by index.
        rate_of_base: whether the algorithm steps with the rate of the bases.
    """

    def __init__(
        self, bases: List[Optimizer], tensors: Tensors, buckets: List[List[int]], inputs: Inputs, algorithm: str, rate_of_base: bool
    ) -> None:
        self._bases, self._tensors, self._buckets = bases, tensors, buckets
        self._inputs, self._algorithm, self._rate_of_base = inputs, algorithm, rate_of_base

    @property
    def groups(self) -> List[Dict[str, Any]]:
        """The parameter groups of all bases."""
        return groups_of(self._bases)

    @property
    def settings(self) -> Dict[str, float]:
        """What should be alike on all ranks: run-time inputs, and the rates of all groups."""
        rates = [float(group["lr"]) for group in self.groups if "lr" in group]
        names = ["lr"] if len(rates) == 1 else [f"lr of group {index}" for index in range(len(rates))]
        return {**self._inputs, **dict(zip(names, rates))}

    def answers(self, question: str, buckets: Optional[List[int]], skipped: bool = False) -> List[torch.Tensor]:
        """The answers for all tensors, or for those of some buckets, one bucket after another; those of a rank that skips its step
        change nothing.
        """
        tensors = None if buckets is None else [index for bucket in buckets for index in self._buckets[bucket]]
        if question == "gradient":
            for base in self._bases:
                check_plain(base, self._algorithm)
            self._set_rate()
            return self._gradients(_some(self._tensors.tensors, tensors), skipped)
        if not skipped:
            self._step(tensors)
        return _some(self._tensors.read(), tensors)

    def _set_rate(self) -> None:
        if self._rate_of_base:
            rate = common_rate(self.groups)
            if rate != self._inputs["lr"]:
                self._inputs.set("lr", rate)

    def _gradients(self, tensors: List[torch.Tensor], skipped: bool) -> List[torch.Tensor]:
        """The gradients, with weight decay; zero where there is none."""
        decays = _weight_decays(self.groups)
        gradients = []
        with torch.no_grad():
            for tensor in tensors:
                gradient, decay = tensor.grad, decays.get(id(tensor))
                if skipped or gradient is None:
                    gradient = torch.zeros_like(tensor)
                elif decay:
                    gradient = torch.add(gradient, torch.mul(tensor, decay))
                is_plain = gradient.is_cpu and gradient.layout is torch.strided and not gradient.is_neg()
                gradients.append(gradient if is_plain else self._tensors.given(gradient))
        return gradients

    def _step(self, tensors: Optional[List[int]]) -> None:
        """The steps of the bases for some tensors or for all."""
        if tensors is None or len(tensors) == len(self._tensors.tensors):
            within: Any = nullcontext()
        else:
            within = _only(self._bases, {id(self._tensors.tensors[index]) for index in tensors})
        with within:
            for base in self._bases:
                base.step()


def groups_of(bases: List[Optimizer]) -> List[Dict[str, Any]]:
    """The parameter groups of optimizers, one after another."""
    groups = [base.param_groups for base in bases]
    return sum(groups, []) if groups[1:] else groups[0]


def common_rate(groups: Sequence[Dict[str, Any]]) -> float:
    """The learning rate of all parameters.

    Raises:
        OptimizerError: there are several.
    """
    rates = sorted({float(group["lr"]) for group in groups})
    if len(rates) > 1:
        raise _bfc.torch_error("unequal_rates", ", ".join(map(str, rates)), "")
    return rates[0]


def _weight_decays(groups: List[Dict[str, Any]]) -> Dict[int, float]:
    """The weight decay of each parameter that has one, by id."""
    decaying = [group for group in groups if group["weight_decay"]]
    return {id(parameter): group["weight_decay"] for group in decaying for parameter in group["params"]}


@contextmanager
def _only(bases: List[Optimizer], chosen: Set[int]) -> Iterator[None]:
    """Inside, the optimizers have only the parameters of these ids."""
    groups = [group for base in bases for group in base.param_groups]
    held = [group["params"] for group in groups]
    for group in groups:
        group["params"] = [parameter for parameter in group["params"] if id(parameter) in chosen]
    try:
        yield
    finally:
        for group, parameters in zip(groups, held):
            group["params"] = parameters


def _some(tensors: List[torch.Tensor], chosen: Optional[List[int]]) -> List[torch.Tensor]:
    return tensors if chosen is None else [tensors[index] for index in chosen]
