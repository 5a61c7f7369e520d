"""What several gradients of one minibatch have in common."""

from typing import Dict, Iterable, List

import torch


class Minibatch:
    """The random numbers and the buffers of a model as they were before its first gradient. Each further one begins with them, so
    that dropout drops the same and running means count the minibatch once.
    """

    def __init__(self, buffers: Iterable[torch.Tensor]) -> None:
        self._buffers = [(buffer, buffer.clone()) for buffer in buffers]
        self._cpu = torch.get_rng_state()
        self._cuda: Dict[int, torch.Tensor] = {}
        if torch.cuda.is_available() and torch.cuda.is_initialized():
            states: List[torch.Tensor] = torch.cuda.get_rng_state_all()
            self._cuda = dict(enumerate(states))

    def restore(self) -> None:
        """Brings them back."""
        torch.set_rng_state(self._cpu)
        for device, state in self._cuda.items():
            torch.cuda.set_rng_state(state, device)
        with torch.no_grad():
            for buffer, values in self._buffers:
                buffer.copy_(values)
