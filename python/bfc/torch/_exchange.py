"""Mixes and averages as rounds of tensors over a group."""

from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

import torch

from ._arithmetic import as_tensor, sum_terms
from ._group import Group, Message, Place, Round
from ._registers import computed_in

Action = Tuple[int, Optional[int], Optional[Tuple[int, Tuple[float, float]]]]
Weight = Tuple[float, float]
_ONE = (1.0, 1.0)


class Spares:
    """Vectors in memory of the CPU that have been used: the first use of fresh memory takes longer than sums do. On other devices
    torch keeps what was used.
    """

    def __init__(self) -> None:
        self._held: Dict[Tuple[int, torch.dtype], List[torch.Tensor]] = {}

    def take(self, like: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        """A vector of this length and type, with any contents."""
        held = self._held.get((like.numel(), dtype)) if like.device.type == "cpu" else None
        return held.pop() if held else torch.empty(like.numel(), dtype=dtype, device=like.device)

    def give(self, vector: torch.Tensor) -> None:
        """Takes a vector back that nobody uses any more."""
        if vector.device.type == "cpu":
            self._held.setdefault((vector.numel(), vector.dtype), []).append(vector)


class Wire:
    """A group, what is sent over it, and memory for what arrives."""

    def __init__(self, group: Group) -> None:
        self.group, self.bytes_sent, self.spares = group, 0, Spares()

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
        spares, own = self._wire.spares, self._terms.own
        sums: List[torch.Tensor] = []
        # What is not in the sums yet; sums of two terms are written at once.
        terms = [] if own is None else [(own, self._sources)]
        while self._rounds:
            (_, _, receive), carried, received = self._rounds.pop(0)
            carried.finish()
            self._begin(1)
            if receive is not None:
                terms.append((_ONE if self._terms.alike else receive[1], received))
                self._add(sums, terms)
                terms = []
                for vector in received:
                    spares.give(vector)
        if terms or not sums:
            self._add(sums, terms)
        return sums

    def _add(self, sums: List[torch.Tensor], terms: List[Tuple[Weight, List[torch.Tensor]]]) -> None:
        """Adds terms to the sums, or makes these."""
        adds = bool(sums)
        for index, read in enumerate(self._readers):
            vectors = [read(of_all[index]) for _, of_all in terms]
            if not adds:
                like = vectors[0] if vectors else read(self._sources[index])
                sums.append(self._wire.spares.take(like, computed_in(like.dtype)))
            weights = [weight[sums[index].dtype == torch.float64] for weight, _ in terms]
            sum_terms(sums[index], list(zip(weights, vectors)), adds=adds)

    def _begin(self, count: int) -> None:
        for action in self._actions[self._begun:self._begun + count]:
            round_, to, receive = action
            received = [self._wire.spares.take(x, x.dtype) for x in self._sources] if receive else []
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
    received = [wire.spares.take(piece, piece.dtype) for piece in targets]
    wire.begin([(piece, to) for piece in sends], [(piece, source) for piece in received], place).finish()
    for target, piece in zip(targets, received):
        combine(target, piece)
        wire.spares.give(piece)


def _cut(total: torch.Tensor, first: int, count: int, size: int) -> List[torch.Tensor]:
    """Blocks of a tensor: up to its end, and from its beginning."""
    starts, end = [block * len(total) // size for block in range(size + 1)], first + count
    return [total[starts[first]:starts[min(end, size)]], total[:starts[max(end - size, 0)]]]


def neighbours_of(phase: Dict[str, Any]) -> List[int]:
    """The in-neighbours, in the order of the rounds."""
    return [receive[0] for _, _, receive in phase["actions"] if receive]
