"""Ranks as threads: results, failures, and the algorithms at work."""

import inspect
import queue
import re
import signal
import threading
import time

import numpy as np
import pytest

import bfc


def test_results_come_in_the_order_of_ranks():
    assert bfc.spmd(lambda comm: (comm.rank, comm.size), 5) == [(rank, 5) for rank in range(5)]
    assert bfc.spmd(lambda comm, a: a + comm.rank, 2, 10) == [10, 11]
    wrong = [("size", lambda: bfc.spmd(lambda comm: None, 0))]
    wrong += [("deadline", lambda d=d: bfc.spmd(lambda comm: None, 1, deadline=d)) for d in (-1.0, float("nan"), 1e30)]
    for name, refused in wrong:
        with pytest.raises(bfc.ArgumentError, match=f"`{name}`") as error:
            refused()
        assert error.value.code == "bfc::argument::wrong_value"


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name,size", [("one_peer_exp2", 8), ("ring", 6), ("star", 5), ("complete", 3), ("ring", 1)])
@pytest.mark.parametrize("elements", [1, 7, 40_000])
def test_a_step_is_the_matrix(name, size, elements, dtype):
    schedule = bfc.compile(f"topology::{name}", size=size)
    start = np.random.default_rng(1).normal(size=(size, elements)).astype(dtype)

    def rank(comm):
        x = start[comm.rank].copy()
        address = x.ctypes.data
        trainer = comm.trainer(schedule, x)
        for _ in range(2 * schedule.period + 1):
            trainer.step(x)
        assert x.ctypes.data == address
        return x, trainer.steps

    expected = start.astype(np.float64)
    phases = schedule.topologies[0].phases
    for step in range(2 * schedule.period + 1):
        expected = phases[step % len(phases)].matrix @ expected
    results = bfc.spmd(rank, size)
    got = np.stack([x for x, _ in results])
    np.testing.assert_allclose(got, expected, rtol=0, atol=20 * np.finfo(dtype).eps)
    assert {steps for _, steps in results} == {2 * schedule.period + 1}


def dgd(schedule, targets, steps):
    """Every rank pulls towards its target."""

    def rank(comm):
        x = np.zeros(targets.shape[1])
        trainer = comm.trainer(schedule, x)
        trainer.set_input("lr", 0.125)
        for _ in range(steps):
            trainer.step(x, lambda point: point - targets[comm.rank])
        np.testing.assert_array_equal(trainer.model(), x)
        return x

    return bfc.spmd(rank, schedule.size)


DGD = "use topology::ring\nuse algorithm::dgd\nschedule { topology ring\n algorithm dgd }"
TRACKING = "use topology::ring\nuse algorithm::gradient_tracking\nschedule { topology ring\n algorithm gradient_tracking }"


def test_dgd_is_its_recursion():
    schedule = bfc.compile_source(DGD, size=6)
    targets = np.random.default_rng(2).normal(size=(6, 3))
    matrix = schedule.topologies[0].phases[0].matrix
    expected = np.zeros((6, 3))
    for _ in range(20):
        expected = matrix @ expected - 0.125 * (expected - targets)
    got = np.stack(dgd(schedule, targets, 20))
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-14)


@pytest.mark.parametrize("source", [DGD, TRACKING])
def test_a_closure_and_one_call_per_gradient_drive_the_same_machine(source):
    schedule = bfc.compile_source(source, size=4)
    targets = np.random.default_rng(3).normal(size=(4, 5))

    def closure(comm):
        x = np.zeros(5)
        trainer = comm.trainer(schedule, x)
        for _ in range(30):
            trainer.step(x, lambda point: point - targets[comm.rank])
        return x

    def calls(comm):
        trainer = comm.trainer(schedule, np.zeros(5))
        completed = 0
        while completed < 30:
            assert trainer.wanted() == "gradient"
            completed += trainer.next(trainer.point() - targets[comm.rank])
        assert trainer.steps == 30
        return trainer.model()

    np.testing.assert_array_equal(bfc.spmd(closure, 4), bfc.spmd(calls, 4))


def test_gradient_tracking_reaches_the_common_optimum():
    schedule = bfc.compile_source(TRACKING, size=4)
    targets = np.random.default_rng(4).normal(size=(4, 2))
    for x in dgd(schedule, targets, 400):
        np.testing.assert_allclose(x, targets.mean(axis=0), atol=1e-9)


