"""Buckets that travel while `backward` computes the gradients of others."""

from functools import partial
from typing import Callable, Dict, List, Set

import torch

from .. import _bfc
from ._tensors import Tensors


class Overlap:
    """Hooks of all parameters: answers for a bucket once the gradients of all its parameters are there, unless it `waits`. The last
    bucket is left to the step, which waits for all of them.
    """

    def __init__(self, tensors: Tensors, buckets: List[List[int]], answer: Callable[[int], None]) -> None:
        self._tensors, self._answer = tensors, answer
        self.waits = False
        self._bucket = {index: bucket for bucket, indices in enumerate(buckets) for index in indices}
        wanting = [index for index, tensor in enumerate(tensors.tensors) if tensor.requires_grad]
        self._all: List[Set[int]] = [set(indices).intersection(wanting) for indices in buckets]
        self._start()
        hooks = {index: partial(self._hook, index) for index in wanting}
        self._hooks = [tensors.tensors[index].register_post_accumulate_grad_hook(hook) for index, hook in hooks.items()]

    def rest(self) -> List[int]:
        """The buckets that have no answer to this question; the next one begins.

        Raises:
            OptimizerError: a gradient is not the one that was sent.
        """
        for index, version in self._sent.items():
            gradient = self._tensors.tensors[index].grad
            if gradient is None or gradient._version != version:
                raise _bfc.torch_error("late_gradient", self._tensors.names[index], "")
        rest = [bucket for bucket in range(len(self._all)) if bucket not in self._answered]
        self._start()
        return rest

    def close(self) -> None:
        """Takes the hooks away."""
        for hook in self._hooks:
            hook.remove()

    def _start(self) -> None:
        self._missing = [set(indices) for indices in self._all]
        # The buckets whose gradients are there, and those of them that have an answer.
        self._done: Set[int] = set()
        self._answered: Set[int] = set()
        # The versions of the gradients that were sent.
        self._sent: Dict[int, int] = {}

    def _hook(self, index: int, _: torch.Tensor) -> None:
        bucket = self._bucket[index]
        if self.waits:
            return
        if bucket in self._done:
            raise _bfc.torch_error("late_gradient", self._tensors.names[index], "")
        self._missing[bucket].discard(index)
        if not self._missing[bucket]:
            self._done.add(bucket)
            if len(self._done) < len(self._all):
                self._answer(bucket)
                self._answered.add(bucket)
            gradients = {one: self._tensors.tensors[one].grad for one in self._all[bucket]}
            self._sent.update((one, gradient._version) for one, gradient in gradients.items() if gradient is not None)
