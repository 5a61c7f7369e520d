"""Mixes and averages as rounds of tensors over a group."""

from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

import torch

from ._arithmetic import add_weighted, as_tensor
from ._group import Group, Message, Place, Round
from ._registers import computed_in

Action = Tuple[int, Optional[int], Optional[Tuple[int, Tuple[float, float]]]]
Weight = Tuple[float, float]
_ONE = (1.0, 1.0)


class Wire:
    """A group and what is sent over it."""

    def __init__(self, group: Group) -> None:
        self.group, self.bytes_sent = group, 0

    def begin(self, sends: List[Message], receives: List[Message], place: Place) -> "Carried":
        """Begins a round; tensors of devices that the group does not carry travel by way of the CPU."""
        sends = [message for message in sends if message[0].numel()]
        receives = [message for message in receives if message[0].numel()]
        self.bytes_sent += sum(tensor.nbytes for tensor, _ in sends)
        sent = [(tensor.to(self.group.carrier(tensor.device)), peer) for tensor, peer in sends]
        staged = []
        for tensor, peer in receives:
            carrier = self.group.carrier(tensor.device)
            staged.append((tensor if tensor.device == carrier else torch.empty_like(tensor, device=carrier), peer))
        on_host = all(tensor.device.type == "cpu" for tensor, _ in [*sent, *staged])
        return Carried(self.group.begin(sent, staged, place), receives, staged, on_host)


class Carried:
    """A round on its way, and where what arrives belongs."""

    def __init__(self, round_: Round, receives: List[Message], staged: List[Message], on_host: bool) -> None:
        self._round, self._receives, self._staged, self._on_host = round_, receives, staged, on_host

    def finish(self) -> None:
        """Waits until all is there."""
        self._round.finish(self._on_host)
        for (tensor, _), (staged, _) in zip(self._receives, self._staged):
            if tensor is not staged:
                tensor.copy_(staged)


class Messages(NamedTuple):
    """What is sent to all out-neighbours: tensors that nobody changes until the end, what makes vectors of them, and where each
    round is, for messages.
    """

    tensors: List[torch.Tensor]
    readers: List[Callable[[torch.Tensor], torch.Tensor]]
    place: Callable[[int], Place]


class Terms(NamedTuple):
    """What a sum consists of: the own weight, or nothing; whether there are other terms; and whether the weights of these are 1."""

    own: Optional[Weight]
    others: bool
    alike: bool


class Mix:
    """A weighted sum over the in-neighbours, begun at once. The own term comes first, then those of the rounds in order; a sum is
    rounded to the type of its target at the end.

    Args:
        window: how many rounds are on their way at a time; all by default.
    """

    def __init__(
        self, wire: Wire, phase: Dict[str, Any], messages: Messages, terms: Terms, window: Optional[int] = None
    ) -> None:
        self._wire, self._terms = wire, terms
        self._sources, self._readers, self._place = messages
        self._actions: List[Action] = phase["actions"] if terms.others else []
        self._rounds: List[Tuple[Action, Carried, List[torch.Tensor]]] = []
        self._begun = 0
        self._begin(len(self._actions) if window is None else window)

    def finish(self) -> List[torch.Tensor]:
        """The sums, one for each source, in the type that they are computed in."""
        own = self._terms.own
        sums = [None if own is None else _product(own, read(x)) for read, x in zip(self._readers, self._sources)]
        while self._rounds:
            (_, _, receive), carried, received = self._rounds.pop(0)
            carried.finish()
            self._begin(1)
            if receive is not None:
                weight = _ONE if self._terms.alike else receive[1]
                terms = (read(y) for read, y in zip(self._readers, received))
                sums = [_add(total, weight, y) for total, y in zip(sums, terms)]
        whole = zip(sums, self._readers, self._sources)
        return [torch.zeros_like(read(x)) if total is None else total for total, read, x in whole]

    def _begin(self, count: int) -> None:
        for action in self._actions[self._begun:self._begun + count]:
            round_, to, receive = action
            received = [torch.empty_like(x) for x in self._sources] if receive else []
            sends = [(x, to) for x in self._sources] if to is not None else []
            receives = [(y, receive[0]) for y in received] if receive else []
            self._rounds.append((action, self._wire.begin(sends, receives, self._place(round_)), received))
            self._begun += 1


