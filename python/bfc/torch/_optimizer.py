"""An optimizer of torch whose steps are those of a decentralized algorithm."""

import copy
import warnings
from contextlib import contextmanager
from typing import Any, Callable, Dict, Iterator, List, Literal, Optional, Sequence, Union

import torch
from torch.optim import Optimizer

from .. import _bfc
from .._bfc import Comm, Schedule
from .._data import part_streams
from .._errors import Error
from .._world import deadline, machine_of, world
from . import _states
from ._averages import Averages
from ._base import check_bases, check_memory, name_tensors
from ._group import Group
from ._hooks import with_hooks
from ._inputs import Inputs, compare
from ._minibatch import Minibatch
from ._oracle import Oracle, common_rate, groups_of
from ._overlap import Overlap
from ._start import broadcast, check, on_host
from ._tensors import Tensors
from ._watch import Watch, refuse_averages

Closure = Callable[[], Any]


class Decentralized(Optimizer):
    """Trains a model on all ranks: a base optimizer, or several, and a schedule that says what the ranks exchange.

    Where the algorithm says ``adapt``, a step of the base is the step that it asks for. Where it says ``grad``, the
    gradients answer it, with the weight decay of the base, which is then plain `torch.optim.SGD`; its ``lr`` is read in
    every step into the schedule's input ``lr``.

    Between steps the parameters are the point at which the algorithm asks its next question: compute the loss there as
    always. For many algorithms that is the model; `evaluating` gives the model for all. Learning rate schedulers,
    `torch.amp.GradScaler` and gradient clipping work as with the base. A parameter without a gradient does not move by
    itself, but is mixed like all others.

    Args:
        base: an optimizer, or several whose parameters travel together.
        schedule: one for as many ranks as there are, whose algorithm asks for gradients or steps.
        model: what names the tensors, in the order in which they travel; by default they are numbered.
        group: what carries the tensors instead of what `bfc.init` has joined: a group of `torch.distributed`, on any device,
            whose ranks are those of the schedule; or a rank of `bfc.spmd`, which is a thread.
        start: ``"broadcast"`` gives all ranks the parameters and buffers of rank 0, ``"check"`` compares them with those of
            rank 0, and ``"own"`` lets each rank start from its own.
        buffers: how the ranks treat the model's floating-point buffers, such as running means. With ``"local"``, each rank
            keeps its own; with ``"average"``, too, but `evaluating` shows their averages; with ``"mix"``, they travel with the
            parameters, for algorithms that say ``adapt``.
        overlap: whether the tensors of a bucket travel as soon as their gradients are there, while `backward` computes
            the others. Gradients are then not to be changed after `backward`: no clipping, no scaler. For bases that step
            each parameter apart from all others (SGD, Adam, AdamW, Adagrad, RMSprop and others).
        debug: whether each step compares the run-time inputs of all ranks, with the rate, in one more exchange.

    Attributes:
        inputs: the algorithm's run-time inputs by name, but for ``lr``, which is the rate of the base: a change holds from the
            next step on, and is made on all ranks.
        skipped: the steps that `torch.amp.GradScaler` found to be infinite on this rank. It takes part in their exchanges
            with unchanged parameters, or with a gradient of zero.

    Raises:
        OptimizerError: schedule, base and model do not fit, or ranks start differently (``bfc::torch::*``).
        ArgumentError: the schedule is for another number of ranks, or an argument has a value that it cannot have.
        RunError: ranks have different schedules or models, or another rank ends or is late.
    """

    _step_supports_amp_scaling = True

    def __init__(
        self,
        base: Union[Optimizer, Sequence[Optimizer]],
        schedule: Schedule,
        model: Optional[torch.nn.Module] = None,
        *,
        group: Optional[Any] = None,
        start: Literal["broadcast", "check", "own"] = "broadcast",
        buffers: Literal["local", "average", "mix"] = "local",
        overlap: bool = False,
        debug: bool = False,
    ) -> None:
        self._bases = [base] if isinstance(base, Optimizer) else list(base)
        self._schedule = schedule
        _one_of("start", start, ("broadcast", "check", "own"))
        _one_of("buffers", buffers, ("local", "average", "mix"))
        if buffers != "local" and model is None:
            raise _bfc.torch_error("needs_model", f'`buffers="{buffers}"`', "")
        if debug and overlap:
            raise _bfc.wrong_value("torch.Decentralized", "debug", "True", "expected False with `overlap=True`")
        check_bases(self._bases, schedule, overlap)
        joined = _join(group)
        rate_of_base = "lr" in schedule.inputs and any("gradient" in block for block in schedule.questions)
        if rate_of_base:
            _warn_of_rate(schedule, common_rate(groups_of(self._bases)), joined.rank)
        parameters = name_tensors(self._bases, model)
        refuse_averages(list(parameters.values()))
        self._joined, self._is_group_own, self._model = joined, group is not None, model
        self._watch = Watch(parameters, model, buffers == "mix")
        held = self._buffers
        for name, buffer in held.items():
            check_memory(name, buffer)
        if start != "own":
            (broadcast if start == "broadcast" else check)({**parameters, **held}, joined)
        self._averages_buffers = buffers == "average"
        if buffers == "mix":
            if any("gradient" in block for block in schedule.questions):
                raise _bfc.torch_error("mixed_buffers", "", schedule.algorithm)
            parameters.update((name, buffer) for name, buffer in held.items() if buffer.is_floating_point())
        # What the constructor of `Optimizer` does, except for what belongs to the base.
        self.__setstate__({})
        self.skipped = 0
        self._evaluating, self._joining = False, False
        self._generator = group.generator if isinstance(group, Comm) else None
        self._copied = 0
        self._tensors = Tensors(parameters, on_host(joined))
        self._overlaps, self._debug = overlap, debug
        # What the schedule would say at every step.
        self._most_questions = max(map(len, schedule.questions[1:]))
        self._machine = self._start()
        self.inputs = Inputs(schedule, self._machine)
        first = next(iter(parameters.values()), torch.empty(0))
        self._averages = Averages(self._machine, on_host(joined), first.device)
        self._buckets = self._machine.buckets
        self._oracle = Oracle(self._bases, self._tensors, self._buckets, self.inputs, schedule.algorithm, rate_of_base)
        sizes = [tensor.nbytes for tensor in self._tensors.tensors]
        self._bytes = [sum(sizes[index] for index in bucket) for bucket in self._buckets]
        # Where the model is not at the parameters, it is kept here.
        self._models: Optional[Tensors] = None
        if not schedule.asks_at_model:
            home = torch.device("cpu") if on_host(joined) else None
            self._models = Tensors({name: one.to(home) for name, one in zip(parameters, self._clones())}, on_host(joined))
        self._overlap = Overlap(self._tensors, self._buckets, self._send) if overlap else None
        self._turn([], [])
        if not isinstance(group, Comm):
            part_streams(joined.rank)

    @property
    def param_groups(self) -> Any:
        """The parameter groups of the base; of several, one after another."""
        return self._oracle.groups

    @property
    def state(self) -> Any:
        """The state of the base; of several, a copy of all."""
        states = [base.state for base in self._bases]
        return {key: value for state in states for key, value in state.items()} if states[1:] else states[0]

    @property
    def defaults(self) -> Any:
        """The defaults of the first base."""
        return self._bases[0].defaults

    def __deepcopy__(self, memo: Dict[int, Any]) -> Optimizer:
        """A copy of the base, which trains a copy of the model alone."""
        if self._bases[1:]:
            raise TypeError("a copy of several optimizers is not one: copy each of them")
        return copy.deepcopy(self._bases[0], memo)

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Not possible: the other ranks are not in a copy."""
        raise TypeError("a decentralized optimizer is not copied: save `optimizer.state_dict()`, or `copy.deepcopy` its base")

    @property
    def _buffers(self) -> Dict[str, torch.Tensor]:
        """The buffers that the model has now: a forward pass may replace them."""
        return {} if self._model is None else dict(self._model.named_buffers())

    def add_param_group(self, param_group: Dict[str, Any]) -> None:
        """Not possible: the tensors that travel are the same for the whole run."""
        raise NotImplementedError("the tensors of a decentralized optimizer are fixed: make another one")

    @with_hooks
    def step(self, closure: Optional[Closure] = None) -> Any:
        """Answers the algorithm's question at the parameters, and moves these to the point of the next one. Collective.

        Args:
            closure: computes the loss of the minibatch and its gradients. With it, this is a whole step of the algorithm,
                whatever number of questions that has, each about the same minibatch: with the same random numbers of torch, and
                with the model's buffers as they were.

        Returns:
            The loss that the first call of the closure has returned.

        Raises:
            OptimizerError: inside of `evaluating`; without a closure, if a step has several questions; if groups have
                different rates and the schedule has one.
            RunError: another rank ends or is late.
        """
        self._not_evaluating("`step()` was called")
        self._check()
        if self._debug:
            self._compare_settings()
        if self._joining:
            self._averages.of_numbers([1.0])
        if closure is None:
            if self._most_questions > 1:
                raise _bfc.torch_error("needs_closure", str(self._most_questions), self._schedule.algorithm)
            self._finish()
            return None
        losses: List[Any] = []
        minibatch, done = Minibatch(self._buffers.values(), self._generator), False
        while not done:
            try:
                if losses:
                    minibatch.restore()
                with torch.enable_grad():
                    losses.append(closure())
            except BaseException as failure:
                if losses:
                    # The step cannot be done again.
                    self._machine.abandon(f"its closure raised {type(failure).__name__}")
                raise
            done = self._finish()
        return losses[0]

    @contextmanager
    def evaluating(self, *, average: bool = False) -> Iterator[None]:
        """Inside, the parameters are the algorithm's model: for evaluation and for saving. Afterwards they are what they were,
        bit for bit. Collective with ``average=True`` and with ``buffers="average"``.

        Args:
            average: whether they are the average of the models of all ranks.
        """
        self._not_evaluating("`evaluating()` was called")
        averaged = [one for one in self._buffers.values() if self._averages_buffers and one.is_floating_point()]
        held, buffers = self._clones(), [buffer.clone() for buffer in averaged]
        self._evaluating = True
        try:
            if self._models is not None:
                self._tensors.copy_from(self._models.tensors)
            self._averages.average([*(self._tensors.tensors if average else []), *averaged])
            with self.accumulating():
                yield
        finally:
            self._tensors.copy_from(held)
            with torch.no_grad():
                for buffer, values in zip(averaged, buffers):
                    buffer.copy_(values)
            self._versions = self._present_versions()
            self._evaluating = False

    def average(self) -> Dict[str, torch.Tensor]:
        """The average of the models of all ranks, by the names of the model's ``state_dict``, as copies. Buffers are averages with
        ``buffers="average"``, else those of this rank. Collective.
        """
        with self.evaluating(average=True):
            named = self._model.state_dict() if self._model is not None else dict(zip(self._tensors.names, self._tensors.tensors))
            return {name: tensor.detach().clone() for name, tensor in named.items()}

    def consensus_distance(self) -> float:
        """How far the models of the ranks are from their average: the root of the mean over ranks of the squared norms of the
        differences, in float64. Collective.
        """
        with self.evaluating():
            own = self._clones()
        means = [tensor.clone() for tensor in own]
        self._averages.average(means)
        squares = [(one.double() - mean.double()).square().sum().item() for one, mean in zip(own, means)]
        return float(self._averages.of_numbers([sum(squares)])[0] ** 0.5)

    @contextmanager
    def join(self) -> Iterator[None]:
        """Around a loop over batches whose number differs between ranks: a rank that has left its loop takes part in the exchanges
        of the others, with unchanged parameters or a gradient of zero, until all have left theirs. Each step inside exchanges
        one more number. Collective; not with ``overlap=True``.
        """
        if self._overlap is not None:
            raise _bfc.wrong_value("torch.Decentralized", "overlap", "True", "expected False where ranks `join`")
        self._joining = True
        try:
            yield
            while self._others_step():
                while not self._finish(idle=True) and self._most_questions > 1:
                    pass
        finally:
            self._joining = False

    def consolidated(self) -> Dict[str, Any]:
        """A `state_dict` for any number of ranks and any schedule: the average of all models, the model's buffers as in `average`, and
        the states of this rank's base, which bases of the same kind take over. Where it is loaded, the algorithm starts again
        from there. Collective.
        """
        return _states.consolidated(self)

    @contextmanager
    def accumulating(self) -> Iterator[None]:
        """Inside, `backward` only adds to the gradients: nothing travels, also with ``overlap=True``. For all minibatches of a
        step but the last one.
        """
        if self._overlap is None:
            yield
            return
        before, self._overlap.waits = self._overlap.waits, True
        try:
            yield
        finally:
            self._overlap.waits = before

    def state_dict(self) -> Dict[str, Any]:
        """The states of the base optimizers, in torch's layout, and under the key ``bfc`` that of the algorithm on this rank, with
        the model: a run that loads it goes on with the same bits. Each rank saves its own.
        """
        for before in self._optimizer_state_dict_pre_hooks.values():
            before(self)
        state_dict = _states.of(self)
        for after in self._optimizer_state_dict_post_hooks.values():
            state_dict = after(self, state_dict) or state_dict
        return state_dict

    def load_state_dict(self, state_dict: Dict[str, Any]) -> None:
        """Goes on from a `state_dict` of this rank, with the same schedule and model; the parameters change, too. All ranks
        load what they have saved after the same step. A state that does not fit changes nothing.

        Raises:
            OptimizerError: inside of `evaluating`; it is not from a decentralized optimizer, or not from one like this.
            RunError: another rank, or another schedule or model, has saved it.
        """
        self._not_evaluating("`load_state_dict()` was called")
        for before in self._optimizer_load_state_dict_pre_hooks.values():
            state_dict = before(self, state_dict) or state_dict
        _states.load(self, state_dict)
        for after in self._optimizer_load_state_dict_post_hooks.values():
            after(self)

    def statistics(self) -> Dict[str, int]:
        """What this rank has done: ``steps`` of the algorithm, ``skipped`` ones, ``bytes_sent`` to other ranks, without
        headers, and ``bytes_copied`` between tensors and the ``buckets`` that travel. Waits for what is in flight.
        """
        return {
            "steps": self._machine.steps,
            "skipped": self.skipped,
            "bytes_sent": self._machine.bytes_sent,
            "bytes_copied": self._copied,
            "buckets": len(self._buckets),
        }

    def close(self) -> None:
        """Ends the exchange with the other ranks, so that another optimizer can begin one."""
        if self._overlap:
            self._overlap.close()
        self._machine.close()

    def _start(self) -> Any:
        """A machine that begins at the parameters."""
        named = dict(zip(self._tensors.names, self._tensors.read()))
        return machine_of(self._joined, self._schedule, named, self._overlaps)

    def _start_again(self) -> None:
        """Another machine, which begins at the parameters; the old one is closed."""
        if self._models is not None:
            self._models.copy_from(self._tensors.tensors)
        self._machine = self._averages.machine = self._start()
        self.inputs.move(self._machine)

    def _check(self) -> None:
        """Raises an error, on the other ranks as well, if the model has changed or the ranks have parted."""
        try:
            if not self._is_group_own:
                world()
            if self._watch.check():
                self._tensors.look()
            self._refuse_written()
        except Error as failure:
            self._machine.abandon(f"it raised {failure.code}")
            raise

    def _compare_settings(self) -> None:
        # All ranks find the same: none needs to tell the others.
        compare(self._oracle.settings, self._joined.rank, self._joined.size, self._averages.of_numbers)

    def _others_step(self) -> bool:
        """Whether ranks that `join` have not left their loops, asked by one that has."""
        if self._debug:
            self._compare_settings()
        return self._averages.of_numbers([0.0])[0] > 0

    def _present_versions(self) -> Optional[List[int]]:
        """What tells that parameters were written, where the algorithm would not take that over."""
        return [tensor._version for tensor in self._tensors.tensors] if self._wanted == "gradient" else None

    def _refuse_written(self) -> None:
        """An error where the parameters are not the point of the question any more; values that are the same again are no matter."""
        if self._versions is None or self._versions == self._present_versions():
            return
        points = [torch.empty_like(one) for one in self._tensors.read()]
        self._machine.point(points)
        if not all(map(torch.equal, points, self._tensors.read())):
            raise _bfc.torch_error("written_parameters", "", self._schedule.algorithm)
        self._versions = self._present_versions()

    def _not_evaluating(self, called: str) -> None:
        if self._evaluating:
            raise _bfc.torch_error("evaluating", called, "")

    def _clones(self) -> List[torch.Tensor]:
        return [tensor.detach().clone() for tensor in self._tensors.tensors]

    def _finish(self, idle: bool = False) -> bool:
        """Answers the rest of the question, an idle rank without a step or gradient; whether that ends a step of the algorithm."""
        rest = self._overlap.rest() if self._overlap else None
        return self._turn(self._oracle.answers(self._wanted, rest, idle or self._is_skipped()), rest)

    def _turn(self, answers: List[torch.Tensor], buckets: Optional[List[int]]) -> bool:
        """Answers for some buckets or for all, does what steps ask nothing, and moves the parameters to the point of the next
        question; whether that ends a step of the algorithm.
        """
        models = self._models
        kept = None if models is None else models.targets()
        done, self._wanted = self._machine.turn(answers, self._tensors.targets(), kept, buckets)
        self._tensors.written()
        self._versions = self._present_versions()
        whole = sum(self._bytes)
        self._copied += whole + (whole if buckets is None else sum(self._bytes[bucket] for bucket in buckets))
        return bool(done)

    def _send(self, bucket: int) -> None:
        """Answers for one bucket, while others are still computed."""
        self._machine.ready(bucket, self._oracle.answers(self._wanted, [bucket]))
        self._copied += self._bytes[bucket]

    def _is_skipped(self) -> bool:
        """Whether `torch.amp.GradScaler` has found this rank's gradients to be infinite; else takes its scale away."""
        found, scale = getattr(self, "found_inf", None), getattr(self, "grad_scale", None)
        if self._overlap and found is not None:
            raise _bfc.torch_error("late_gradient", self._tensors.names[-1], "")
        if found is not None and found.item():
            self.skipped += 1
            return True
        if scale is not None:
            for gradient in (tensor.grad for tensor in self._tensors.tensors if tensor.grad is not None):
                gradient.div_(scale.to(gradient.device))
        return False


def _join(group: Optional[Any]) -> Any:
    """The ranks that exchange."""
    if group is None:
        return world()
    return group._world() if isinstance(group, Comm) else Group(group, deadline())


def _warn_of_rate(schedule: Schedule, rate: float, rank: int) -> None:
    """The proofs of a schedule are about the rate that it was compiled with."""
    own = schedule.inputs["lr"]
    if rate != own and rank == 0:
        said = f"`{schedule.algorithm}` is compiled for lr = {own:g}, and so are its proofs; it runs with that of the base, {rate:g}"
        warnings.warn(f"{said}: compile it with `params={{\"lr\": {rate:g}}}`", stacklevel=3)


def _one_of(name: str, value: str, known: Sequence[str]) -> None:
    if value not in known:
        expected = "expected " + " or ".join(f'"{one}"' for one in known)
        raise _bfc.wrong_value("torch.Decentralized", name, repr(value), expected)
