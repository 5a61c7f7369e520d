"""Ranks that meet in a group of `torch.distributed`: what they say before the first tensor, and the rounds of tensors."""

import os
import socket
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Dict, List, Mapping, NamedTuple, Optional, Tuple

import torch
import torch.distributed as dist

from .. import _bfc
from .._bfc import Schedule

if TYPE_CHECKING:
    from ._machine import GroupMachine


class Place(NamedTuple):
    """Where a rank is in a run, for messages."""

    step: Optional[int]
    mix: Optional[Tuple[int, int]]
    """Topology and phase; nothing in an average."""
    round: int


Message = Tuple[torch.Tensor, int]
"""A tensor, and the rank that it goes to or comes from."""


class Group:
    """The ranks of an initialised group of `torch.distributed`.

    Args:
        group: the group; by default that of all processes.
        deadline: the longest wait for another rank, in seconds.

    Raises:
        OptimizerError: `torch.distributed` is not initialised, or this process is not in the group.
    """

    _made: ClassVar[Dict[Any, int]] = {}

    def __init__(self, group: Optional[Any], deadline: float) -> None:
        if not (dist.is_available() and dist.is_initialized()):
            raise _bfc.torch_error("no_group", "`torch.distributed` is not initialized", "")
        self._group = dist.group.WORLD if group is None else group
        if self._group is None or dist.get_rank(self._group) < 0:
            raise _bfc.torch_error("no_group", "this process is not in the group", "")
        self.rank, self.size = dist.get_rank(self._group), dist.get_world_size(self._group)
        self.deadline = deadline
        self._ranks = dist.get_process_group_ranks(self._group)
        # All ranks make as many groups, so that the keys of two do not collide.
        number = Group._made[self._group] = Group._made.get(self._group, -1) + 1
        store = dist.distributed_c10d._get_process_group_store(self._group)
        self._store = dist.PrefixStore(f"bfc/{number}", store)
        self._machines = 0
        self.local_rank, self.local_size = self._find_local()

    def machine(self, schedule: Schedule, tensors: Mapping[str, torch.Tensor], overlap: bool = False) -> "GroupMachine":
        """This rank's machine over the group; all ranks make it together."""
        from ._machine import GroupMachine

        return GroupMachine(self, schedule, tensors, overlap=overlap)

    def compare(self, digest: str, layout: str) -> None:
        """An error on all ranks where one has another schedule or other tensors than rank 0."""
        self._machines += 1
        store = dist.PrefixStore(f"machine/{self._machines}", self._store)
        store.set(str(self.rank), f"{digest}\n{layout}")
        if self.rank == 0:
            own = self._get(store, "0")
            other = next((rank for rank in range(self.size) if self._get(store, str(rank), rank) != own), None)
            store.set("verdict", "" if other is None else str(other))
        verdict = self._get(store, "verdict", 0)
        if verdict:
            said = [self._get(store, rank, int(rank)) for rank in ("0", verdict)]
            mine, theirs = (one.split("\n", 1) for one in said)
            part = 0 if mine[0] != theirs[0] else 1
            raise _bfc.ranks_differ(part == 0, 0, mine[part], int(verdict), theirs[part])

    def meet(self, devices: List[torch.device]) -> None:
        """Lets the backends of these devices connect all ranks: some need all of them for that.

        Raises:
            OptimizerError: as `carrier`.
        """
        for device in devices:
            if self.carrier(device).type != "cpu":
                dist.all_reduce(torch.zeros(1, device=device), group=self._group)

    def carrier(self, device: torch.device) -> torch.device:
        """Where tensors of a device are while they travel.

        Raises:
            OptimizerError: the group carries tensors neither of this device nor of the CPU.
        """
        backends = dist.get_backend_config(self._group)
        known = dict(entry.split(":") for entry in str(backends).split(","))
        # A backend may be named for a device whose tensors it cannot send: gloo for CUDA, nccl for the CPU.
        if device.type in known and (device.type == "cpu" or known[device.type] != "gloo"):
            return device
        if "cpu" in known and known["cpu"] != "nccl":
            return torch.device("cpu")
        raise _bfc.torch_error("no_backend", f"tensors of device `{device.type}`", str(backends))

    def begin(self, sends: List[Message], receives: List[Message], place: Place) -> "Round":
        """Begins one round; a rank without messages makes no call."""
        operations = [(dist.isend, *message) for message in sends] + [(dist.irecv, *message) for message in receives]
        peers = [peer for _, _, peer in operations]
        works: List[Tuple[Any, int]] = []
        try:
            for device in dict.fromkeys(tensor.device for _, tensor, _ in operations):
                batch = [
                    dist.P2POp(kind, tensor, self._ranks[peer], self._group)
                    for kind, tensor, peer in operations if tensor.device == device
                ]
                begun = dist.batch_isend_irecv(batch)
                there = [peer for _, tensor, peer in operations if tensor.device == device]
                # Backends that send a batch as a whole have one work for all of it.
                works.extend(zip(begun, there if len(begun) == len(there) else there[:1] * len(begun)))
        except RuntimeError as failure:
            raise self._failed(place, peers[0], str(failure)) from failure
        return Round(self, works, place)

    def wait(self, work: Any, peer: int, place: Place, on_host: bool) -> None:
        """Waits for a message, at most until the deadline; a stream of a device waits for itself."""
        start = time.monotonic()
        try:
            work.wait(timedelta(seconds=self.deadline)) if on_host else work.wait()
        except RuntimeError as failure:
            late = time.monotonic() - start >= 0.99 * self.deadline
            raise self._failed(place, peer, None if late else str(failure)) from failure

    def abandon(self, reason: str) -> None:
        """Says to the other ranks why this one has failed, unless another one has failed before."""
        try:
            self._store.compare_set("failed", "", f"{self.rank} {reason}")
        except RuntimeError:
            pass  # The store has ended with the process that held it, which the others see, too.

    def _failed(self, place: Place, peer: int, reason: Optional[str]) -> Exception:
        """The exception for a failed wait, once the other ranks can see it."""
        said = self._said()
        at = (self.rank, *place)
        if said and said[0] != self.rank:
            return _bfc.exchange_failed(at, *said, None, self.deadline)
        return _bfc.exchange_failed(at, peer, None, reason.splitlines()[0] if reason else None, self.deadline)

    def _said(self) -> Optional[Tuple[int, str]]:
        try:
            if not self._store.check(["failed"]):
                return None
            rank, reason = self._store.get("failed").decode().split(" ", 1)
        except RuntimeError:
            return None
        return int(rank), reason

    def _get(self, store: Any, key: str, peer: int = 0) -> str:
        try:
            store.wait([key], timedelta(seconds=self.deadline))
            return str(store.get(key).decode())
        except RuntimeError as failure:
            raise self._failed(Place(None, None, 0), peer, None) from failure

    def _find_local(self) -> Tuple[int, int]:
        """This rank among those of its machine, and their number."""
        if "LOCAL_RANK" in os.environ and self.size == int(os.environ.get("WORLD_SIZE", 0)):
            return int(os.environ["LOCAL_RANK"]), int(os.environ["LOCAL_WORLD_SIZE"])
        store = dist.PrefixStore("host", self._store)
        store.set(str(self.rank), socket.gethostname())
        hosts = [self._get(store, str(rank), rank) for rank in range(self.size)]
        here = [rank for rank, host in enumerate(hosts) if host == hosts[self.rank]]
        return here.index(self.rank), len(here)


