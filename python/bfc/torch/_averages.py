"""Averages over all ranks that are not a schedule's."""

from typing import Any, Dict, List, Sequence, Tuple

import torch

from ._registers import computed_in


class Averages:
    """Averages by a machine, which all ranks ask for together.

    Args:
        on_host: whether the machine works in memory of the CPU.
        device: where numbers travel.
    """

    def __init__(self, machine: Any, on_host: bool, device: torch.device) -> None:
        self.machine, self._on_host = machine, on_host
        self._device = torch.device("cpu") if on_host else device

    def average(self, tensors: Sequence[torch.Tensor]) -> None:
        """Averages tensors, in place; short numbers are averaged in float32."""
        alike: Dict[Tuple[torch.dtype, torch.device], List[torch.Tensor]] = {}
        for tensor in tensors:
            device = self._device if self._on_host else tensor.device
            alike.setdefault((computed_in(tensor.dtype), device), []).append(tensor)
        for (dtype, device), some in alike.items():
            flat = torch.cat([tensor.detach().to(device, dtype).flatten() for tensor in some])
            self.machine.average(flat)
            with torch.no_grad():
                for tensor, values in zip(some, flat.split([tensor.numel() for tensor in some])):
                    tensor.copy_(values.view(tensor.shape))

    def of_numbers(self, numbers: List[float]) -> List[float]:
        """The averages of numbers, in float64."""
        values = torch.tensor(numbers, dtype=torch.float64, device=self._device)
        self.machine.average(values)
        averages: List[float] = values.tolist()
        return averages
