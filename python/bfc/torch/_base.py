"""What the base optimizers of a decentralized one are: which may answer a schedule's questions, and which parameters they have."""

from typing import Dict, List, Optional

import torch
from torch.optim import Optimizer

from .. import _bfc
from .._bfc import Schedule

# Their step of a parameter depends on that parameter, its gradient and its state alone.
_SEPARATE = {"SGD", "Adam", "AdamW", "Adamax", "NAdam", "RAdam", "Adadelta", "Adagrad", "RMSprop", "Rprop", "ASGD"}


def check_bases(bases: List[Optimizer], schedule: Schedule, overlap: bool) -> None:
    """An error where these optimizers cannot answer the questions of a schedule."""
    questions = {question for block in schedule.questions for question in block}
    others = questions - {"gradient", "adapted"}
    if others or not any(schedule.questions[1:]):
        asked = {"minimizer": "minimizers", "adapted along a direction": "steps along a direction of its own"}
        found = asked[others.pop()] if others else "nothing"
        raise _bfc.torch_error("wrong_question", found, schedule.algorithm)
    if not bases or len(set(map(id, bases))) < len(bases):
        found = "no optimizer" if not bases else "an optimizer twice"
        raise _bfc.wrong_value("torch.Decentralized", "base", found, "expected one, or several different ones")
    for base in bases:
        if hasattr(base, "consensus_distance"):
            raise _wrong(base, "it exchanges with the other ranks already")
        if isinstance(base, torch.optim.LBFGS):
            raise _wrong(base, "its step evaluates the loss at points that the other ranks do not know")
        if "gradient" in questions:
            if type(base) is not torch.optim.SGD:
                raise _wrong(base, f"`{schedule.algorithm}` asks for gradients, so its own step would never be made")
            check_plain(base, schedule.algorithm)
        if overlap and not (_is_of_torch(base) and type(base).__name__ in _SEPARATE):
            raise _wrong(base, "with `overlap=True`, the step of a parameter may depend on that parameter alone")


def check_plain(base: Optimizer, algorithm: str) -> None:
    """An error where a base would do more with a gradient than to descend along it."""
    for group in base.param_groups:
        for option in ("momentum", "dampening", "nesterov", "maximize"):
            if group.get(option):
                raise _wrong(base, f"`{algorithm}` asks for gradients and steps itself, without `{option}`")


def name_tensors(bases: List[Optimizer], model: Optional[torch.nn.Module]) -> Dict[str, torch.Tensor]:
    """The parameters of the optimizers by their names in the model and in its order, or by number."""
    own = [parameter for base in bases for group in base.param_groups for parameter in group["params"]]
    if model is None:
        return _separate({str(index): parameter for index, parameter in enumerate(own)})
    known = {id(parameter): name for name, parameter in model.named_parameters()}
    for index, parameter in enumerate(own):
        if id(parameter) not in known:
            found = f"{index} of the optimizer, of shape {tuple(parameter.shape)},"
            raise _bfc.torch_error("foreign_parameter", found, "")
    wanted = {id(parameter) for parameter in own}
    return _separate({name: parameter for name, parameter in model.named_parameters() if id(parameter) in wanted})


def _separate(named: Dict[str, torch.Tensor]) -> Dict[str, torch.Tensor]:
    """The same, unless two of them lie in the same memory, or elements of one do."""
    places: Dict[int, str] = {}
    for name, tensor in named.items():
        check_memory(name, tensor)
        if tensor.layout is torch.strided and tensor.numel() and tensor.device.type != "meta":
            other = places.setdefault(tensor.data_ptr(), name)
            if other != name:
                found = f"`{name}` in the memory of `{other}`"
                raise _bfc.wrong_value("torch.Decentralized", "model", found, "expected one parameter in both places, or two of their own")
    return named


def check_memory(name: str, tensor: torch.Tensor) -> None:
    """An error where several elements of a tensor are one."""
    if tensor.layout is torch.strided and any(not stride and size > 1 for size, stride in zip(tensor.shape, tensor.stride())):
        found = f"`{name}`, whose elements share memory,"
        raise _bfc.wrong_value("torch.Decentralized", "model", found, f"expected `{name}.clone()`")


def _is_of_torch(base: Optimizer) -> bool:
    return type(base).__module__.startswith("torch.optim.")


def _wrong(base: Optimizer, found: str) -> Exception:
    return _bfc.torch_error("wrong_base", found, type(base).__name__)