class Round:
    """Messages on their way."""

    def __init__(self, group: Group, works: List[Tuple[Any, int]], place: Place) -> None:
        self._group, self._works, self._place = group, works, place

    def finish(self, on_host: bool) -> None:
        """Waits until all have arrived and have been taken."""
        for work, peer in self._works:
            self._group.wait(work, peer, self._place, on_host)


_compared: Dict[Any, int] = {}


def compare_engines(engine: str, group: Optional[Any], deadline: float) -> None:
    """An error where a rank of `torch.distributed` has chosen another engine: those of the group for the engine ``"torch"``, else all.

    Raises:
        RunError: it has (``bfc::world::engines_differ``), or does not say so within ``deadline`` seconds.
    """
    world = dist.group.WORLD
    if dist.get_rank(group or world) < 0:
        return  # Which is an error of its own.
    _compared[world] = number = _compared.get(world, 0) + 1
    store = dist.PrefixStore(f"bfc/engines/{number}", dist.distributed_c10d._get_process_group_store(world))
    own, ranks = dist.get_rank(), range(dist.get_world_size())
    store.set(str(own), engine)
    for peer in ranks if engine != "torch" else dist.get_process_group_ranks(group or world):
        try:
            store.wait([str(peer)], timedelta(seconds=deadline))
            theirs = store.get(str(peer)).decode()
        except RuntimeError as failure:
            raise _bfc.exchange_failed((own, None, None, 0), peer, None, None, deadline) from failure
        if theirs != engine:
            raise _bfc.engines_differ(own, engine, peer, theirs)
