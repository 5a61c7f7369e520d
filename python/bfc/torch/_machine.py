"""A rank's program, interpreted with operations of torch: on tensors of any device, over a group of `torch.distributed`."""

import io
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple, TypeVar

import torch

from .. import _bfc
from .._bfc import Schedule
from ._arithmetic import evaluate, inner_product
from ._exchange import Mix, Wire, average, back, computed, neighbours_of
from ._group import Group, Place
from ._registers import Bucket, Layout, Registers

Result = TypeVar("Result")
Instruction = Sequence[Any]

_QUESTIONS = ("gradient", "adapted", "minimizer")
# What only the host's kernels compute.
_HOST_ONLY = ("start", "project", "difference", "correct")
# The initial block, among those of a step.
_INITIAL = -1


class GroupMachine:
    """This rank's algorithm at work: what `bfc.Machine` is for the other engines, with the same bits.

    Every call that goes on is collective. After a failure all further calls fail.
    """

    def __init__(self, group: Group, schedule: Schedule, tensors: Mapping[str, torch.Tensor]) -> None:
        if schedule.size != group.size:
            found = f"for {schedule.size} ranks"
            raise _bfc.wrong_value("Machine", "schedule", found, f"expected one for {group.size}")
        self._group, self._wire, self._algorithm = group, Wire(group), schedule.algorithm
        self._program: Dict[str, Any] = schedule._program(group.rank)
        self._check_instructions()
        self._layout = Layout(tensors)
        group.compare(self._program["digest"], self._layout.text)
        group.meet(self._layout.devices())
        # Registers per edge belong to the first topology, and only where it has a single phase.
        first: List[Any] = next(iter(self._program["topologies"]), [])
        self._edges = neighbours_of(first[0]) if len(first) == 1 else []
        self._registers = Registers(self._layout, self._program, len(self._edges))
        self._initial: Optional[List[torch.Tensor]] = [
            torch.cat([tensors.detach().to(bucket.device).flatten() for tensors in self._tensors_of(number)])
            for number, bucket in enumerate(self._registers.buckets)
        ]
        self._names = [name for name, _ in self._program["inputs"]]
        self._inputs = [value for _, value in self._program["inputs"]]
        self._flights: Dict[int, Callable[[], None]] = {}
        self._block: Optional[int] = _INITIAL
        self._at, self._step, self._phase, self._begun = 0, 0, 0, False
        self._ready = [False] * len(self.buckets)
        self._failed = False
        self._call(self._advance)

    @property
    def buckets(self) -> List[List[int]]:
        """The tensors of each bucket, by index."""
        return self._layout.buckets

    @property
    def steps(self) -> int:
        """Steps done."""
        return self._step

    @property
    def bytes_sent(self) -> int:
        """Bytes sent to other ranks so far."""
        return self._wire.bytes_sent

    def set_input(self, name: str, value: float) -> None:
        """Sets a run-time input, alike on all ranks."""
        self._inputs[self._names.index(name)] = value

    def wanted(self) -> Optional[str]:
        """What is wanted next, or nothing."""
        question = self._call(self._question)
        return question[0] if question else None

    def point(self, into: List[torch.Tensor]) -> None:
        """Copies the point of the next question into tensors."""
        question = self._call(self._question)
        self._copy(self._program["model_register"] if question is None else question[1], into)

    def ready(self, bucket: int, answer: List[torch.Tensor]) -> bool:
        """Takes the answers for the tensors of one bucket; after the last one goes on, and returns whether a step is complete."""
        question = self._call(self._question)
        assert question is not None and not self._ready[bucket], "each bucket of a question is answered once"
        held = self._registers.buckets[bucket]
        with torch.no_grad():
            torch._foreach_copy_(held.views(held.vectors[question[2]]), answer)
        self._ready[bucket] = True
        if not all(self._ready):
            return False
        self._ready = [False] * len(self._ready)
        return self._call(self._go_on)

    def next(self) -> bool:
        """Does a step that asks nothing."""
        return self._call(self._go_on)

    def model(self, into: List[torch.Tensor]) -> None:
        """Copies the model into tensors. Waits for what is in flight."""

        def compute() -> None:
            self._land()
            for instruction in self._program["model"]:
                self._run(instruction)

        self._call(compute)
        self._copy(self._program["model_register"], into)

    def average(self, values: torch.Tensor) -> None:
        """Averages a vector over all ranks, in place and in its own type."""
        place = lambda round_: Place(self._step if self._begun else None, None, round_)
        self._call(lambda: average(self._wire, self._program["average"], [values], place))

    def abandon(self, reason: str) -> None:
        """Says to the other ranks that this one gives up; all further calls fail."""
        self._group.abandon(reason)
        self._failed = True

    def save(self) -> bytes:
        """Everything that `restore` needs to go on from here. Waits for what is in flight."""
        self._call(self._land)
        host, registers = torch.device("cpu"), self._registers
        saved = {
            "identity": self._identity(),
            "position": [self._block, self._at, self._step, self._phase, self._begun],
            "inputs": self._inputs,
            "numbers": registers.numbers,
            "vectors": [_on(host, bucket.vectors) for bucket in registers.buckets],
            "initial": _on(host, self._initial),
        }
        written = io.BytesIO()
        torch.save(saved, written)
        return written.getvalue()

    def restore(self, saved: bytes) -> None:
        """Goes on from where `save` was called; all ranks do this together."""
        self._call(self._land)
        try:
            read: Dict[str, Any] = torch.load(io.BytesIO(saved), weights_only=True)
        except Exception as failure:
            raise _bfc.wrong_checkpoint(self._group.rank, "it is not one of the engine `torch`") from failure
        if read.get("identity") != self._identity():
            reason = "another schedule, rank or list of tensors has saved it"
            raise _bfc.wrong_checkpoint(self._group.rank, reason)
        self._block, self._at, self._step, self._phase, self._begun = read["position"]
        self._inputs, self._registers.numbers = list(read["inputs"]), list(read["numbers"])
        for bucket, vectors in zip(self._registers.buckets, read["vectors"]):
            bucket.vectors = _on(bucket.device, vectors)
        initial = read["initial"]
        on_devices = zip(self._registers.buckets, initial or [])
        self._initial = None if initial is None else [one.to(bucket.device) for bucket, one in on_devices]

    def close(self) -> None:
        """Waits for what is in flight; then all calls fail."""
        if not self._failed:
            self._call(self._land)
        self._failed = True

    def _check_instructions(self) -> None:
        blocks = [self._program["initial"], *self._program["steps"], self._program["model"]]
        names = {instruction[0] for block in blocks for instruction in block}
        if any(name in _HOST_ONLY for name in names):
            raise _bfc.torch_error("host_only", "products with factors per edge", self._algorithm)

    def _tensors_of(self, bucket: int) -> List[torch.Tensor]:
        return [self._layout.tensors[index] for index in self.buckets[bucket]]

    def _identity(self) -> List[Any]:
        return [self._program["digest"], self._group.rank, self._layout.text]

    def _call(self, body: Callable[[], Result]) -> Result:
        """Does something that leaves the machine failed where it fails; the other ranks learn of it."""
        if self._failed:
            raise _bfc.machine_failed(self._group.rank, self._step)
        self._failed = True
        try:
            with torch.no_grad():
                result = body()
        except BaseException as failure:
            self._group.abandon(_reason(failure))
            raise
        self._failed = False
        return result

    def _copy(self, register: int, into: List[torch.Tensor]) -> None:
        with torch.no_grad():
            for number, bucket in enumerate(self._registers.buckets):
                targets = [into[index] for index in self.buckets[number]]
                torch._foreach_copy_(targets, bucket.views(bucket.vectors[register]))

    # Control flow: up to a question, past its answer, and from block to block.

    def _instructions(self) -> List[Instruction]:
        assert self._block is not None, "a block is running"
        block: List[Instruction] = self._program["initial"] if self._block == _INITIAL else self._program["steps"][self._block]
        return block

    def _advance(self) -> Optional[Instruction]:
        """Runs on to the next question, which it returns, or to the end of the present block."""
        if self._block is None:
            return None
        instructions = self._instructions()
        while self._at < len(instructions):
            instruction = instructions[self._at]
            if instruction[0] in _QUESTIONS:
                return instruction
            self._run(instruction)
            self._at += 1
        if self._block != _INITIAL:
            self._step += 1
            self._phase += any(instruction[0] in ("exchange", "begin") for instruction in instructions)
        self._block, self._initial = None, None
        return None

    def _question(self) -> Optional[Instruction]:
        """Runs on to the next question, into a step; nothing where a whole step asks nothing, which then has not begun."""
        pending = self._advance()
        if pending:
            return pending
        block = self._select()
        if not any(instruction[0] in _QUESTIONS for instruction in self._program["steps"][block]):
            return None
        self._begin_block(block)
        return self._advance()

    def _go_on(self) -> bool:
        before = self._step
        if self._question():
            self._at += 1
        else:
            self._begin_block(self._select())
        self._advance()
        return self._step > before

    def _select(self) -> int:
        holds = [self._number(condition) != 0 for condition in self._program["conditions"]]
        return sum(1 << bit for bit, held in enumerate(holds) if held)

    def _begin_block(self, block: int) -> None:
        self._block, self._at, self._begun = block, 0, True

    def _land(self) -> None:
        """Waits for what is in flight."""
        for finish in [self._flights.pop(flight) for flight in list(self._flights)]:
            finish()

    # Instructions.

    def _run(self, instruction: Instruction) -> None:
        name, operands = instruction[0], instruction[1:]
        getattr(self, f"_run_{name}")(*operands)

    def _run_parameters(self, into: int) -> None:
        assert self._initial is not None, "only the initial block asks for them"
        for bucket, initial in zip(self._registers.buckets, self._initial):
            bucket.vectors[into].copy_(initial)

    def _run_compute(self, into: int, expression: List[Any]) -> None:
        shape, numbers = self._program["shapes"][into], self._registers.numbers
        if shape == "scalar":
            numbers[into] = self._number(expression)
        elif shape == "scalar per edge":
            numbers[into] = [self._number(expression, edge) for edge in range(len(self._edges))]
        else:
            for bucket in self._registers.buckets:
                if shape == "vector":
                    self._store(bucket, into, self._vector(bucket, expression))
                else:
                    for edge, target in enumerate(bucket.vectors[into]):
                        target.copy_(self._vector(bucket, expression, edge))

    def _run_exchange(self, operator: List[Any], transfers: List[Tuple[int, int]]) -> None:
        self._exchange(operator, transfers)()

    def _run_begin(self, flight: int, operator: List[Any], transfers: List[Tuple[int, int]]) -> None:
        self._flights[flight] = self._exchange(operator, transfers, in_flight=True)

    def _run_finish(self, flight: int) -> None:
        self._flights.pop(flight, lambda: None)()

    def _run_swap(self, a: int, b: int) -> None:
        self._registers.swap(a, b)

    def _run_dot(self, a: int, b: int, into: int) -> None:
        products: Dict[int, float] = {}
        for number, bucket in enumerate(self._registers.buckets):
            pairs = zip(bucket.pieces(bucket.vectors[a]), bucket.pieces(bucket.vectors[b]))
            products.update(zip(self.buckets[number], (inner_product(*pair) for pair in pairs)))
        self._registers.numbers[into] = sum(products[index] for index in sorted(products))

    def _run_degree(self, topology: int, into: int) -> None:
        self._registers.numbers[into] = float(len(neighbours_of(self._phase_of(topology)[1])))

    def _run_gather(self, source: int, into: int) -> None:
        if self._program["shapes"][source] == "scalar per edge":
            self._registers.numbers[into] = sum(self._registers.numbers[source])
            return
        for bucket in self._registers.buckets:
            total = torch.zeros(bucket.length, dtype=bucket.dtype, device=bucket.device)
            for vector in bucket.vectors[source]:
                total.add_(vector)
            self._store(bucket, into, total)

    def _run_encode(self, source: int, into: int) -> None:
        for bucket in self._registers.buckets:
            bucket.encode(source, into, self._step, self._group.rank)

    def _run_decode(self, source: int, into: int) -> None:
        for bucket in self._registers.buckets:
            self._store(bucket, into, bucket.reader(source, self._step)(bucket.vectors[source]))

    # Expressions.

    def _number(self, expression: List[Any], edge: Optional[int] = None) -> float:
        value = evaluate(expression, lambda name, detail: self._leaf(None, name, detail, edge), torch.float64)
        assert isinstance(value, float), "an expression without vectors is a number"
        return value

    def _vector(self, bucket: Bucket, expression: List[Any], edge: Optional[int] = None) -> Any:
        return evaluate(expression, lambda name, detail: self._leaf(bucket, name, detail, edge), bucket.dtype)

    def _leaf(self, bucket: Optional[Bucket], name: str, detail: int, edge: Optional[int]) -> Any:
        if name == "Step":
            return float(self._step)
        if name == "Input":
            return float(self._inputs[detail])
        shape = self._program["shapes"][detail]
        held = self._registers.numbers if "scalar" in shape or bucket is None else bucket.vectors
        return held[detail][edge] if "per edge" in shape else held[detail]

    def _store(self, bucket: Bucket, into: int, value: Any) -> None:
        """Rounds a result to the type of its register; a number fills the register. A fresh tensor of this type becomes the
        register, which saves a copy; one that another register holds is copied, since registers are written in place.
        """
        target = bucket.vectors[into]
        if not isinstance(value, torch.Tensor):
            target.fill_(value)
        elif value.dtype == target.dtype and value.dim() and not any(value is held for held in bucket.vectors):
            bucket.vectors[into] = value
        else:
            target.copy_(value)

    # Exchanges.

    def _phase_of(self, topology: int) -> Tuple[int, Dict[str, Any]]:
        phases = self._program["topologies"][topology]
        return self._phase % len(phases), phases[self._phase % len(phases)]

    def _exchange(
        self, operator: List[Any], transfers: List[Tuple[int, int]], *, in_flight: bool = False
    ) -> Callable[[], None]:
        """Begins an exchange; returns what waits for its end and puts the results in their places. In flight, all its messages
        begin now: those between two ranks meet in the order in which they begin, whenever a rank waits for them.
        """
        name, topology = operator
        step = self._step if self._begun else None
        shapes = self._program["shapes"]
        numbers = [pair for pair in transfers if "scalar" in shapes[pair[0]]]
        vectors = [pair for pair in transfers if "scalar" not in shapes[pair[0]]]
        if name == "average":
            self._average(vectors, numbers, lambda round_: Place(step, None, round_))
            return lambda: None
        number, phase = self._phase_of(topology)
        place = lambda round_: Place(step, (topology, number), round_)
        if name == "back":
            self._back(phase, vectors, numbers, place)
            return lambda: None
        sources = [bucket.vectors[source] for bucket in self._registers.buckets for source, _ in vectors]
        readers = [self._reader(bucket, source) for bucket in self._registers.buckets for source, _ in vectors]
        if numbers:
            sources.append(self._as_message([self._registers.numbers[source] for source, _ in numbers]))
            readers.append(computed)
        own = None if name in ("others", "incoming") else phase["own"]
        window = None if in_flight else 2
        mix = Mix(self._wire, phase, sources, readers, place, own, window, others=name != "own", alike=name == "incoming")
        return lambda: self._put(mix.finish(), vectors, numbers)

    def _reader(self, bucket: Bucket, source: int) -> Callable[[torch.Tensor], torch.Tensor]:
        return bucket.reader(source, self._step) if self._program["shapes"][source] == "code" else computed

    def _put(self, sums: List[torch.Tensor], vectors: List[Tuple[int, int]], numbers: List[Tuple[int, int]]) -> None:
        remaining = iter(sums)
        for bucket in self._registers.buckets:
            for _, into in vectors:
                self._store(bucket, into, next(remaining))
        if numbers:
            for (_, into), value in zip(numbers, next(remaining).tolist()):
                self._registers.numbers[into] = value

    def _average(
        self, vectors: List[Tuple[int, int]], numbers: List[Tuple[int, int]], place: Callable[[int], Place]
    ) -> None:
        sums = [
            bucket.vectors[source].to(bucket.dtype, copy=True) for bucket in self._registers.buckets for source, _ in vectors
        ]
        if numbers:
            sums.append(self._as_message([self._registers.numbers[source] for source, _ in numbers]))
        average(self._wire, self._program["average"], sums, place)
        self._put(sums, vectors, numbers)

    def _back(
        self, phase: Dict[str, Any], vectors: List[Tuple[int, int]], numbers: List[Tuple[int, int]],
        place: Callable[[int], Place],
    ) -> None:
        sources = [bucket.vectors[source] for bucket in self._registers.buckets for source, _ in vectors]
        table = [self._registers.numbers[source] for source, _ in numbers]
        if numbers:
            sources.append([self._as_message(list(edge)) for edge in zip(*table)])
        received = iter(back(self._wire, phase, sources, place))
        for bucket in self._registers.buckets:
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


def _on(device: torch.device, held: Any) -> Any:
    """Tensors, and lists of them, on a device."""
    if isinstance(held, list):
        return [_on(device, one) for one in held]
    return None if held is None else held.to(device)


def _reason(failure: BaseException) -> str:
    code = getattr(failure, "code", None)
    return f"it raised {code or type(failure).__name__}"
