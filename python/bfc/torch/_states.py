"""States of several optimizers as that of one, as `torch.optim.Optimizer.state_dict` lays it out, and back."""

from typing import Any, Dict, List, Sequence

from torch.optim import Optimizer

StateDict = Dict[str, Any]


def joined(states: Sequence[StateDict]) -> StateDict:
    """One after another, with parameters numbered through."""
    whole: StateDict = {"state": {}, "param_groups": []}
    first = 0
    for state in states:
        whole["state"].update((first + index, its) for index, its in state["state"].items())
        whole["param_groups"] += _moved(state["param_groups"], first)
        first += sum(len(group["params"]) for group in state["param_groups"])
    return whole


def load(bases: Sequence[Optimizer], whole: StateDict) -> None:
    """Gives each optimizer its part."""
    groups, first = list(whole["param_groups"]), 0
    for base in bases:
        own, groups = groups[:len(base.param_groups)], groups[len(base.param_groups):]
        count = sum(len(group["params"]) for group in own)
        state = {index - first: its for index, its in whole["state"].items() if first <= index < first + count}
        base.load_state_dict({"state": state, "param_groups": _moved(own, -first)})
        first += count


def _moved(groups: List[StateDict], by: int) -> List[StateDict]:
    return [{**group, "params": [index + by for index in group["params"]]} for group in groups]
