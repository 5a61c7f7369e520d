"""The compiled part of `bfc`; use it through the package."""

from fractions import Fraction
from os import PathLike
from typing import Any, Callable, Dict, Final, List, Literal, Optional, Protocol, Sequence, Tuple, TypeVar, Union, final, overload

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Buckets", "Calls", "Code", "Comm", "Factors", "Forms", "Group", "Machine", "Neighbours", "Phase", "Round", "Schedule", "Topology",
    "Trainer", "View", "World", "__version__", "advise", "analyze", "apply_operation", "apply_to_elements", "compare", "compile",
    "compile_source", "decode", "engines_differ", "exchange_failed", "has_launcher", "import_graph", "joined", "machine_failed",
    "not_joined", "ranks_differ", "run_command", "simulate", "sum_terms", "sweep", "torch_error", "unknown_input",
    "wrong_checkpoint", "wrong_value",
]
__version__: Final[str]

class _Array(Protocol):
    """An array that shares its memory by DLPack: numpy, torch (CPU) and others."""

    def __dlpack__(self, *args: Any, **kwargs: Any) -> Any: ...
    def __dlpack_device__(self) -> Tuple[Any, int]: ...

_Gradient = Callable[[Any], _Array]
_Adapt = Callable[[Any, Any], _Array]
_Prox = Callable[[Any, float], _Array]