def test_push_sum_corrects_for_the_weights_and_x_receives_the_model():
    source = """
        use algorithm::push_sum
        topology t { for i in ranks { i -> (i + 1) mod size }
            for i in 2..size { 0 -> i }
            weights sender_uniform }
        schedule { topology t
            algorithm push_sum }
    """
    schedule = bfc.compile_source(source, size=5)

    def rank(comm):
        x = np.full(3, float(comm.rank))
        trainer = comm.trainer(schedule, x)
        for _ in range(200):
            trainer.step(x)
        np.testing.assert_array_equal(x, trainer.model())
        return x

    np.testing.assert_allclose(bfc.spmd(rank, 5), 2.0, atol=1e-12)


def test_states_and_inputs_are_reached_by_name():
    schedule = bfc.compile_source(TRACKING, size=2, params={"lr": 0.25})
    assert schedule.inputs == {"lr": 0.25} and schedule.states == ["x", "g", "y"]

    def rank(comm):
        x = np.zeros(2)
        trainer = comm.trainer(schedule, x)
        trainer.step(x, lambda point: point - 1)
        with pytest.raises(bfc.RunError) as refused:
            trainer.set_input("nope", 1)
        assert refused.value.code == "bfc::execute::unknown_input"
        with pytest.raises(KeyError):
            trainer.state("nope")
        np.testing.assert_array_equal(trainer.state("x"), x)
        return trainer.state("g").shape, trainer.bytes_sent > 0

    assert bfc.spmd(rank, 2) == [((2,), True)] * 2


RELAY = "use topology::star\nuse algorithm::relay_sgd\nschedule { topology star\n algorithm relay_sgd }"
POWER = "use topology::{topology}\nuse algorithm::power_gossip\nschedule {{ topology {topology}\n algorithm power_gossip(rank = 2) }}"


@pytest.mark.parametrize("shape", [(2, 3), (4,), (0,)])
def test_states_per_edge_have_one_entry_for_each_neighbour(shape):
    schedule = bfc.compile_source(RELAY, size=4)

    def rank(comm):
        x = np.full(shape, float(comm.rank))
        trainer = comm.trainer(schedule, x)
        trainer.step(x, np.zeros_like)
        assert trainer.state("x").shape == shape
        assert trainer.state("m").shape == (len(trainer.neighbours), *shape)
        np.testing.assert_array_equal(trainer.state("k"), np.ones(len(trainer.neighbours)))
        # In the first step each rank passes its own model on.
        np.testing.assert_array_equal(trainer.state("m"), np.full((len(trainer.neighbours), *shape), float(comm.rank)))
        return trainer.neighbours

    hub, *leaves = bfc.spmd(rank, 4)
    assert sorted(hub) == [1, 2, 3] and leaves == [[0]] * 3


@pytest.mark.parametrize("topology,size", [("ring", 5), ("path", 3), ("ring", 1)])
@pytest.mark.parametrize("elements,side", [(12, 4), (1, 1)])
def test_factors_are_states_too(topology, size, elements, side):
    schedule = bfc.compile_source(POWER.format(topology=topology), size=size)
    _, name = schedule.states
    assert name.startswith("factors of ")
    columns = min(2, side)

    def rank(comm):
        x = np.arange(float(elements)) * comm.rank
        trainer = comm.trainer(schedule, x)
        sides = []
        for _ in range(2):
            factors = trainer.state(name)
            each = 1 + columns * side if trainer.neighbours else 0
            assert factors.dtype == x.dtype
            assert factors.shape == (len(trainer.neighbours), each)
            sides += [set(factors[:, :1].flat)]
            trainer.step(x, np.zeros_like)
        return sides

    expected = [{0.0}, {1.0}] if size > 1 else [set(), set()]
    assert bfc.spmd(rank, size) == [expected] * size


def test_two_trainers_do_not_disturb_each_other():
    schedule = bfc.compile("topology::complete", size=3)

    def rank(comm):
        x, y = np.full(2, float(comm.rank)), np.full(4, float(comm.rank + 1), np.float32)
        a, b = comm.trainer(schedule, x), comm.trainer(schedule, y)
        b.step(y)
        a.step(x)
        return x[0], y[0]

    np.testing.assert_allclose(bfc.spmd(rank, 3), [(1, 2)] * 3, rtol=1e-6)


class Boom(Exception):
    pass


@pytest.mark.parametrize("where", ["before", "gradient", "between"])
def test_an_exception_in_one_rank_propagates_and_hangs_nobody(where):
    schedule = bfc.compile_source(DGD, size=4)
    ended, kept = [], []

    def rank(comm):
        x = np.zeros(3)

        def gradient(point):
            kept.append(point)
            if comm.rank == 2 and trainer.steps == 5 and where == "gradient":
                raise Boom(where)
            return point

        if comm.rank == 2 and where == "before":
            raise Boom(where)
        try:
            trainer = comm.trainer(schedule, x)
            for step in range(20):
                trainer.step(x, gradient)
                if comm.rank == 2 and step == 5 and where == "between":
                    kept.append(trainer)
                    raise Boom(where)
        except bfc.RunError as error:
            ended.append(error.code)
            raise

    start = time.monotonic()
    with pytest.raises(Boom, match=where) as raised:
        bfc.spmd(rank, 4, deadline=30)
    assert time.monotonic() - start < 10
    assert len(ended) == 3 and all(code.startswith("bfc::execute::") for code in ended)
    if hasattr(raised.value, "__notes__"):
        assert "rank 2" in raised.value.__notes__[0]


