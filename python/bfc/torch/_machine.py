"""A rank's program, interpreted with operations of torch: on tensors of any device, over a group of `torch.distributed`."""

import io
from itertools import takewhile
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple, TypeVar

import torch

from .. import _bfc
from .._bfc import Schedule
from ._exchange import Wire, average, neighbours_of
from ._exchanges import Clock
from ._group import Group, Place
from ._interpreter import Instruction, Interpreter
from ._registers import Layout, Registers

Result = TypeVar("Result")

_QUESTIONS = ("gradient", "adapted", "minimizer")
# The initial block, among those of a step.
_INITIAL = -1


class GroupMachine:
    """This rank's algorithm at work: what `bfc.Machine` is for the other engines, with the same bits.

    Every call that goes on is collective. After a failure all further calls fail.

    Args:
        overlap: whether the exchange that follows a question begins bucket by bucket, while others are still computed.
    """

    def __init__(
        self, group: Group, schedule: Schedule, tensors: Mapping[str, torch.Tensor], *, overlap: bool = False
    ) -> None:
        if schedule.size != group.size:
            found = f"for {schedule.size} ranks"
            raise _bfc.wrong_value("Machine", "schedule", found, f"expected one for {group.size}")
        self._group, self._wire, self._algorithm = group, Wire(group), schedule.algorithm
        self._program: Dict[str, Any] = schedule._program(group.rank)
        self._layout = Layout(tensors)
        # Messages are known by their order, which depends on whether buckets travel apart.
        group.compare(self._program["digest"], f"{self._layout.text}\noverlap={overlap}")
        group.meet(self._layout.devices())
        # Registers per edge belong to the first topology, and only where it has a single phase.
        first: List[Any] = next(iter(self._program["topologies"]), [])
        edges = len(neighbours_of(first[0])) if len(first) == 1 else 0
        self._registers = Registers(self._layout, self._program, edges)
        initial = [
            torch.cat([self._layout.tensors[index].detach().to(bucket.device).flatten() for index in bucket.tensors])
            for bucket in self._registers.buckets
        ]
        self._interpreter = Interpreter(self._wire, self._program, self._registers, edges, initial)
        self._names = [name for name, _ in self._program["inputs"]]
        self._block: Optional[int] = _INITIAL
        self._at = 0
        self._ready = [False] * len(self.buckets)
        # How many buckets have gone on past the question, while others are not ready.
        self._overlap, self._ahead = overlap, 0
        self._failed = False
        self._call(self._advance)

    @property
    def buckets(self) -> List[List[int]]:
        """The tensors of each bucket, by index."""
        return self._layout.buckets

    @property
    def steps(self) -> int:
        """Steps done."""
        return self._clock.step

    @property
    def bytes_sent(self) -> int:
        """Bytes sent to other ranks so far."""
        return self._wire.bytes_sent

    def set_input(self, name: str, value: float) -> None:
        """Sets a run-time input, alike on all ranks."""
        if name not in self._names:
            raise _bfc.unknown_input(name, self._algorithm, self._names)
        self._interpreter.inputs[self._names.index(name)] = float(value)

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
        if self._overlap:
            self._call(self._go_ahead)
        if not all(self._ready):
            return False
        self._ready = [False] * len(self._ready)
        return self._call(self._join if self._overlap else self._go_on)

    def turn(
        self, answers: Sequence[torch.Tensor], point: List[torch.Tensor], model: Optional[List[torch.Tensor]] = None,
        buckets: Optional[Sequence[int]] = None,
    ) -> Tuple[bool, str]:
        """Answers for some buckets, by default for all, whose answers are in the order of the tensors; goes on to the next question,
        whose point it copies into tensors, and copies the model into others wherever a step is complete. Whether a step is,
        and what is wanted.
        """
        if buckets is None:
            buckets, answers = range(len(self.buckets)), [answers[index] for bucket in self.buckets for index in bucket]
        done, remaining = False, iter(answers)
        for bucket in buckets:
            done = self.ready(bucket, [next(remaining) for _ in self.buckets[bucket]])
        if done and model is not None:
            self.model(model)
        while (wanted := self.wanted()) is None:
            self.next()
            if model is not None:
                self.model(model)
        self.point(point)
        return done, wanted

    def next(self) -> bool:
        """Does a step that asks nothing."""
        return self._call(self._go_on)

    def model(self, into: List[torch.Tensor]) -> None:
        """Copies the model into tensors. Waits for what is in flight."""

        def compute() -> None:
            self._interpreter.land()
            for instruction in self._program["model"]:
                self._interpreter.run(instruction)

        self._call(compute)
        self._copy(self._program["model_register"], into)

    def average(self, values: torch.Tensor) -> None:
        """Averages a vector over all ranks, in place and in its own type."""
        place = lambda round_: Place(self._clock.place, None, round_)
        self._call(lambda: average(self._wire, self._program["average"], [values], place))

    def abandon(self, reason: str) -> None:
        """Says to the other ranks that this one gives up; all further calls fail."""
        self._group.abandon(reason)
        self._failed = True

    def save(self) -> bytes:
        """Everything that `restore` needs to go on from here. Waits for what is in flight."""
        self._call(self._interpreter.land)
        host, registers = torch.device("cpu"), self._registers
        saved = {
            "identity": self._identity(),
            "position": [self._block, self._at, *self._clock],
            "inputs": self._interpreter.inputs,
            "numbers": registers.numbers,
            "vectors": [_on(host, bucket.vectors) for bucket in registers.buckets],
            "initial": _on(host, self._interpreter.initial),
        }
        written = io.BytesIO()
        torch.save(saved, written)
        return written.getvalue()

    def restore(self, saved: bytes) -> None:
        """Goes on from where `save` was called; all ranks do this together."""
        self._call(self._interpreter.land)
        try:
            read: Dict[str, Any] = torch.load(io.BytesIO(saved), weights_only=True)
        except Exception as failure:
            raise _bfc.wrong_checkpoint(self._group.rank, "it is not one of the engine `torch`") from failure
        if read.get("identity") != self._identity():
            reason = "another schedule, rank or list of tensors has saved it"
            raise _bfc.wrong_checkpoint(self._group.rank, reason)
        self._block, self._at, *clock = read["position"]
        self._interpreter.clock = Clock(*clock)
        self._interpreter.inputs, self._registers.numbers = list(read["inputs"]), list(read["numbers"])
        for bucket, vectors in zip(self._registers.buckets, read["vectors"]):
            bucket.vectors = _on(bucket.device, vectors)
        initial = read["initial"]
        on_devices = zip(self._registers.buckets, initial or [])
        self._interpreter.initial = None if initial is None else [one.to(bucket.device) for bucket, one in on_devices]

    def close(self) -> None:
        """Waits for what is in flight; then all calls fail."""
        if not self._failed:
            self._call(self._interpreter.land)
        self._failed = True

    def _identity(self) -> List[Any]:
        return [self._program["digest"], self._group.rank, self._layout.text]

    def _call(self, body: Callable[[], Result]) -> Result:
        """Does something that leaves the machine failed where it fails; the other ranks learn of it."""
        if self._failed:
            raise _bfc.machine_failed(self._group.rank, self._clock.step)
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
            for bucket in self._registers.buckets:
                targets = [into[index] for index in bucket.tensors]
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
            self._interpreter.run(instruction)
            self._at += 1
        if self._block != _INITIAL:
            step, phase, begun = self._clock
            exchanges = any(instruction[0] in ("exchange", "begin") for instruction in instructions)
            self._interpreter.clock = Clock(step + 1, phase + exchanges, begun)
        self._block, self._interpreter.initial = None, None
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
        before = self._clock.step
        if self._question():
            self._at += 1
        else:
            self._begin_block(self._select())
        self._advance()
        return self._clock.step > before

    def _go_ahead(self) -> None:
        """Does what follows the question for the buckets that are ready, in their order, as far as that needs no others."""
        local, exchange = self._following()
        while self._ahead < len(self._ready) and self._ready[self._ahead]:
            self._interpreter.run_in(self._ahead, local, exchange)
            self._ahead += 1

    def _join(self) -> bool:
        """Goes on past the question, and what was done ahead, once all buckets are ready; whether a step is complete."""
        before = self._clock.step
        local, exchange = self._following()
        self._at, self._ahead = self._at + 1 + len(local) + bool(exchange), 0
        self._interpreter.join(exchange)
        self._advance()
        return self._clock.step > before

    def _following(self) -> Tuple[List[Instruction], Optional[Instruction]]:
        """What follows the question and does the same to each bucket, and the exchange after that."""
        rest = self._instructions()[self._at + 1:]
        local = list(takewhile(self._interpreter.is_by_bucket, rest))
        after = rest[len(local):len(local) + 1]
        return local, after[0] if after and after[0][0] in ("exchange", "begin") else None

    @property
    def _clock(self) -> Clock:
        return self._interpreter.clock

    def _select(self) -> int:
        holds = [self._interpreter.number(condition) != 0 for condition in self._program["conditions"]]
        return sum(1 << bit for bit, held in enumerate(holds) if held)

    def _begin_block(self, block: int) -> None:
        self._block, self._at = block, 0
        self._interpreter.clock = self._clock._replace(begun=True)


def _on(device: torch.device, held: Any) -> Any:
    """Tensors, and lists of them, on a device."""
    if isinstance(held, list):
        return [_on(device, one) for one in held]
    return None if held is None else held.to(device)


def _reason(failure: BaseException) -> str:
    code = getattr(failure, "code", None)
    return f"it raised {code or type(failure).__name__}"
