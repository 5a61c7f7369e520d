"""The instructions of a program, run with operations of torch on the registers of one rank."""

from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

import torch

from ._arithmetic import evaluate, inner_product
from ._exchange import Wire, neighbours_of
from ._exchanges import Clock, Exchanges, Finish, Transfers
from ._registers import Bucket, Registers

Instruction = Sequence[Any]
"""A name and operands."""


class Interpreter:
    """Runs instructions of a rank's program.

    Attributes:
        clock: where the program stands.
        inputs: the values of the run-time inputs.
        initial: for each bucket the initial parameters, until the initial block is done.
    """

    def __init__(
        self, wire: Wire, program: Dict[str, Any], registers: Registers, edges: int, initial: List[torch.Tensor]
    ) -> None:
        self._program, self._registers, self._edges, self._rank = program, registers, edges, wire.group.rank
        self._exchanges = Exchanges(wire, program, registers)
        self.clock = Clock(0, 0, False)
        self.inputs: List[float] = [value for _, value in program["inputs"]]
        self.initial: Optional[List[torch.Tensor]] = initial
        self._flights: Dict[int, Finish] = {}
        # The parts of an exchange that were begun bucket by bucket.
        self._parts: List[Finish] = []

    def run(self, instruction: Instruction) -> None:
        """Runs one instruction; one that exchanges is collective."""
        getattr(self, f"_run_{instruction[0]}")(*instruction[1:])

    def is_by_bucket(self, instruction: Instruction) -> bool:
        """Whether it does the same to each bucket, apart from all others."""
        name, into = instruction[0], instruction[1]
        return name in ("encode", "decode") or name == "compute" and "scalar" not in self._program["shapes"][into]

    def run_in(self, bucket: int, local: Sequence[Instruction], exchange: Optional[Instruction]) -> None:
        """Runs, in one bucket, instructions that are by bucket, and begins its part of the exchange that follows."""
        for name, *operands in local:
            getattr(self, f"_{name}")(self._registers.buckets[bucket], *operands)
        if exchange:
            operator, transfers = exchange[-2:]
            self._parts.append(self._exchanges.begin(operator, transfers, self.clock, bucket=bucket))

    def join(self, exchange: Optional[Instruction]) -> None:
        """Goes on past the exchange of which all parts have begun: waits for it, unless the program does that later."""
        parts, self._parts = self._parts, []

        def finish() -> None:
            for part in parts:
                part()

        if exchange and exchange[0] == "begin":
            self._flights[exchange[1]] = finish
        else:
            finish()

    def land(self) -> None:
        """Waits for what is in flight."""
        self.join(None)
        for finish in [self._flights.pop(flight) for flight in list(self._flights)]:
            finish()

    def number(self, expression: List[Any], edge: Optional[int] = None) -> float:
        """The value of an expression of numbers alone."""
        value = evaluate(expression, lambda name, detail: self._leaf(None, name, detail, edge), torch.float64)
        assert isinstance(value, float), "an expression without vectors is a number"
        return value

    def _run_parameters(self, into: int) -> None:
        assert self.initial is not None, "only the initial block asks for them"
        for bucket, initial in zip(self._registers.buckets, self.initial):
            bucket.vectors[into].copy_(initial)

    def _run_compute(self, into: int, expression: List[Any]) -> None:
        shape, numbers = self._program["shapes"][into], self._registers.numbers
        if shape == "scalar":
            numbers[into] = self.number(expression)
        elif shape == "scalar per edge":
            numbers[into] = [self.number(expression, edge) for edge in range(self._edges)]
        else:
            for bucket in self._registers.buckets:
                self._compute(bucket, into, expression)

    def _run_exchange(self, operator: List[Any], transfers: Transfers) -> None:
        self._exchanges.run(operator, transfers, self.clock)

    def _run_begin(self, flight: int, operator: List[Any], transfers: Transfers) -> None:
        self._flights[flight] = self._exchanges.begin(operator, transfers, self.clock)

    def _run_finish(self, flight: int) -> None:
        self._flights.pop(flight, lambda: None)()

    def _run_swap(self, a: int, b: int) -> None:
        self._registers.swap(a, b)

    def _run_dot(self, a: int, b: int, into: int) -> None:
        products: List[Tuple[int, float]] = []
        for bucket in self._registers.buckets:
            pairs = zip(bucket.pieces(bucket.vectors[a]), bucket.pieces(bucket.vectors[b]))
            products += zip(bucket.tensors, (inner_product(*pair) for pair in pairs))
        self._registers.numbers[into] = sum(product for _, product in sorted(products))

    def _run_degree(self, topology: int, into: int) -> None:
        phase = self._exchanges.phase(topology, self.clock.phase)[1]
        self._registers.numbers[into] = float(len(neighbours_of(phase)))

    def _run_gather(self, source: int, into: int) -> None:
        if self._program["shapes"][source] == "scalar per edge":
            self._registers.numbers[into] = sum(self._registers.numbers[source])
            return
        for bucket in self._registers.buckets:
            total = torch.zeros(bucket.length, dtype=bucket.dtype, device=bucket.device)
            for vector in bucket.vectors[source]:
                total.add_(vector)
            bucket.store(into, total)

    def _run_encode(self, source: int, into: int) -> None:
        for bucket in self._registers.buckets:
            self._encode(bucket, source, into)

    def _run_decode(self, source: int, into: int) -> None:
        for bucket in self._registers.buckets:
            self._decode(bucket, source, into)

    def _run_start(self, into: int) -> None:
        for bucket in self._registers.buckets:
            bucket.start(into)

    def _run_project(self, source: int, factor: int, into: int) -> None:
        for bucket in self._registers.buckets:
            bucket.project(source, factor, into)

    def _run_difference(self, mine: int, theirs: int, into: int) -> None:
        is_higher = [self._rank > peer for peer, _ in self._edges_of_first()]
        for bucket in self._registers.buckets:
            bucket.difference(mine, theirs, into, is_higher)

    def _run_correct(self, at: int, factor: int, difference: int, into: int) -> None:
        signed = [(single, double) if self._rank > peer else (-single, -double) for peer, (single, double) in self._edges_of_first()]
        for bucket in self._registers.buckets:
            bucket.correct(at, factor, difference, into, signed)

    def _edges_of_first(self) -> List[Tuple[int, Tuple[float, float]]]:
        """The neighbours in the only phase of the first topology, with their weights."""
        return [receive for _, _, receive in self._exchanges.phase(0, 0)[1]["actions"] if receive]

    def _compute(self, bucket: Bucket, into: int, expression: List[Any]) -> None:
        if self._program["shapes"][into] == "vector":
            bucket.store(into, self._vector(bucket, expression))
        else:
            for edge, target in enumerate(bucket.vectors[into]):
                target.copy_(self._vector(bucket, expression, edge))

    def _encode(self, bucket: Bucket, source: int, into: int) -> None:
        bucket.encode(source, into, self.clock.step, self._rank)

    def _decode(self, bucket: Bucket, source: int, into: int) -> None:
        bucket.store(into, bucket.reader(source, self.clock.step)(bucket.vectors[source]))

    def _vector(self, bucket: Bucket, expression: List[Any], edge: Optional[int] = None) -> Any:
        return evaluate(expression, lambda name, detail: self._leaf(bucket, name, detail, edge), bucket.dtype)

    def _leaf(self, bucket: Optional[Bucket], name: str, detail: int, edge: Optional[int]) -> Any:
        if name == "Step":
            return float(self.clock.step)
        if name == "Input":
            return float(self.inputs[detail])
        shape = self._program["shapes"][detail]
        held = self._registers.numbers if "scalar" in shape or bucket is None else bucket.vectors
        return held[detail][edge] if "per edge" in shape else held[detail]