@final
class Schedule:
    """A verified schedule: the program that all ranks share, and the rounds of each phase of its topologies.

    Made by `compile`, `compile_source`, `load` and `loads`. Two schedules are equal where their digests are.
    """

    @property
    def size(self) -> int:
        """The number of ranks."""
    @property
    def local_size(self) -> int:
        """How many consecutive ranks share a machine."""
    @property
    def period(self) -> int:
        """The number of communicating steps after which all topologies are back at their first phase."""
    @property
    def digest(self) -> str:
        """SHA-256 over sizes, program, rounds and exact weights, as 64 hexadecimal digits."""
    @property
    def algorithm(self) -> str:
        """The name of the algorithm."""
    @property
    def inputs(self) -> Dict[str, float]:
        """The run-time inputs (`Trainer.set_input`) with their defaults."""
    @property
    def states(self) -> List[str]:
        """The names of the algorithm's states (`Trainer.state`)."""
    @property
    def questions(self) -> List[List[str]]:
        """The questions to the trainer, in order: before the first step, then for each form that a step can have. Each is
        ``"gradient"``, ``"adapted"`` (a step of the trainer's own optimizer), ``"adapted along a direction"`` or
        ``"minimizer"``.
        """
    @property
    def asks_at_model(self) -> bool:
        """Whether each step begins with a question about the model as it is between steps."""
    @property
    def topologies(self) -> List[Topology]:
        """The topologies that the algorithm mixes over."""
    @property
    def certificate(self) -> Any:
        """What was proved, as stored in the file."""
    def inspect(self, rank: Optional[int] = None) -> Dict[str, Any]:
        """What ``bfc inspect --format json`` prints; of one rank where ``rank`` is given.

        Raises:
            IndexError: there is no such rank.
            ValueError: more than 4,096 ranks and no ``rank``.
        """
    def _program(self, rank: int) -> Any: ...
    def _repr_html_(self) -> str:
        """The pictures of the schedule for a notebook, as HTML of at most 300 kB."""
    def save(self, path: Union[str, "PathLike[str]"]) -> None:
        """Write the schedule to a file, which appears whole or not at all.

        Raises:
            OSError: the directory or the disk does not take it.
        """
    def to_bytes(self) -> bytes:
        """The bytes that `save` writes."""
    def __reduce__(self) -> Tuple[Callable[[bytes], Schedule], Tuple[bytes]]: ...
    def __copy__(self) -> Schedule: ...
    def __deepcopy__(self, _memo: Any) -> Schedule: ...
    def __eq__(self, value: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class Topology:
    """Phases that repeat: step k that communicates uses phase k mod ``len(phases)``."""

    @property
    def name(self) -> str:
        """Its name in the source."""
    @property
    def phases(self) -> List[Phase]:
        """The phases."""

@final
class Phase:
    """One mixing matrix and the rounds that communicate it."""

    @property
    def matrix(self) -> NDArray[np.float64]:
        """W, dense, of shape (size, size): ``x[i] = sum(W[i, j] * x[j])``. A fresh array.

        Raises:
            ValueError: more than 4,096 ranks; use `row` or `edges`.
        """
    @property
    def edges(self) -> Tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """``(source, target, weight)`` of every edge, ordered by target and source: W[target, source] = weight."""
    @overload
    def row(self, rank: int, *, exact: Literal[False] = False) -> Tuple[float, Dict[int, float]]: ...
    @overload
    def row(self, rank: int, *, exact: Literal[True]) -> Tuple[Fraction, Dict[int, Fraction]]: ...
    @overload
    def row(self, rank: int, *, exact: bool) -> Tuple[Any, Dict[int, Any]]:
        """The rank's own weight and those of its in-neighbours, as floats or exact fractions.

        Raises:
            IndexError: there is no such rank.
        """
    @property
    def rounds(self) -> List[Round]:
        """The rounds in order."""

@final
class Round:
    """One round: each rank sends at most one message and receives at most one."""

    @property
    def send_to(self) -> NDArray[np.int64]:
        """For each rank the rank it sends to, -1 for none; shape (size,)."""
    @property
    def recv_from(self) -> NDArray[np.int64]:
        """For each rank the rank it receives from, -1 for none; shape (size,)."""

@final
class Comm:
    """A rank of `spmd`."""

    @property
    def rank(self) -> int:
        """This rank, in ``0..size``."""
    @property
    def size(self) -> int:
        """The number of ranks."""
    def trainer(self, schedule: Schedule, x: _Array) -> Trainer:
        """A trainer of this rank's part of ``schedule``.

        Every rank makes the same trainers in the same order, from the same schedule and from arrays of one type and length.

        Args:
            schedule: for as many ranks as there are.
            x: the model's initial value, float32 or float64, of any shape; it is copied.

        Raises:
            ValueError: the schedule is for another number of ranks, or another rank made its trainer otherwise.
            ArrayError: the array is of another type, or not of the CPU.
        """
    @property
    def generator(self) -> Any:
        """Random numbers of this rank: a `torch.Generator`, seeded with the rank. Torch's own one is shared by the ranks, which
        are threads, so that what draws from it, such as dropout, does not repeat.
        """
    def _world(self) -> World: ...
    def _calls(self) -> Calls: ...

@final
class Trainer:
    """One rank's algorithm at work.

    Drive it by `step`, with a function that computes gradients, or by `next`, with one call per gradient; the two are the
    same machine. All ranks do the same. The interpreter's lock is released while ranks wait and mix.
    """

    @property
    def rank(self) -> int:
        """This rank."""
    @property
    def dtype(self) -> str:
        """``"float32"`` or ``"float64"``, that of the array the trainer was made from."""
    @property
    def steps(self) -> int:
        """The number of steps done."""
    @property
    def bytes_sent(self) -> int:
        """Bytes that this rank has sent, without headers."""
    def set_input(self, name: str, value: float) -> None:
        """Set a run-time input, such as ``"lr"``, from the next step on; to the same value on all ranks.

        Raises:
            RunError: the algorithm has no such input, or the value is not finite.
        """
    def step(
        self,
        x: _Array,
        grad_fn: Optional[_Gradient] = None,
        *,
        adapt_fn: Optional[_Adapt] = None,
        prox_fn: Optional[_Prox] = None,
    ) -> None:
        """One step of the algorithm, in place: ``x`` is the model before and after.

        Where the model is one of the algorithm's states, as in most, the memory of ``x`` *is* that state during the
        call, without a copy: what was changed in it since the last step counts, and peers read it directly. Where the
        model is computed from the states (push-sum), ``x`` receives it. The first step starts from what the trainer was
        made from.

        Args:
            x: a writable, contiguous CPU array of the trainer's type and shape: numpy, torch (``x.detach()``), any with
                ``__dlpack__``, but not jax, whose arrays never change. No other rank may train on its memory.
            grad_fn: ``grad_fn(point)`` returns the gradient of this rank's loss at ``point``, on this step's minibatch:
                an array of the same type and shape. ``point`` is ``x`` itself where the gradient is wanted at ``x``, else
                a copy, in an array of the library of ``x``; it is not to be changed.
            adapt_fn: for algorithms that say ``adapt``: ``adapt_fn(point, direction)`` returns the point after one step of
                the trainer's own optimizer.
            prox_fn: for algorithms that say ``prox``: ``prox_fn(point, rho)`` returns the minimizer of
                ``loss(x) + rho / 2 * |x - point|^2``.

        Raises:
            ArrayError: ``x`` or a returned array does not fit.
            RunError: a deadline passed, another rank ended, or the algorithm asks for a function that was not given.
            Exception: what ``grad_fn`` raised; the step cannot be continued, and the other ranks get a `RunError`.
        """
    def wanted(self) -> Optional[Literal["gradient", "adapted", "minimizer"]]:
        """What `next` is to be given: the gradient at `point`, the point after one step of the trainer's own optimizer, or
        the minimizer of the loss near `point` (see `rho`);
        ``None`` for an algorithm that asks nothing in a step (use `step`). Begins a step where none is under way.
        """
    def rho(self) -> Optional[float]:
        """The rho of the minimizer of ``loss(x) + rho / 2 * |x - point|^2`` that is wanted next, or ``None`` where none is."""
    def point(self) -> NDArray[Any]:
        """A copy of the point where the next gradient is wanted. Begins a step where none is under way, so that it waits for
        the other ranks to do the same.
        """
    def next(self, answer: _Array) -> bool:
        """Hand in the gradient at `point` (or what else is `wanted`), and run on to where the next one is.

        An algorithm that starts with a gradient (gradient tracking) asks for that first, before its first step.

        Returns:
            Whether that completed a step; then `model` is the new model.

        Raises:
            ArrayError, RunError: as for `step`; and `RunError` after `step`, which has taken the state to its array.
        """
    def model(self) -> NDArray[Any]:
        """A copy of the model's present value, in the shape of the trainer's array."""
    @property
    def neighbours(self) -> List[int]:
        """The ranks that states per edge are about, in the order of their entries; empty where the first topology has
        several phases.
        """
    def state(self, name: str) -> Union[NDArray[Any], float]:
        """A copy of a state of the algorithm.

        Its shape is the model's; ``(neighbours, *shape)`` for a state per edge, with one entry for each of `neighbours`;
        ``(neighbours,)`` for one number per edge; and a plain number where it is one per rank. What ``via = low_rank(r)``
        keeps for each neighbour has the shape ``(neighbours, 1 + r * side)``, ``side`` being the longer side of the model's
        matrix: first 0 for a matrix as high as the model's or 1 for one as high as the model's is wide, then its columns,
        each with room for ``side`` numbers.

        Raises:
            KeyError: the algorithm has no such state.
        """

@final
class Machine:
    """One rank's algorithm at work on a model of many tensors, which travel in buckets; made by `machine`.

    Questions are answered bucket by bucket (`ready`) or at once (`next`). All ranks make the same calls; the interpreter's
    lock is released while they wait. Ctrl-C ends a wait, and the machine with it.

    Arrays are numpy arrays, torch tensors or others with ``__dlpack__``, in CPU memory, of the tensor's shape. Numbers are
    copied in and out, and rounded where an array is shorter than what is stored; float64 is not converted. Tensors that
    require a gradient are written, too, which autograd does not see: call `torch.autograd.graph.increment_version`.
    """

    def __new__(cls, world: World, schedule: Schedule, names: Sequence[str], arrays: Sequence[_Array]) -> Machine: ...
    @property
    def buckets(self) -> List[List[int]]:
        """The tensors of each bucket, by index, in the order of the arrays for `ready`."""
    @property
    def steps(self) -> int:
        """The number of steps done."""
    @property
    def bytes_sent(self) -> int:
        """Bytes that this rank has sent, without headers. Waits for what is in flight."""
    def set_input(self, name: str, value: float) -> None:
        """Set a run-time input, such as ``"lr"``, from the next operation on; to the same value on all ranks.

        Raises:
            RunError: the algorithm has no such input.
        """
    def wanted(self) -> Optional[Literal["gradient", "adapted", "minimizer"]]:
        """What is to be answered next, as in `Trainer.wanted`. Begins a step where none is under way."""
    def point(self, into: Sequence[_Array]) -> None:
        """Copy the point of the next question into writable, contiguous arrays, one for each tensor."""
    def ready(self, bucket: int, answer: Sequence[_Array]) -> bool:
        """Answer for the tensors of one bucket, in the order of `buckets`. It travels while others are computed.

        Returns:
            Whether that completed a step.

        Raises:
            RunError: the bucket was answered before, or another rank ends or is late.
        """
    def turn(
        self, answers: Sequence[_Array], point: Sequence[_Array], model: Optional[Sequence[_Array]] = None,
        buckets: Optional[Sequence[int]] = None,
    ) -> Tuple[bool, Literal["gradient", "adapted", "minimizer"]]:
        """Answer, and go on to the next question, through steps that ask nothing: what `ready`, `next`, `wanted`, `point` and
        `model` do one by one, in one call.

        Args:
            answers: an array for each tensor; with ``buckets``, for the tensors of these, one bucket after another.
            point: writable arrays for the point of the next question; where they are the answers, too, give one list twice.
            model: writable arrays for the model, which is copied wherever a step is complete.
            buckets: those that are answered, by default all at once.

        Returns:
            Whether the answers completed a step, and what is wanted.
        """
    def next(self, answer: Optional[Sequence[_Array]] = None) -> bool:
        """Answer for all tensors; without arrays, do a step that asks nothing.

        Returns:
            Whether that completed a step.
        """
    def model(self, into: Sequence[_Array]) -> None:
        """Copy the model into writable, contiguous arrays, one for each tensor.

        Raises:
            RunError: within a step: after `wanted`, `point` or the first of several answers.
        """
    def state(self, name: str) -> Union[List[NDArray[Any]], NDArray[Any], float]:
        """Copies of a state of the algorithm: an array for each tensor, with one entry for each neighbour first where it is a
        state per edge; an array for each bucket for what ``via = low_rank(r)`` keeps; or a number, or one for each neighbour.
        Short numbers are given as float32.

        Raises:
            RunError: the algorithm has no such state.
        """
    def average(self, values: Any) -> None:
        """Average a writable array of float32 or float64 over all ranks, in place. Collective.

        Raises:
            RunError: while a question is answered bucket by bucket; another rank ends or is late.
        """
    def abandon(self, reason: str) -> None:
        """Let the waits of the other ranks for this one fail, with a reason; further calls fail, too."""
    def save(self) -> bytes:
        """All that `restore` needs to go on from here with the same bits."""
    def restore(self, saved: bytes) -> None:
        """Go on from where `save` was called, on this rank, with the same schedule and tensors; all ranks do so together.

        Raises:
            RunError: it does not fit; then nothing has changed.
        """
    def close(self) -> None:
        """End the machine, so that another one can be made; what is in flight comes to its end."""

@final
class Neighbours:
    """The edges of one rank, or of its machine, in a call of `Communicator`."""

    @staticmethod
    def weighted(self_weight: float, sources: Dict[int, float], destinations: Dict[int, float]) -> Neighbours:
        """Edges of a call. An edge is named on both ends, and its weight is the product of those that they give it.

        Args:
            self_weight: the weight of the rank's own array.
            sources: the ranks that are heard, with their weights.
            destinations: the ranks that hear this one, with the weights that it gives their edges, 1 as a rule.
        """
    @staticmethod
    def compiled(schedule: Schedule, rank: int, step: int, topology: int = 0) -> Neighbours:
        """Those of ``rank`` in a compiled schedule, with its proofs: what the schedule mixes over in step ``step`` of a topology,
        modulo its period. The same bits as in a machine.

        Raises:
            ArgumentError: there is no such rank.
            RunError: the schedule has no such topology.
        """

@final
class Calls:
    """Calls without a schedule, for `Communicator`."""

    def __new__(cls, world: World) -> Calls: ...
    @property
    def bytes_sent(self) -> int: ...
    def barrier(self) -> None: ...
    def broadcast(self, x: _Array, root: int) -> None: ...
    def allreduce(self, x: _Array, reduction: str, into: Optional[_Array], fast: bool) -> None: ...
    def reduce_scatter(self, x: _Array, reduction: str, into: Optional[_Array]) -> Tuple[int, int]: ...
    def allgather(self, x: _Array) -> List[Any]: ...
    def all_to_all(self, x: _Array, into: Optional[_Array]) -> None: ...
    def neighbor_allreduce(self, x: _Array, neighbours: Neighbours, into: Optional[_Array]) -> None: ...
    def neighbor_allgather(self, x: _Array, neighbours: Neighbours) -> List[Any]: ...
    def pair_average(self, x: _Array, partner: Optional[int], into: Optional[_Array]) -> None: ...
    def hierarchical_neighbor_allreduce(
        self, x: _Array, machine: Tuple[int, int], neighbours: Neighbours, into: Optional[_Array]
    ) -> None: ...
    def close(self) -> None: ...

@final
class World:
    """The ranks that a launcher has started, or this process alone; made by `init`."""

    def __new__(cls, deadline: float) -> World: ...
    @property
    def rank(self) -> int: ...
    @property
    def size(self) -> int: ...
    @property
    def local_rank(self) -> int: ...
    @property
    def local_size(self) -> int: ...
    @property
    def deadline(self) -> float: ...

@final
class Buckets:
    """A model's tensors, by names, shapes and number types, in buckets."""

    def __new__(cls, tensors: Sequence[Tuple[str, Sequence[int], str]]) -> Buckets: ...
    @property
    def tensors(self) -> List[List[int]]: ...
    @property
    def text(self) -> str: ...
    def code(self, codec: str, bucket: int) -> Code: ...
    def factors(self, codec: str, bucket: int) -> Factors: ...

@final
class Factors:
    """What the ends of an edge compare the vectors of a bucket along."""

    @property
    def elements(self) -> int: ...
    def start(self, factor: Any) -> None: ...
    def project(self, x: Any, factor: Any, into: Any) -> None: ...
    def difference(self, mine_is_higher: bool, mine: Any, theirs: Any, into: Any) -> None: ...
    def correct(self, weight: float, factor: Any, difference: Any, x: Any) -> None: ...

@final
class Forms:
    """Tensors as they were when this was made: their types, shapes, devices, orders in memory and `requires_grad`."""

    def __new__(cls, tensors: Sequence[Any]) -> Forms: ...
    def changed(self) -> bool: ...

@final
class Code:
    """How a codec writes the vectors of a bucket."""

    @property
    def length(self) -> int: ...
    def encode(self, vector: _Array, step: int, rank: int) -> bytes: ...
    def decode(self, code: bytes, step: int, vector: _Array) -> None: ...

@final
class View:
    """Memory on its way to numpy."""

    @property
    def __array_interface__(self) -> Dict[str, Any]: ...

@final
class Group:
    """The ranks of one `spmd`."""

    def __new__(cls, size: int, deadline: float) -> Group: ...
    def comm(self, rank: int) -> Comm: ...
    def leave(self, rank: int, reason: Optional[str] = None) -> None: ...
    def late(self, ranks: Sequence[Tuple[int, str]]) -> BaseException: ...

_Arguments = Dict[str, Any]
_Output = Tuple[Dict[str, Any], str, Optional[str]]

def compile(name: str, arguments: _Arguments) -> Schedule: ...
def compile_source(text: str, name: str, arguments: _Arguments) -> Schedule: ...
def import_graph(
    path: Union[str, PathLike[str]], output: Union[str, PathLike[str], None], arguments: _Arguments
) -> Tuple[str, Dict[str, Any]]: ...
def analyze(name: str, arguments: _Arguments) -> _Output: ...
def sweep(name: str, arguments: _Arguments) -> _Output: ...
def compare(names: Sequence[str], arguments: _Arguments) -> _Output: ...
def simulate(name: str, arguments: _Arguments) -> _Output: ...
def advise(name: Optional[str], arguments: _Arguments) -> _Output: ...
def decode(data: bytes) -> Schedule: ...
def run_command(program: Sequence[str], arguments: Sequence[str]) -> int: ...
def apply_to_elements(name: str, operands: Sequence[Any], into: Any) -> None: ...
def apply_operation(name: str, operands: Sequence[float]) -> float: ...
def engines_differ(rank: int, mine: str, peer: int, theirs: str) -> Exception: ...
def exchange_failed(
    at: Tuple[int, Optional[int], Optional[Tuple[int, int]], int], peer: int, said: Optional[str], reason: Optional[str],
    deadline: float,
) -> Exception: ...
def has_launcher() -> bool: ...
def joined() -> Exception: ...
def machine_failed(rank: int, step: int) -> Exception: ...
def not_joined() -> Exception: ...
def ranks_differ(digest: bool, rank: int, mine: str, peer: int, theirs: str) -> Exception: ...
def unknown_input(name: str, algorithm: str, known: Sequence[str]) -> Exception: ...
def wrong_checkpoint(rank: int, reason: str) -> Exception: ...
def sum_terms(target: Any, terms: Sequence[Tuple[float, Any]], adds: bool) -> None: ...
def torch_error(code: str, found: str, subject: str) -> Exception: ...
def wrong_value(function: str, name: str, found: str, expected: str) -> Exception: ...
