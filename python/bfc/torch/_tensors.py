"""Tensors of torch on any device, and their numbers where a machine reads and writes them."""

from typing import Callable, Dict, List, Sequence

import torch


class Tensors:
    """The tensors of a model, by name, and whether a machine works on them in memory of the CPU."""

    def __init__(self, named: Dict[str, torch.Tensor], on_host: bool) -> None:
        self.names, self.tensors, self._on_host = list(named), list(named.values()), on_host
        self._staging: Dict[int, torch.Tensor] = {}

    def read(self, index: int) -> torch.Tensor:
        """The numbers of a tensor."""
        return self.given(self.tensors[index])

    def given(self, tensor: torch.Tensor) -> torch.Tensor:
        """The numbers of any tensor."""
        return in_memory(tensor) if self._on_host else _dense(tensor)

    def fill(self, write: Callable[[List[torch.Tensor]], None]) -> None:
        """Lets ``write`` write all numbers."""
        if not self._on_host:
            # In operations of torch, which autograd sees.
            write([tensor.detach() for tensor in self.tensors])
            return
        hosts = [self._host(index) for index in range(len(self.tensors))]
        write(hosts)
        with torch.no_grad():
            for tensor, host in zip(self.tensors, hosts):
                if _is_host(tensor):
                    # What autograd has kept of the tensor is no longer right, and it would not see that.
                    torch.autograd.graph.increment_version(tensor)
                else:
                    tensor.copy_(host, non_blocking=False)

    def copy_from(self, values: Sequence[torch.Tensor]) -> None:
        """Gives all tensors other values."""
        with torch.no_grad():
            for tensor, value in zip(self.tensors, values):
                tensor.copy_(value)

    def _host(self, index: int) -> torch.Tensor:
        tensor = self.tensors[index].detach()
        if _is_host(tensor):
            return tensor
        if index not in self._staging:
            self._staging[index] = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=tensor.is_cuda)
        return self._staging[index]


def in_memory(tensor: torch.Tensor) -> torch.Tensor:
    """The numbers of a tensor, dense and contiguous in CPU memory: its own, or a copy."""
    return _dense(tensor).cpu().contiguous()


def _dense(tensor: torch.Tensor) -> torch.Tensor:
    tensor = tensor.detach()
    return tensor.to_dense() if tensor.layout != torch.strided else tensor


def _is_host(tensor: torch.Tensor) -> bool:
    return bool(tensor.device.type == "cpu" and tensor.is_contiguous())
