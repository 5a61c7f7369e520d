"""The hooks around the steps of optimizers of torch."""

from functools import wraps
from typing import Any, Callable, Optional

import torch
from torch.optim import Optimizer, optimizer

Step = Callable[[Any, Optional[Callable[[], Any]]], Any]


def with_hooks(step: Step) -> Step:
    """The method ``step`` of an optimizer, inside of torch's wrapper where that has something to do: a hook is registered, or a
    profiler runs. It takes half as long as a short step does.
    """
    wrapped: Step = Optimizer.profile_hook_step(step)

    @wraps(step)
    def method(self: Any, closure: Optional[Callable[[], Any]] = None) -> Any:
        hooks = (
            self._optimizer_step_pre_hooks, self._optimizer_step_post_hooks,
            optimizer._global_optimizer_pre_hooks, optimizer._global_optimizer_post_hooks,
        )
        if any(hooks) or torch.autograd.profiler._is_profiler_enabled:
            return wrapped(self, closure)
        return step(self, closure)

    # So that torch does not wrap it again.
    method.hooked = True  # type: ignore[attr-defined]
    return method
