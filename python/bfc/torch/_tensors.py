"""Tensors of torch on any device, and their numbers where a machine reads and writes them."""

from typing import Dict, List, Sequence

import torch


class Tensors:
    """The tensors of a model, by name, and whether a machine works on them in memory of the CPU."""

    def __init__(self, named: Dict[str, torch.Tensor], on_host: bool) -> None:
        self.names, self.tensors, self._on_host = list(named), list(named.values()), on_host
        self._staging: Dict[int, torch.Tensor] = {}
        # The tensors that are on the CPU, and those that travel by way of it, by index.
        self._own: List[torch.Tensor] = []
        self._staged: List[int] = []
        self.look()

    def look(self) -> None:
        """Finds out which tensors a machine can read and write where they are: after devices or strides have changed."""
        self._staged = [i for i, tensor in enumerate(self.tensors) if self._on_host and not _is_host(tensor)]
        staged = set(self._staged)
        self._own = [tensor for i, tensor in enumerate(self.tensors) if i not in staged]

    def read(self) -> List[torch.Tensor]:
        """The numbers of all tensors, where a machine reads them."""
        if not self._staged and self._on_host:
            return self.tensors
        return [self.given(tensor) for tensor in self.tensors]

    def given(self, tensor: torch.Tensor) -> torch.Tensor:
        """The numbers of any tensor."""
        return in_memory(tensor) if self._on_host else _dense(tensor)

    def targets(self) -> List[torch.Tensor]:
        """Where a machine writes all numbers; then call `written`."""
        if not self._staged:
            return self.tensors
        targets = list(self.tensors)
        for index in self._staged:
            targets[index] = self._staging_of(index)
        return targets

    def written(self) -> None:
        """Brings what a machine has written to `targets` to its place."""
        if not self._on_host:
            # By operations of torch, which autograd sees.
            return
        # What autograd has kept of the tensors is no longer right, and it would not see that.
        torch.autograd.graph.increment_version(self._own)
        if self._staged:
            with torch.no_grad():
                for index in self._staged:
                    self.tensors[index].copy_(self._staging[index], non_blocking=False)

    def copy_from(self, values: Sequence[torch.Tensor]) -> None:
        """Gives all tensors other values."""
        with torch.no_grad():
            for tensor, value in zip(self.tensors, values):
                tensor.copy_(value)

    def _staging_of(self, index: int) -> torch.Tensor:
        tensor = self.tensors[index]
        if index not in self._staging:
            self._staging[index] = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=tensor.is_cuda)
        return self._staging[index]


def in_memory(tensor: torch.Tensor) -> torch.Tensor:
    """The numbers of a tensor, dense and contiguous in CPU memory: its own, or a copy."""
    return _dense(tensor).cpu().contiguous()


def _dense(tensor: torch.Tensor) -> torch.Tensor:
    tensor = tensor.detach()
    return tensor.to_dense() if tensor.layout != torch.strided else tensor.resolve_neg()


def _is_host(tensor: torch.Tensor) -> bool:
    return bool(tensor.device.type == "cpu" and tensor.is_contiguous() and not tensor.is_neg())
