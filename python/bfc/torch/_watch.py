"""Whether a model is still the one that the ranks exchange."""

import gc
from operator import is_
from typing import Any, Dict, List, Optional, Tuple

import torch
import torch.distributed as dist

from .. import _bfc


class Watch:
    """The parameters as they were when the optimizer was made, and the ``buffers`` where these travel. What is checked in every step
    takes a fraction of a microsecond for each of them.
    """

    def __init__(self, named: Dict[str, torch.Tensor], model: Optional[torch.nn.Module], buffers: bool) -> None:
        self._names, self._tensors = list(named), list(named.values())
        self._seen = [(tensor.shape, tensor.dtype, tensor.requires_grad) for tensor in self._tensors]
        self._forms = _bfc.Forms(self._tensors)
        owners = _owners(model, buffers)
        self._modules, self._keys = [owner[0] for owner in owners], [owner[1] for owner in owners]
        self._owned, self._owned_names = [owner[3] for owner in owners], [owner[2] for owner in owners]
        self._first = True

    def check(self) -> bool:
        """An error where they have changed, and in the first step where gradients are averaged already.

        Returns:
            Whether devices or strides have changed, which is allowed.
        """
        if self._first:
            self._first = False
            refuse_averages(self._tensors)
        held = map(dict.get, self._modules, self._keys)
        if not all(map(is_, held, self._owned)):
            of_modules = zip(self._modules, self._keys, self._owned, self._owned_names)
            raise _changed(f"`{next(n for module, key, own, n in of_modules if module.get(key) is not own)}` was replaced")
        if not self._forms.changed():
            return False
        for name, tensor, (shape, dtype, requires_grad) in zip(self._names, self._tensors, self._seen):
            if tensor.requires_grad != requires_grad:
                raise _changed(f"`requires_grad` of `{name}` has changed")
            if tensor.dtype != dtype or tensor.shape != shape:
                raise _changed(f"`{name}` is another tensor: {tensor.dtype}, {list(tensor.shape)}")
        self._forms = _bfc.Forms(self._tensors)
        return True


def refuse_averages(parameters: List[torch.Tensor]) -> None:
    """An error where a `DistributedDataParallel` averages gradients of these parameters."""
    if not (dist.is_available() and dist.is_initialized()):
        return
    ids = set(map(id, parameters))
    kind = torch.nn.parallel.DistributedDataParallel
    # A parameter does not know who averages its gradient. `isinstance` would ask lazy objects for their class, which may load them.
    for found in [one for one in gc.get_objects() if issubclass(type(one), kind)]:
        if found.require_backward_grad_sync and any(id(parameter) in ids for parameter in found.parameters()):
            raise _bfc.torch_error("averaged_gradients", "`DistributedDataParallel`", "")


def local(model: torch.nn.parallel.DistributedDataParallel) -> torch.nn.parallel.DistributedDataParallel:
    """Lets a model in `DistributedDataParallel` leave gradients and buffers to their ranks; returns it."""
    model.require_backward_grad_sync = False
    model.broadcast_buffers = False
    return model


def _owners(model: Optional[torch.nn.Module], buffers: bool) -> List[Tuple[Dict[str, Any], str, str, torch.Tensor]]:
    """For each parameter, and each buffer, where its module holds it."""
    modules = [] if model is None else model.named_modules()
    return [
        (held, key, f"{prefix}.{key}" if prefix else key, tensor)
        for prefix, module in modules for held in (module._parameters, module._buffers if buffers else {})
        for key, tensor in held.items() if tensor is not None
    ]


def _changed(found: str) -> Exception:
    return _bfc.torch_error("changed_model", found, "")
