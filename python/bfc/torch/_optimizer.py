"""An optimizer of torch whose steps are those of a decentralized algorithm."""

import warnings
from contextlib import contextmanager, nullcontext
from typing import Any, Callable, Dict, Iterator, List, Literal, Optional, Sequence, Union

import torch
from torch.optim import Optimizer

from .. import _bfc
from .._bfc import Schedule
from .._data import part_streams
from .._errors import Error
from .._world import deadline, machine_of, world
from ._base import check_bases, common_rate, name_tensors, only, weight_decays
from ._group import Group
from ._hooks import with_hooks
from ._overlap import Overlap
from ._registers import computed_in
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
        group: a group of `torch.distributed` that carries the tensors, on any device, instead of what `bfc.init` has
            joined; its ranks are those of the schedule.
        start: ``"broadcast"`` gives all ranks the parameters and buffers of rank 0, ``"check"`` compares them with those of
            rank 0, and ``"own"`` lets each rank start from its own.
        buffers: how the ranks treat the model's floating-point buffers, such as running means. With ``"local"``, each rank
            keeps its own; with ``"average"``, too, but `evaluating` shows their averages; with ``"mix"``, they travel with the
            parameters, for algorithms that say ``adapt``.
        overlap: whether the tensors of a bucket travel as soon as their gradients are there, while `backward` computes
            the others. Gradients are then not to be changed after `backward`: no clipping, no scaler. For bases that step
            each parameter apart from all others (SGD, Adam, AdamW, Adagrad, RMSprop and others).

    Attributes:
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
    ) -> None:
        self._bases = [base] if isinstance(base, Optimizer) else list(base)
        self._schedule = schedule
        _one_of("start", start, ("broadcast", "check", "own"))
        _one_of("buffers", buffers, ("local", "average", "mix"))
        if buffers != "local" and model is None:
            raise _bfc.torch_error("needs_model", f'`buffers="{buffers}"`', "")
        check_bases(self._bases, schedule, overlap)
        joined = world() if group is None else Group(group, deadline())
        parameters = name_tensors(self._bases, model)
        refuse_averages(list(parameters.values()))
        self._joined, self._is_group_own, self._model = joined, group is not None, model
        self._watch = Watch(parameters, model)
        held = self._buffers = dict(model.named_buffers()) if model else {}
        if start != "own":
            (broadcast if start == "broadcast" else check)({**parameters, **held}, joined)
        averaged = held.values() if buffers == "average" else ()
        self._averaged = [buffer for buffer in averaged if buffer.is_floating_point()]
        if buffers == "mix":
            if any("gradient" in block for block in schedule.questions):
                raise _bfc.torch_error("mixed_buffers", "", schedule.algorithm)
            parameters.update((name, buffer) for name, buffer in held.items() if buffer.is_floating_point())
        # What the constructor of `Optimizer` does, except for what belongs to the base.
        self.__setstate__({})
        self.skipped = 0
        self._evaluating, self._joining = False, False
        self._copied = 0
        self._rate: Optional[float] = None
        self._tensors = Tensors(parameters, on_host(joined))
        self._overlaps = overlap
        # What the schedule would say at every step.
        self._most_questions = max(map(len, schedule.questions[1:]))
        self._has_rate = "lr" in schedule.inputs
        self._machine = self._start()
        self._buckets = self._machine.buckets
        sizes = [tensor.nbytes for tensor in self._tensors.tensors]
        self._bytes = [sum(sizes[index] for index in bucket) for bucket in self._buckets]
        # Where the model is not at the parameters, it is kept here.
        self._models: Optional[Tensors] = None
        if not schedule.asks_at_model:
            home = torch.device("cpu") if on_host(joined) else None
            self._models = Tensors({name: one.to(home) for name, one in zip(parameters, self._clones())}, on_host(joined))
        self._overlap = Overlap(self._tensors, self._buckets, self._send) if overlap else None
        self._turn([], [])
        part_streams(joined.rank)

    @property
    def param_groups(self) -> Any:
        """The parameter groups of the base; of several, one after another."""
        groups = [base.param_groups for base in self._bases]
        return sum(groups, []) if groups[1:] else groups[0]

    @property
    def state(self) -> Any:
        """The state of the base; of several, a copy of all."""
        states = [base.state for base in self._bases]
        return {key: value for state in states for key, value in state.items()} if states[1:] else states[0]

    @property
    def defaults(self) -> Any:
        """The defaults of the first base."""
        return self._bases[0].defaults

    def add_param_group(self, param_group: Dict[str, Any]) -> None:
        """Not possible: the tensors that travel are the same for the whole run."""
        raise NotImplementedError("the tensors of a decentralized optimizer are fixed: make another one")

    @with_hooks
    def step(self, closure: Optional[Closure] = None) -> Any:
        """Answers the algorithm's question at the parameters, and moves these to the point of the next one. Collective.

        Args:
            closure: computes the loss of the minibatch and its gradients. With it, this is a whole step of the algorithm,
                whatever number of questions that has, each about the same minibatch.

        Returns:
            The loss that the first call of the closure has returned.

        Raises:
            OptimizerError: inside of `evaluating`; without a closure, if a step has several questions; if groups have
                different rates and the schedule has one.
            RunError: another rank ends or is late.
        """
        self._not_evaluating("`step()` was called")
        self._check()
        if self._joining:
            self._averages([1.0])
        if closure is None:
            if self._most_questions > 1:
                raise _bfc.torch_error("needs_closure", str(self._most_questions), self._schedule.algorithm)
            self._finish()
            return None
        losses: List[Any] = []
        done = False
        while not done:
            with torch.enable_grad():
                losses.append(closure())
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
        held, buffers = self._clones(), [buffer.clone() for buffer in self._averaged]
        self._evaluating = True
        try:
            if self._models is not None:
                self._tensors.copy_from(self._models.tensors)
            self._average([*(self._tensors.tensors if average else []), *self._averaged])
            with self.accumulating():
                yield
        finally:
            self._tensors.copy_from(held)
            with torch.no_grad():
                for buffer, values in zip(self._averaged, buffers):
                    buffer.copy_(values)
            self._evaluating = False

    def average(self) -> Dict[str, torch.Tensor]:
        """The average of the models of all ranks, by the names of the model's ``state_dict``, as copies. Buffers are averages with
        ``buffers="average"``, else those of this rank. Collective.
        """
        with self.evaluating(average=True):
            named = self._model.state_dict() if self._model else dict(zip(self._tensors.names, self._tensors.tensors))
            return {name: tensor.detach().clone() for name, tensor in named.items()}

    def consensus_distance(self) -> float:
        """How far the models of the ranks are from their average: the root of the mean over ranks of the squared norms of the
        differences, in float64. Collective.
        """
        with self.evaluating():
            own = self._clones()
        means = [tensor.clone() for tensor in own]
        self._average(means)
        squares = [(one.double() - mean.double()).square().sum().item() for one, mean in zip(own, means)]
        return float(self._averages([sum(squares)])[0] ** 0.5)

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
            while self._averages([0.0])[0] > 0:
                while not self._finish(idle=True) and self._most_questions > 1:
                    pass
        finally:
            self._joining = False

    def consolidated(self) -> Dict[str, Any]:
        """A `state_dict` for any number of ranks and any schedule: the average of all models, and the states of this rank's base.
        Where it is loaded, the algorithm starts again from there. Collective.
        """
        with self.evaluating(average=True):
            model = dict(zip(self._tensors.names, self._clones()))
        return {"consolidated": model, "bases": [base.state_dict() for base in self._bases], "skipped": self.skipped}

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
        """The states of the base optimizers and of the algorithm on this rank, with the model: a run that loads it goes on with the
        same bits. Each rank saves its own.
        """
        saved = torch.frombuffer(bytearray(self._machine.save()), dtype=torch.uint8)
        return {
            "bases": [base.state_dict() for base in self._bases],
            "machine": saved,
            "models": None if self._models is None else [model.clone() for model in self._models.tensors],
            "skipped": self.skipped,
        }

    def load_state_dict(self, state_dict: Dict[str, Any]) -> None:
        """Goes on from a `state_dict` of this rank, with the same schedule and model; the parameters change, too. All ranks
        load what they have saved after the same step.

        Raises:
            RunError: another rank, or another schedule or model, has saved it.
        """
        if "consolidated" in state_dict:
            self._restart(state_dict)
            return
        self._machine.restore(state_dict["machine"].numpy().tobytes())
        for base, state in zip(self._bases, state_dict["bases"]):
            base.load_state_dict(state)
        if self._models is not None:
            self._models.copy_from(state_dict["models"])
        self.skipped, self._rate = state_dict["skipped"], None
        self._turn([], [])

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

    def _restart(self, state_dict: Dict[str, Any]) -> None:
        """Starts the algorithm from a consolidated state."""
        self._machine.close()
        model = state_dict["consolidated"]
        self._tensors.copy_from([model[name] for name in self._tensors.names])
        if self._models is not None:
            self._models.copy_from(self._tensors.tensors)
        for base, state in zip(self._bases, state_dict["bases"]):
            base.load_state_dict(state)
        self._machine, self._rate, self.skipped = self._start(), None, state_dict["skipped"]
        warnings.warn(f"`{self._schedule.algorithm}` starts again, from the average of all ranks", stacklevel=3)
        self._turn([], [])

    def _check(self) -> None:
        """Raises an error, on the other ranks as well, if the model has changed or the ranks have parted."""
        try:
            if not self._is_group_own:
                world()
            if self._watch.check():
                self._tensors.look()
        except Error as failure:
            self._machine.abandon(f"it raised {failure.code}")
            raise

    def _average(self, tensors: List[torch.Tensor]) -> None:
        """Averages tensors over all ranks, in place; short numbers are averaged in float32."""
        alike: Dict[Any, List[torch.Tensor]] = {}
        for tensor in tensors:
            dtype = computed_in(tensor.dtype)
            device = torch.device("cpu") if on_host(self._joined) else tensor.device
            alike.setdefault((dtype, device), []).append(tensor)
        for (dtype, device), some in alike.items():
            flat = torch.cat([tensor.detach().to(device, dtype).flatten() for tensor in some])
            self._machine.average(flat)
            with torch.no_grad():
                for tensor, values in zip(some, flat.split([tensor.numel() for tensor in some])):
                    tensor.copy_(values.view(tensor.shape))

    def _averages(self, numbers: List[float]) -> List[float]:
        """The averages of numbers over all ranks."""
        tensors = self._tensors.tensors
        device = tensors[0].device if tensors and not on_host(self._joined) else torch.device("cpu")
        values = torch.tensor(numbers, dtype=torch.float64, device=device)
        self._machine.average(values)
        averages: List[float] = values.tolist()
        return averages

    def _not_evaluating(self, called: str) -> None:
        if self._evaluating:
            raise _bfc.torch_error("evaluating", called, "")

    def _clones(self) -> List[torch.Tensor]:
        return [tensor.detach().clone() for tensor in self._tensors.tensors]

    def _finish(self, idle: bool = False) -> bool:
        """Answers the rest of the question, an idle rank without a step or gradient; whether that ends a step of the algorithm."""
        rest = self._overlap.rest() if self._overlap else None
        return self._turn(self._answers(rest, idle or self._is_skipped()), rest)

    def _turn(self, answers: List[torch.Tensor], buckets: Optional[List[int]]) -> bool:
        """Answers for some buckets or for all, does what steps ask nothing, and moves the parameters to the point of the next
        question; whether that ends a step of the algorithm.
        """
        models = self._models
        kept = None if models is None else models.targets()
        done, self._wanted = self._machine.turn(answers, self._tensors.targets(), kept, buckets)
        self._tensors.written()
        whole = sum(self._bytes)
        self._copied += whole + (whole if buckets is None else sum(self._bytes[bucket] for bucket in buckets))
        return bool(done)

    def _send(self, bucket: int) -> None:
        """Answers for one bucket, while others are still computed."""
        self._machine.ready(bucket, self._answers([bucket]))
        self._copied += self._bytes[bucket]

    def _answers(self, buckets: Optional[List[int]], skipped: bool = False) -> List[torch.Tensor]:
        """The answers for all tensors, or for those of some buckets, one bucket after another."""
        tensors = None if buckets is None else [index for bucket in buckets for index in self._buckets[bucket]]
        if self._wanted == "gradient":
            self._set_rate()
            return self._gradients(_some(self._tensors.tensors, tensors), skipped)
        if not skipped:
            self._step_bases(tensors)
        return _some(self._tensors.read(), tensors)

    @torch.no_grad()

    def _gradients(self, tensors: List[torch.Tensor], skipped: bool) -> List[torch.Tensor]:
        """The gradients, with weight decay; zero where there is none."""
        decays = weight_decays(self.param_groups)
        gradients = []
        for tensor in tensors:
            gradient, decay = tensor.grad, decays.get(id(tensor))
            if skipped or gradient is None:
                gradient = torch.zeros_like(tensor)
            elif decay:
                gradient = torch.add(gradient, torch.mul(tensor, decay))
            is_plain = gradient.is_cpu and gradient.layout is torch.strided
            gradients.append(gradient if is_plain else self._tensors.given(gradient))
        return gradients

    def _step_bases(self, tensors: Optional[List[int]]) -> None:
        """The steps of the base for some tensors or for all."""
        if tensors is None or len(tensors) == len(self._tensors.tensors):
            within: Any = nullcontext()
        else:
            within = only(self._bases, {id(self._tensors.tensors[index]) for index in tensors})
        with within:
            for base in self._bases:
                base.step()

    def _set_rate(self) -> None:
        if not self._has_rate:
            return
        rate = common_rate(self.param_groups)
        if rate != self._rate:
            self._machine.set_input("lr", rate)
            self._rate = rate

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


def _some(tensors: List[torch.Tensor], chosen: Optional[List[int]]) -> List[torch.Tensor]:
    return tensors if chosen is None else [tensors[index] for index in chosen]


def _one_of(name: str, value: str, known: Sequence[str]) -> None:
    if value not in known:
        expected = "expected " + " or ".join(f'"{one}"' for one in known)
        raise _bfc.wrong_value("torch.Decentralized", name, repr(value), expected)
