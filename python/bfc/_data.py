"""Random numbers and data of the ranks."""

import random
import sys
from typing import Any, Iterator, List, Optional, Sequence

from . import _bfc
from ._world import rank, size

_seed: Optional[int] = None


def seed(value: int) -> None:
    """Seed `random`, numpy and torch alike on all ranks, so that models which are made next have the same parameters.
    `bfc.torch.Decentralized` then gives each rank random numbers of its own, such as those of dropout and of shuffling.

    Args:
        value: a whole number from 0 on, the same on all ranks.
    """
    global _seed
    _seed = value
    _seed_all(value)


def part_streams(own: int) -> None:
    """After `seed`, gives this rank random numbers of its own, once."""
    global _seed
    if _seed is not None:
        # Multiples of an odd number are far apart, modulo 2^64.
        _seed_all((_seed + (own + 1) * 0x9E3779B97F4A7C15) % 2**64)
        _seed = None


def _seed_all(value: int) -> None:
    import numpy as np

    random.seed(value)
    np.random.seed(value % 2**32)
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.manual_seed(value)


class Sampler:
    """This rank's part of a dataset, for `torch.utils.data.DataLoader`; made by `sampler`."""

    def __init__(self, indices: List[int], shuffle: bool, stream: str) -> None:
        self._indices, self._shuffle, self._stream, self._epoch = indices, shuffle, stream, 0

    def set_epoch(self, epoch: int) -> None:
        """Chooses the order of an epoch."""
        self._epoch = epoch

    def __iter__(self) -> Iterator[int]:
        indices = list(self._indices)
        if self._shuffle:
            random.Random(f"{self._stream}, epoch {self._epoch}").shuffle(indices)
        return iter(indices)

    def __len__(self) -> int:
        return len(self._indices)


def sampler(
    dataset: Sequence[Any], *, skew: float = 0.0, labels: Optional[Sequence[Any]] = None, shuffle: bool = True, seed: int = 0
) -> Sampler:
    """This rank's part of a dataset: as many items on all ranks, and never one on two.

    Args:
        dataset: has ``len`` and items.
        skew: 0 draws the parts at random; 1 sorts by label, so that each rank sees few labels; in between, items are ordered by
            ``(1 - skew) · place in the shuffle + skew · place by label``, as by ``bfc run --skew``.
        labels: a number for each item; by default ``dataset.targets``, or the second part of each item. Only read with skew.
        shuffle: whether each epoch has an order of its own, see `Sampler.set_epoch`.
        seed: what parts and orders are drawn from.

    Raises:
        ArgumentError: ``skew`` is not in [0, 1], or there are fewer items than ranks.
    """
    if not 0 <= skew <= 1:
        raise _bfc.wrong_value("sampler", "skew", repr(skew), "expected a number from 0 to 1")
    count, each = len(dataset), len(dataset) // size()
    if each == 0:
        raise _bfc.wrong_value("sampler", "dataset", f"{count} items", f"expected one for each of {size()} ranks")
    order = list(range(count))
    random.Random(f"{seed}").shuffle(order)
    if skew > 0:
        given = labels if labels is not None else getattr(dataset, "targets", None)
        known = [float(given[one] if given is not None else dataset[one][1]) for one in range(count)]
        by_label = {item: place for place, item in enumerate(sorted(order, key=known.__getitem__))}
        keys = {item: (1 - skew) * place + skew * by_label[item] for place, item in enumerate(order)}
        order.sort(key=keys.__getitem__)
    return Sampler(order[rank() * each:(rank() + 1) * each], shuffle, f"{seed}, rank {rank()}")