def test_a_rank_that_ends_early_is_an_error_not_a_hang():
    schedule = bfc.compile("topology::ring", size=3)

    def rank(comm):
        x = np.zeros(3)
        trainer = comm.trainer(schedule, x)
        for _ in range(3 if comm.rank == 1 else 5):
            trainer.step(x)

    start = time.monotonic()
    with pytest.raises(bfc.RunError) as raised:
        bfc.spmd(rank, 3, deadline=30)
    assert raised.value.code in ("bfc::execute::peer_left", "bfc::execute::peer_failed")
    assert time.monotonic() - start < 10


def test_a_late_rank_is_a_deadline():
    schedule = bfc.compile("topology::ring", size=3)

    def rank(comm):
        x = np.zeros(3)
        trainer = comm.trainer(schedule, x)
        if comm.rank == 0:
            time.sleep(1.5)
        trainer.step(x)

    with pytest.raises(bfc.RunError) as raised:
        bfc.spmd(rank, 3, deadline=0.3)
    assert raised.value.code == "bfc::execute::deadline" and "rank" in str(raised.value)


@pytest.mark.parametrize("steps", [0, 1])
def test_a_rank_that_never_comes_is_an_error_at_the_deadline(steps):
    """In a step, and at the end, where nothing is exchanged."""
    schedule = bfc.compile("topology::ring", size=4)
    over = threading.Event()

    def rank(comm):
        if comm.rank == 2:
            over.wait(100)
        for _ in range(steps):
            x = np.zeros(3)
            comm.trainer(schedule, x).step(x)

    start = time.monotonic()
    with pytest.raises(bfc.RunError) as raised:
        bfc.spmd(rank, 4, deadline=1.0)
    assert 1.0 <= time.monotonic() - start < 10
    over.set()
    message = str(raised.value)
    assert raised.value.code == "bfc::execute::deadline" and "waited 1s for rank 2" in message
    assert "over.wait(100)" in message and "deadline" in message


def test_a_failure_does_not_wait_for_ranks_that_compute():
    over = threading.Event()

    def rank(comm):
        if comm.rank == 1:
            raise Boom("at once")
        over.wait(100)

    start = time.monotonic()
    with pytest.raises(Boom) as raised:
        bfc.spmd(rank, 3)
    assert time.monotonic() - start < 10
    over.set()
    if hasattr(raised.value, "__notes__"):
        assert any("rank 2" in note and "over.wait(100)" in note for note in raised.value.__notes__)


def test_a_late_rank_fails_at_its_next_step():
    schedule = bfc.compile("topology::ring", size=3)
    over, failures = threading.Event(), queue.Queue()

    def rank(comm):
        x = np.zeros(3)
        trainer = comm.trainer(schedule, x)
        if comm.rank == 0:
            over.wait(100)
        try:
            trainer.step(x)
        except bfc.RunError as failure:
            failures.put((comm.rank, failure.code))
            raise

    with pytest.raises(bfc.RunError):
        bfc.spmd(rank, 3, deadline=0.3)
    over.set()
    seen = dict(failures.get(timeout=30) for _ in range(3))
    assert seen[0] == "bfc::execute::failed"


def test_computing_for_longer_than_the_deadline_is_no_waiting():
    schedule = bfc.compile("topology::ring", size=3)

    def rank(comm):
        x = np.zeros(3)
        trainer = comm.trainer(schedule, x)
        for _ in range(2):
            time.sleep(1.2)
            trainer.step(x)
        return comm.rank

    assert bfc.spmd(rank, 3, deadline=1.0) == [0, 1, 2]


def test_the_lock_is_free_while_a_rank_waits():
    schedule = bfc.compile("topology::ring", size=2)

    def rank(comm):
        x = np.zeros(3)
        trainer = comm.trainer(schedule, x)
        if comm.rank == 0:
            started = time.monotonic()
            turns = 0
            while time.monotonic() - started < 0.3:
                turns += 1
                time.sleep(0.001)
            trainer.step(x)
            return turns
        trainer.step(x)
        return 1000

    assert min(bfc.spmd(rank, 2)) > 20


