"""The run-time inputs of an algorithm."""

import math
import struct
from typing import Any, Callable, Dict, Iterator, List, MutableMapping

from .. import _bfc
from .._bfc import Schedule


class Inputs(MutableMapping[str, float]):
    """The run-time inputs of an algorithm by name, such as ``optimizer.inputs["eta"] = 0.5``: from the next step on, and the same
    on all ranks. ``lr`` is the rate of the base, to be set there.
    """

    def __init__(self, schedule: Schedule, machine: Any) -> None:
        self._values, self._machine, self._algorithm = dict(schedule.inputs), machine, schedule.algorithm
        self._of_base = {"lr"}.intersection(self._values)

    def __getitem__(self, name: str) -> float:
        return self._values[name]

    def __setitem__(self, name: str, value: float) -> None:
        if name in self._of_base:
            raise _bfc.wrong_value("Decentralized", "inputs", "`lr`", "expected it in `param_groups`, where the base has it")
        if name not in self._values:
            raise _bfc.unknown_input(name, self._algorithm, list(self._values))
        if not math.isfinite(value):
            raise _bfc.wrong_value("Decentralized", "inputs", f"{name} = {value}", "expected a finite number")
        self.set(name, float(value))

    def __delitem__(self, name: str) -> None:
        raise TypeError("an algorithm keeps its inputs")

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def set(self, name: str, value: float) -> None:
        """Gives any input to the machine."""
        self._machine.set_input(name, value)
        self._values[name] = float(value)

    def move(self, machine: Any) -> None:
        """Gives all of them to a new machine."""
        self._machine = machine
        for name, value in self._values.items():
            machine.set_input(name, value)

    def restored(self, values: Dict[str, float]) -> None:
        """The machine has got these back."""
        self._values = dict(values)


def compare(named: Dict[str, float], rank: int, size: int, average: Callable[[List[float]], List[float]]) -> None:
    """An error on all ranks where some have other numbers than rank 0. Collective.

    Args:
        average: the averages of numbers over all ranks.
    """
    if not named:
        return
    # Averages of whole numbers of 16 bits are exact enough to give them back.
    pieces = struct.unpack(f">{4 * len(named)}H", struct.pack(f">{len(named)}d", *named.values()))
    table = [0.0] * (size * len(pieces))
    table[rank * len(pieces):(rank + 1) * len(pieces)] = map(float, pieces)
    all_pieces = [round(mean * size) for mean in average(table)]
    rows = struct.unpack(f">{size * len(named)}d", struct.pack(f">{len(all_pieces)}H", *all_pieces))
    for index, name in enumerate(named):
        first, *others = rows[index::len(named)]
        for other, value in enumerate(others, 1):
            if value != first and not (math.isnan(value) and math.isnan(first)):
                raise _bfc.torch_error("inputs_differ", f"`{name}` is {first} on rank 0 and {value} on rank {other}", "")
