"""The exchanges of a program: what of its registers travels, and where what arrives belongs."""

from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

import torch

from ._exchange import Messages, Mix, Terms, Wire, average, back
from ._group import Place
from ._registers import Bucket, Registers

Transfers = Sequence[Tuple[int, int]]
"""Pairs of registers: what travels, and where it arrives."""
Finish = Callable[[], None]


class Clock(NamedTuple):
    """Where a program stands: the steps and the phases done, and whether a step has begun."""

    step: int
    phase: int
    begun: bool

    @property
    def place(self) -> Optional[int]:
        """The step, for messages; nothing before the first."""
        return self.step if self.begun else None


class Exchanges:
    """The exchanges of a rank's program over a group."""

    def __init__(self, wire: Wire, program: Dict[str, Any], registers: Registers) -> None:
        self._wire, self._program, self._registers = wire, program, registers

    def phase(self, topology: int, phase: int) -> Tuple[int, Dict[str, Any]]:
        """The present phase of a topology: its number and its rounds."""
        phases = self._program["topologies"][topology]
        return phase % len(phases), phases[phase % len(phases)]

    def run(self, operator: List[Any], transfers: Transfers, clock: Clock) -> None:
        """Does an exchange: two rounds are on their way at a time."""
        self._begin(operator, transfers, clock, self._registers.buckets, window=2)()

    def begin(self, operator: List[Any], transfers: Transfers, clock: Clock, *, bucket: Optional[int] = None) -> Finish:
        """Begins an exchange, of one bucket or of all; returns what waits for its end and puts the results in their places. All its
        messages begin now: those between two ranks meet in the order in which they begin, whenever a rank waits for them.
        Numbers travel with the first bucket.
        """
        buckets = self._registers.buckets if bucket is None else [self._registers.buckets[bucket]]
        if bucket:
            transfers = [pair for pair in transfers if not self._is_number(pair)]
        return self._begin(operator, transfers, clock, buckets, window=None)

    def _begin(
        self, operator: List[Any], transfers: Transfers, clock: Clock, buckets: List[Bucket], window: Optional[int]
    ) -> Finish:
        name, topology = operator
        step = clock.place
        numbers = [pair for pair in transfers if self._is_number(pair)]
        vectors = [pair for pair in transfers if not self._is_number(pair)]
        if name == "average":
            sums = self._averages(buckets, vectors, numbers, lambda round_: Place(step, None, round_))
            self._put(sums, buckets, vectors, numbers)
            return lambda: None
        number, phase = self.phase(topology, clock.phase)
        place = lambda round_: Place(step, (topology, number), round_)
        if name == "back":
            self._back(phase, buckets, vectors, numbers, place)
            return lambda: None
        tensors = [bucket.vectors[source] for bucket in buckets for source, _ in vectors]
        readers = [self._reader(bucket, source, clock) for bucket in buckets for source, _ in vectors]
        if numbers:
            tensors.append(self._as_message([self._registers.numbers[source] for source, _ in numbers]))
            readers.append(_as_it_is)
        terms = Terms(None if name in ("others", "incoming") else phase["own"], name != "own", name == "incoming")
        mix = Mix(self._wire, phase, Messages(tensors, readers, place), terms, window)
        return lambda: self._put(mix.finish(), buckets, vectors, numbers)

    def _is_number(self, pair: Tuple[int, int]) -> bool:
        return "scalar" in self._program["shapes"][pair[0]]

    def _reader(self, bucket: Bucket, source: int, clock: Clock) -> Callable[[torch.Tensor], torch.Tensor]:
        is_code = self._program["shapes"][source] == "code"
        return bucket.reader(source, clock.step) if is_code else _as_it_is

    def _put(self, sums: List[torch.Tensor], buckets: List[Bucket], vectors: Transfers, numbers: Transfers) -> None:
        remaining = iter(sums)
        for bucket in buckets:
            for _, into in vectors:
                unused = bucket.store(into, next(remaining))
                if unused is not None:
                    self._wire.spares.give(unused)
        if numbers:
            for (_, into), value in zip(numbers, next(remaining).tolist()):
                self._registers.numbers[into] = value

    def _averages(
        self, buckets: List[Bucket], vectors: Transfers, numbers: Transfers, place: Callable[[int], Place]
    ) -> List[torch.Tensor]:
        sources = [(bucket.vectors[source], bucket.dtype) for bucket in buckets for source, _ in vectors]
        sums = [self._wire.spares.take(vector, dtype).copy_(vector) for vector, dtype in sources]
        if numbers:
            sums.append(self._as_message([self._registers.numbers[source] for source, _ in numbers]))
        average(self._wire, self._program["average"], sums, place)
        return sums

    def _back(
        self, phase: Dict[str, Any], buckets: List[Bucket], vectors: Transfers, numbers: Transfers,
        place: Callable[[int], Place],
    ) -> None:
        sources = [bucket.vectors[source] for bucket in buckets for source, _ in vectors]
        table = [self._registers.numbers[source] for source, _ in numbers]
        if numbers:
            sources.append([self._as_message(list(edge)) for edge in zip(*table)])
        received = iter(back(self._wire, phase, sources, place))
        for bucket in buckets:
            for _, into in vectors:
                bucket.vectors[into] = next(received)
        if numbers:
            edges = [edge.tolist() for edge in next(received)]
            for index, (_, into) in enumerate(numbers):
                self._registers.numbers[into] = [edge[index] for edge in edges]

    def _as_message(self, numbers: List[float]) -> torch.Tensor:
        """Numbers as they travel, on a device that the group carries."""
        device = self._registers.buckets[0].device if self._registers.buckets else torch.device("cpu")
        return torch.tensor(numbers, dtype=torch.float64, device=device)


def _as_it_is(x: torch.Tensor) -> torch.Tensor:
    return x