def test_an_interrupt_ends_all_ranks():
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background inherits an ignored one
    schedule = bfc.compile("topology::ring", size=2)
    main = threading.main_thread().ident

    def rank(comm):
        x = np.zeros(3)
        trainer = comm.trainer(schedule, x)
        if comm.rank == 0:
            time.sleep(0.3)
            signal.pthread_kill(main, signal.SIGINT)
            time.sleep(0.5)
            return
        trainer.step(x)

    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        bfc.spmd(rank, 2, deadline=60)
    assert time.monotonic() - start < 10


def test_trainers_of_unlike_ranks_are_refused():
    ring, star = bfc.compile("topology::ring", size=2), bfc.compile("topology::ring", size=3)

    def wrong_size(comm):
        comm.trainer(star, np.zeros(2))

    with pytest.raises(bfc.ArgumentError, match="3 ranks"):
        bfc.spmd(wrong_size, 2)

    def unlike(comm):
        x = np.zeros(2 + comm.rank)
        comm.trainer(ring, x).step(x)

    with pytest.raises((ValueError, bfc.RunError)):
        bfc.spmd(unlike, 2)


def test_missing_functions_are_named():
    schedule = bfc.compile_source(DGD, size=1)

    def rank(comm):
        x = np.zeros(2)
        comm.trainer(schedule, x).step(x)

    with pytest.raises(TypeError, match="grad_fn"):
        bfc.spmd(rank, 1)


def failures_at_run_time():
    """A message of each kind that a trainer can provoke."""
    schedule = bfc.compile_source(TRACKING, size=2)
    ring = bfc.compile("topology::ring", size=2)
    messages = {}

    def note(failure):
        messages[getattr(failure, "code", None) or type(failure).__name__] = str(failure)

    def attempt(body):
        try:
            body()
        except Exception as failure:
            note(failure)

    def alone(comm):
        x = np.zeros(2)
        trainer = comm.trainer(bfc.compile_source(DGD, size=1), x)
        attempt(lambda: trainer.set_input("nope", 1.0))
        attempt(lambda: trainer.state("nope"))
        attempt(lambda: trainer.step(x))
        trainer = comm.trainer(bfc.compile_source(DGD, size=1), x)
        trainer.step(x, lambda point: point)
        attempt(lambda: trainer.next(x))
        attempt(lambda: trainer.step(x, lambda point: point[:1]))
        attempt(lambda: trainer.step(x, lambda point: point))

    def mid_step(comm):
        trainer = comm.trainer(schedule, np.zeros(2))
        trainer.next(trainer.point())
        trainer.point()
        attempt(trainer.model)

    def lengths(comm):
        x = np.zeros(2 + comm.rank)
        comm.trainer(ring, x).step(x)

    def late(comm):
        x = np.zeros(2)
        trainer = comm.trainer(ring, x)
        time.sleep(0.6 * comm.rank)
        trainer.step(x)

    def early(comm):
        x = np.zeros(2)
        for _ in range(1 + comm.rank):
            comm.trainer(ring, x.copy()).step(x)

    bfc.spmd(alone, 1)
    attempt(lambda: bfc.spmd(mid_step, 2))
    attempt(lambda: bfc.spmd(lengths, 2))
    attempt(lambda: bfc.spmd(late, 2, deadline=0.2))
    attempt(lambda: bfc.spmd(early, 2, deadline=5))
    attempt(lambda: bfc.spmd(lambda comm: comm.trainer(bfc.compile("topology::ring", size=3), np.zeros(1)), 2))
    return messages


def test_messages_name_only_what_python_has():
    messages = failures_at_run_time()
    assert {"bfc::execute::deadline", "bfc::execute::unknown_input", "bfc::execute::lent"} <= set(messages), set(messages)
    assert len(messages) >= 8, set(messages)
    owners = (bfc, bfc.Schedule, bfc.Comm, bfc.Trainer, bfc.Phase, bfc.Topology)
    known = {name for owner in owners for name in dir(owner)} | set(inspect.signature(bfc.spmd).parameters)
    for function in (bfc.Trainer.step, bfc.Comm.trainer):
        known |= set(inspect.signature(function).parameters)
    known |= {"bfc", "spmd", "help"}
    programs = {"dgd", "gradient_tracking", "x", "y", "g", "lr", "nope", "neighbor_averaging"}
    for code, message in messages.items():
        assert not re.search(r"(?<!\w)--\w", message), f"a flag of the command line: {message}"
        # A command reads what any program leaves.
        for quoted in re.findall(r"`([^`]*)`", message.replace("`bfc why-stuck`", "")):
            for name in re.findall(r"[A-Za-z_]\w*", quoted):
                assert name in known | programs, f"{code} names `{name}`: {message}"
