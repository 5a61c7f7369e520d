"""The states of a decentralized optimizer: those of its bases in the layout of `torch.optim.Optimizer.state_dict`, with parameters
numbered through, and that of the algorithm under the key ``bfc``.
"""

import warnings
from typing import TYPE_CHECKING, Any, Dict, List

import torch

from .. import _bfc

if TYPE_CHECKING:
    from ._optimizer import Decentralized

StateDict = Dict[str, Any]


def of(optimizer: "Decentralized") -> StateDict:
    """What this rank needs to go on."""
    saved = torch.frombuffer(bytearray(optimizer._machine.save()), dtype=torch.uint8)
    models = optimizer._models
    own = {
        "rank": optimizer._joined.rank,
        "size": optimizer._joined.size,
        "steps": optimizer._machine.steps,
        "machine": saved,
        "models": None if models is None else [model.clone() for model in models.tensors],
        "inputs": dict(optimizer.inputs),
        "skipped": optimizer.skipped,
    }
    return {**_of_bases(optimizer), "bfc": own}


def consolidated(optimizer: "Decentralized") -> StateDict:
    """What any number of ranks can start again from."""
    with optimizer.evaluating(average=True):
        model = {name: tensor.detach().clone() for name, tensor in _named(optimizer).items()}
        buffers = {name: buffer.clone() for name, buffer in optimizer._buffers.items()}
    own = {"consolidated": model, "buffers": buffers, "bases": _kinds(optimizer), "skipped": optimizer.skipped}
    return {**_of_bases(optimizer), "bfc": own}


def load(optimizer: "Decentralized", state_dict: StateDict) -> None:
    """Goes on from either; one that does not fit changes nothing."""
    own = state_dict.get("bfc")
    if own is None:
        raise _bfc.torch_error("foreign_state", ", ".join(f"`{key}`" for key in state_dict) or "nothing", "")
    (_restart if "consolidated" in own else _go_on)(optimizer, state_dict)
    optimizer.skipped = own["skipped"]
    optimizer._turn([], [])


def _go_on(optimizer: "Decentralized", state_dict: StateDict) -> None:
    own = state_dict["bfc"]
    missing = {"machine", "models", "inputs", "skipped"}.difference(own)
    if missing:
        raise _other(f"its `bfc` has no `{min(missing)}`")
    _check_groups(optimizer, state_dict)
    optimizer._machine.restore(own["machine"].numpy().tobytes())
    _load_bases(optimizer, state_dict)
    if optimizer._models is not None:
        optimizer._models.copy_from(own["models"])
    optimizer.inputs.restored(own["inputs"])


def _restart(optimizer: "Decentralized", state_dict: StateDict) -> None:
    own = state_dict["bfc"]
    model = {**own["buffers"], **own["consolidated"]}
    targets = {**optimizer._buffers, **_named(optimizer)}
    for name, tensor in targets.items():
        if name not in model:
            raise _other(f"it has no tensor `{name}`")
        if model[name].shape != tensor.shape:
            raise _other(f"`{name}` has the shape {list(model[name].shape)} there, and {list(tensor.shape)} here")
    said = f"`{optimizer._schedule.algorithm}` starts again, from the average of all ranks"
    takes_over = own["bases"] == _kinds(optimizer)
    if takes_over:
        _check_groups(optimizer, state_dict)
    else:
        said += f"; so does the base: a state of {' and '.join(own['bases'])} is not one of it"
    optimizer._machine.close()
    with torch.no_grad():
        for name, tensor in targets.items():
            tensor.copy_(model[name])
    if takes_over:
        _load_bases(optimizer, state_dict)
    optimizer._start_again()
    warnings.warn(said, stacklevel=5)


def _named(optimizer: "Decentralized") -> Dict[str, torch.Tensor]:
    return dict(zip(optimizer._tensors.names, optimizer._tensors.tensors))


def _kinds(optimizer: "Decentralized") -> List[str]:
    return [type(base).__name__ for base in optimizer._bases]


def _of_bases(optimizer: "Decentralized") -> StateDict:
    """The states of the bases, one after another."""
    whole: StateDict = {"state": {}, "param_groups": []}
    first = 0
    for base in optimizer._bases:
        state = base.state_dict()
        whole["state"].update((first + index, its) for index, its in state["state"].items())
        whole["param_groups"] += _moved(state["param_groups"], first)
        first += _count(state["param_groups"])
    return whole


def _check_groups(optimizer: "Decentralized", whole: StateDict) -> None:
    own = [len(group["params"]) for group in optimizer.param_groups]
    its = [len(group["params"]) for group in whole.get("param_groups", ())]
    if own != its:
        raise _other(f"it has groups of {its} parameters, and the optimizer of {own}")


def _load_bases(optimizer: "Decentralized", whole: StateDict) -> None:
    """Gives each base its part."""
    groups, first = list(whole["param_groups"]), 0
    for base in optimizer._bases:
        own, groups = groups[:len(base.param_groups)], groups[len(base.param_groups):]
        count = _count(own)
        state = {index - first: its for index, its in whole["state"].items() if first <= index < first + count}
        base.load_state_dict({"state": state, "param_groups": _moved(own, -first)})
        first += count


def _moved(groups: List[StateDict], by: int) -> List[StateDict]:
    return [{**group, "params": [index + by for index in group["params"]]} for group in groups]


def _count(groups: List[StateDict]) -> int:
    return sum(len(group["params"]) for group in groups)


def _other(found: str) -> Exception:
    return _bfc.torch_error("other_state", found, "")