def back(
    wire: Wire, phase: Dict[str, Any], sources: List[List[torch.Tensor]], place: Callable[[int], Place]
) -> List[List[torch.Tensor]]:
    """For each source, a list with a tensor for each neighbour, what the neighbours hold for this rank."""
    neighbours = neighbours_of(phase)
    targets = [[torch.empty_like(tensor) for tensor in source] for source in sources]
    rounds = []
    for round_, to, receive in phase["actions"]:
        sends = [(source[neighbours.index(to)], to) for source in sources] if to in neighbours else []
        receives = [(target[neighbours.index(receive[0])], receive[0]) for target in targets] if receive else []
        rounds.append(wire.begin(sends, receives, place(round_)))
    for carried in rounds:
        carried.finish()
    return targets


def average(
    wire: Wire, rounds: Sequence[Sequence[Tuple[int, int, int]]], sums: List[torch.Tensor], place: Callable[[int], Place]
) -> None:
    """Averages tensors over all ranks, in place and in their own type: a reduction of blocks, each of which one rank divides, and
    their gathering.
    """
    rank, size = wire.group.rank, wire.group.size
    reduce, gather = rounds
    for number, (hop, first, count) in enumerate(reduce):
        _blocks(wire, sums, (hop, first, count), place(number), torch.Tensor.add_)
    for total in sums:
        own = total[rank * len(total) // size:(rank + 1) * len(total) // size]
        own.copy_(torch.div(own, as_tensor(float(size), total.dtype, total.device)))
    for number, (hop, first, count) in enumerate(gather, len(reduce)):
        _blocks(wire, sums, (hop, first, count), place(number), torch.Tensor.copy_)


def _blocks(
    wire: Wire, sums: List[torch.Tensor], round_: Tuple[int, int, int], place: Place, combine: Callable[..., Any]
) -> None:
    rank, size = wire.group.rank, wire.group.size
    hop, first, count = round_
    to, source = (rank + hop) % size, (rank - hop) % size
    sends = [piece for total in sums for piece in _cut(total, (rank + first) % size, count, size)]
    targets = [piece for total in sums for piece in _cut(total, (source + first) % size, count, size)]
    received = [torch.empty_like(piece) for piece in targets]
    wire.begin([(piece, to) for piece in sends], [(piece, source) for piece in received], place).finish()
    for target, piece in zip(targets, received):
        combine(target, piece)


def _cut(total: torch.Tensor, first: int, count: int, size: int) -> List[torch.Tensor]:
    """Blocks of a tensor: up to its end, and from its beginning."""
    starts, end = [block * len(total) // size for block in range(size + 1)], first + count
    return [total[starts[first]:starts[min(end, size)]], total[:starts[max(end - size, 0)]]]


def neighbours_of(phase: Dict[str, Any]) -> List[int]:
    """The in-neighbours, in the order of the rounds."""
    return [receive[0] for _, _, receive in phase["actions"] if receive]


def computed(x: torch.Tensor) -> torch.Tensor:
    """A vector in the type that it is computed in."""
    return x.to(computed_in(x.dtype))


def _product(weight: Weight, x: torch.Tensor) -> torch.Tensor:
    return torch.mul(x, _weight(weight, x))


def _add(total: Optional[torch.Tensor], weight: Weight, y: torch.Tensor) -> torch.Tensor:
    if total is None:
        return _product(weight, y)
    add_weighted(total, _weight(weight, y), y)
    return total


def _weight(weight: Weight, x: torch.Tensor) -> float:
    return weight[1] if x.dtype == torch.float64 else weight[0]
