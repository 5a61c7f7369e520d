"""What several gradients of one minibatch have in common."""

from typing import Iterable, Optional

import torch


class Minibatch:
    """The random numbers and the buffers of a model as they were before its first gradient. Each further one begins with them, so
    that dropout drops the same and running means count the minibatch once.

    Args:
        generator: that of this rank; by default torch's own ones, which belong to it alone.
    """

    def __init__(self, buffers: Iterable[torch.Tensor], generator: Optional[torch.Generator]) -> None:
        self._buffers = [(buffer, buffer.clone()) for buffer in buffers]
        generators = [torch.default_generator] if generator is None else [generator]
        if generator is None and torch.cuda.is_available() and torch.cuda.is_initialized():
            generators += torch.cuda.default_generators
        self._states = [(one, one.get_state()) for one in generators]

    def restore(self) -> None:
        """Brings them back."""
        for generator, state in self._states:
            generator.set_state(state)
        with torch.no_grad():
            for buffer, values in self._buffers:
                buffer.copy_(values)
