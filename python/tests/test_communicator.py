"""Calls without a schedule: on threads and on processes, on arrays of numpy and torch, and where ranks disagree."""

import numpy as np
import pytest

import bfc
from test_machine import on_ranks

DTYPES = ("float64", "float32", "float16", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")


def on_threads(size, body):
    """What a function of a communicator returns on each rank."""

    def rank(comm):
        with bfc.communicator(comm) as calls:
            return body(calls)

    return bfc.spmd(rank, size, deadline=30)


@pytest.fixture
def alone():
    bfc.init()
    yield
    bfc.shutdown()


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_type_is_moved_and_reduced(dtype):
    def body(calls):
        x = np.array([calls.rank + 1, 3], dtype)
        y = np.zeros(2, dtype)
        calls.allreduce(x, "sum", into=y)
        calls.allreduce(x, "max", fast=True)
        z = np.full(2, calls.rank, dtype)
        calls.broadcast(z, root=2)
        return x.tolist(), y.tolist(), z.tolist()

    assert on_threads(3, body) == [([3, 3], [6, 9], [2, 2])] * 3


def test_arrays_are_gathered_scattered_and_exchanged():
    def body(calls):
        rows = calls.allgather(np.full((calls.rank, 2), float(calls.rank), np.float32))
        blocks = np.arange(3) + 10 * calls.rank
        calls.all_to_all(blocks)
        x = np.arange(4.0) + calls.rank
        block = calls.reduce_scatter(x, "mean")
        calls.barrier()
        return [row.tolist() for row in rows], blocks.tolist(), (block.start, x[block].tolist()), calls.bytes_sent > 0

    rows = [[], [[1.0, 1.0]], [[2.0, 2.0]] * 2]
    means = [(0, [1.0]), (1, [2.0]), (2, [3.0, 4.0])]
    assert on_threads(3, body) == [(rows, [r, 10 + r, 20 + r], means[r], True) for r in range(3)]


def test_neighbours_are_heard_with_their_weights():
    schedule = bfc.compile("topology::one_peer_exp2", size=4)

    def body(calls):
        before, after = (calls.rank - 1) % 4, (calls.rank + 1) % 4
        ring = bfc.Neighbours.weighted(0.5, {before: 0.25}, {after: 2.0})
        x, y = np.array([float(calls.rank)]), np.zeros(1)
        calls.neighbor_allreduce(x, ring, into=y)
        heard = calls.neighbor_allgather(x, ring)
        averaged = x.copy()
        for step in range(2):
            calls.neighbor_allreduce(averaged, bfc.Neighbours.compiled(schedule, calls.rank, step))
        pair = x.copy()
        calls.pair_average(pair, calls.rank ^ 1)
        machines = x.copy()
        other = bfc.Neighbours.weighted(0.5, {1 - calls.rank // 2: 0.5}, {1 - calls.rank // 2: 1.0})
        calls.hierarchical_neighbor_allreduce(machines, (calls.rank // 2, 2), other)
        return y.item(), [one.item() for one in heard], averaged.item(), pair.item(), machines.item()

    expected = [((r + (r - 1) % 4) / 2, [(r - 1) % 4], 1.5, r // 2 * 2 + 0.5, 1.5) for r in range(4)]
    assert on_threads(4, body) == expected


def test_calls_go_on_beside_other_work():
    def body(calls):
        x, y = np.full(3, float(calls.rank)), np.full(1, calls.rank)

        def both(beside):
            beside.allreduce(x, "mean")
            beside.allreduce(x, "sum")
            return x

        pending = calls.begin(both)
        calls.broadcast(y, root=1)
        found = pending.finish().tolist()
        failing = calls.begin(lambda beside: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            failing.finish()
        return found, y.item(), pending.is_over()

    assert on_threads(2, body) == [([1.0] * 3, 1, True)] * 2


def test_ranks_that_disagree_learn_it_and_go_on():
    def body(calls):
        x, codes = np.zeros(3), []
        attempts = [
            lambda: calls.allreduce(x, "sum") if calls.rank else calls.broadcast(x),
            lambda: calls.allreduce(x[: 2 + calls.rank], "mean"),
            lambda: calls.allreduce(x, "sum", fast=calls.rank == 0),
            lambda: calls.allreduce(x, "median" if calls.rank else "mean"),
            lambda: calls.allreduce(x[::2] if calls.rank else x[:2], "sum"),
            lambda: calls.allreduce(x, "sum", into=np.zeros(3, np.float32 if calls.rank else np.float64)),
            lambda: calls.allgather("text" if calls.rank else x),
            lambda: calls.broadcast(x, root=2),
            lambda: calls.allreduce(np.zeros(3, int), "mean"),
        ]
        for attempt in attempts:
            with pytest.raises(bfc.Error) as refused:
                attempt()
            codes.append(refused.value.code)
        calls.allreduce(x, "sum")
        return codes

    both = ["communicate::disagreement"] * 3
    own = ["argument::wrong_value", "array::not_contiguous", "array::wrong_type", "array::not_an_array"]
    last = ["communicate::out_of_range", "communicate::integers"]
    expected = [both + ["communicate::refused"] * 4 + last, both + own + last]
    assert on_threads(2, body) == [[f"bfc::{code}" for code in codes] for codes in expected]


def test_a_machine_and_a_communicator_take_turns(alone):
    schedule = bfc.compile("topology::ring", size=1)
    with bfc.communicator() as calls:
        assert (calls.rank, calls.size, repr(calls)) == (0, 1, "<bfc.Communicator rank 0 of 1>")
        with pytest.raises(bfc.RunError) as busy:
            bfc.machine(schedule, {"x": np.ones(2)})
    assert busy.value.code == "bfc::world::in_use"
    with pytest.raises(bfc.RunError) as ended:
        calls.barrier()
    assert ended.value.code == "bfc::execute::ended"
    bfc.machine(schedule, {"x": np.ones(2)}).close()
    with pytest.raises(bfc.ArgumentError):
        bfc.Neighbours.compiled(schedule, 1, 0)
    with pytest.raises(bfc.RunError) as missing:
        bfc.Neighbours.compiled(schedule, 0, 0, topology=1)
    assert missing.value.code == "bfc::communicate::no_topology"


def test_processes_call_on_tensors_too(tmp_path):
    pytest.importorskip("torch", reason="torch is not installed, so calls on its tensors are not tested")
    body = """
    import torch
    bfc.init(deadline=30)
    x = torch.nn.Parameter(torch.full((3,), float(bfc.rank() + 1), dtype=torch.bfloat16))
    loss = x.square().sum()
    with bfc.communicator() as calls:
        calls.allreduce(x, "mean")
        rows = calls.allgather(torch.full((bfc.rank() + 1, 2), bfc.rank()))
    try:
        loss.backward()
    except RuntimeError as error:
        seen = "modified by an inplace operation" in str(error)
    print(bfc.rank(), x.tolist(), [tuple(row.shape) for row in rows], rows[1].dtype, seen)
    """
    line = "[1.5, 1.5, 1.5] [(1, 2), (2, 2)] torch.int64 True"
    assert on_ranks(2, body, tmp_path) == [f"{rank} {line}" for rank in (0, 1)]
