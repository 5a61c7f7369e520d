"""Arrays in place: what is accepted, what is refused, and that nothing is copied."""

import numpy as np
import pytest

import bfc

DGD = "use topology::ring\nuse algorithm::dgd\nschedule { topology ring\n algorithm dgd(lr = 1/4) }"


@pytest.fixture(scope="module")
def schedule():
    return bfc.compile_source(DGD, size=1)


def alone(fn):
    return bfc.spmd(fn, 1)[0]


def refusal(schedule, x, start=None):
    """The code with which a step in place on `x` is refused."""

    def rank(comm):
        trainer = comm.trainer(schedule, np.zeros(4) if start is None else start)
        with pytest.raises(bfc.ArrayError) as refused:
            trainer.step(x, lambda point: point)
        good = np.ones(4) if start is None else np.ones_like(start)
        trainer.step(good, lambda point: point)  # a refused array does no harm
        return refused.value.code

    return alone(rank)


def test_arrays_that_cannot_be_changed_in_place_are_refused(schedule):
    frozen = np.zeros(4)
    frozen.flags.writeable = False
    assert refusal(schedule, frozen) == "bfc::array::read_only"
    assert refusal(schedule, np.zeros(8)[::2]) == "bfc::array::not_contiguous"
    assert refusal(schedule, np.zeros(4, np.float32)) == "bfc::array::mixed_types"
    assert refusal(schedule, np.zeros(4, np.int64)) == "bfc::array::wrong_type"
    assert refusal(schedule, np.zeros(5)) == "bfc::array::wrong_shape"
    assert refusal(schedule, np.zeros((2, 2))) == "bfc::array::wrong_shape"
    assert refusal(schedule, [0.0] * 4) == "bfc::array::not_an_array"
    unaligned = np.zeros(33, np.uint8)[1:].view(np.float64)
    assert refusal(schedule, unaligned) == "bfc::array::not_contiguous"
    assert refusal(schedule, np.zeros((2, 3)).T, np.zeros((3, 2))) == "bfc::array::not_contiguous"
    assert issubclass(bfc.ArrayError, ValueError)


def test_the_message_says_what_to_do(schedule):
    def rank(comm):
        comm.trainer(schedule, np.zeros(3, np.float16))

    with pytest.raises(bfc.ArrayError, match="float16") as refused:
        alone(rank)
    assert "astype" in str(refused.value)


def test_the_point_is_the_array_itself_or_a_view_in_its_shape(schedule):
    def rank(comm):
        x = np.arange(6.0).reshape(2, 3)
        trainer = comm.trainer(schedule, x)
        points = []

        def gradient(point):
            points.append(point)
            return point

        trainer.step(x, gradient)
        assert points[0].shape == (2, 3)
        return x, np.shares_memory(points[0], x)

    x, shared = alone(rank)
    np.testing.assert_array_equal(x, 0.75 * np.arange(6.0).reshape(2, 3))
    assert shared


def test_changes_between_steps_count(schedule):
    def rank(comm):
        x = np.zeros(2)
        trainer = comm.trainer(schedule, x)
        trainer.step(x, lambda point: point)
        x += 8.0
        trainer.step(x, lambda point: point)
        return x

    np.testing.assert_array_equal(alone(rank), [6.0, 6.0])


def test_gradients_may_lie_anyhow_but_must_fit(schedule):
    def rank(comm):
        x = np.ones((2, 3))
        trainer = comm.trainer(schedule, x)
        trainer.step(x, lambda point: np.asfortranarray(point))
        trainer.step(x, lambda point: np.repeat(point, 2, axis=1)[:, ::2])
        trainer.step(x, lambda point: np.broadcast_to(0.0, (2, 3)))
        for wrong, code in [
            (lambda point: point[:1], "bfc::array::wrong_shape"),
            (lambda point: point.astype(np.float32), "bfc::array::mixed_types"),
            (lambda point: None, "bfc::array::not_an_array"),
        ]:
            fresh = comm.trainer(schedule, x)
            with pytest.raises(bfc.ArrayError) as refused:
                fresh.step(x, wrong)
            assert refused.value.code == code
        return x

    np.testing.assert_array_equal(alone(rank), np.full((2, 3), 0.5625))


def test_what_a_trainer_returns_is_the_callers(schedule):
    def rank(comm):
        trainer = comm.trainer(schedule, np.ones(3))
        point, model = trainer.point(), trainer.state("x")
        point[:] = 5
        model[:] = 6
        trainer.next(trainer.point())
        return trainer.model()

    np.testing.assert_array_equal(alone(rank), np.full(3, 0.75))


def test_an_empty_model_is_a_model():
    schedule = bfc.compile("topology::ring", size=3)

    def rank(comm):
        x = np.zeros((0, 4))
        comm.trainer(schedule, x).step(x)
        return x.shape

    assert bfc.spmd(rank, 3) == [(0, 4)] * 3


def test_ranks_may_not_share_memory():
    schedule = bfc.compile("topology::ring", size=2)
    for offset in (0, 2):
        shared = np.zeros(6)

        def rank(comm):
            x = shared[comm.rank * offset :][:4]
            comm.trainer(schedule, x).step(x)

        with pytest.raises(bfc.ArrayError) as refused:
            bfc.spmd(rank, 2)
        assert refused.value.code == "bfc::array::overlap"
    shared = np.zeros(8)

    def apart(comm):
        x = shared[comm.rank * 4 :][:4]
        comm.trainer(schedule, x).step(x)

    bfc.spmd(apart, 2)


class Wrapped:
    """An array of no known library, with the first version of the protocol."""

    def __init__(self, array, device=(1, 0)):
        self.array, self.device = array, device

    def __dlpack__(self):
        return self.array.__dlpack__()

    def __dlpack_device__(self):
        return self.device


def test_any_array_with_dlpack_serves(schedule):
    def rank(comm):
        x = Wrapped(np.ones(4))
        trainer = comm.trainer(schedule, x)
        trainer.step(x, lambda point: Wrapped(x.array))
        return x.array

    np.testing.assert_array_equal(alone(rank), np.full(4, 0.75))


def test_devices_and_libraries_that_do_not_fit_are_refused(schedule):
    assert refusal(schedule, Wrapped(np.zeros(4), (2, 0))) == "bfc::array::not_on_cpu"

    class Jax(Wrapped):
        pass

    Jax.__module__ = "jaxlib._jax"
    assert refusal(schedule, Jax(np.zeros(4))) == "bfc::array::jax_in_place"

    class Broken(Wrapped):
        def __dlpack__(self):
            raise BufferError("it requires a gradient")

    assert refusal(schedule, Broken(np.zeros(4))) == "bfc::array::not_exported"


def torch_like(array, **options):
    """An array that says it is torch's, whether or not torch is installed."""
    kind = type("Tensor", (Wrapped,), {"__module__": "torch"})
    return kind(array, **options)


HELP = [
    (np.zeros(4, np.float16), "`x = x.astype(np.float32)`", "`x = x.to(torch.float32)`"),
    (np.zeros(4, np.int64), "`x = x.astype(np.float32)`", "`x = x.to(torch.float32)`"),
    (np.zeros(4, np.float32), "`x.astype(np.float64)`", "`x.to(torch.float64)`"),
    (np.zeros(8)[::2], "`np.ascontiguousarray(x)`", "`x.contiguous()`"),
]


@pytest.mark.parametrize("array,numpy,torch", HELP)
def test_help_is_in_the_words_of_the_arrays_library(schedule, array, numpy, torch):
    def told(x):
        def rank(comm):
            comm.trainer(schedule, np.zeros(4)).step(x, lambda point: point)

        with pytest.raises(bfc.ArrayError) as refused:
            alone(rank)
        return " ".join(str(refused.value).split())

    assert numpy in told(array) and "torch." not in told(array)
    message = told(torch_like(array))
    assert torch in message and "np." not in message and "astype" not in message


def test_help_for_devices_and_shared_memory_is_in_the_words_of_the_library(schedule):
    def on_device(x):
        with pytest.raises(bfc.ArrayError) as refused:
            alone(lambda comm: comm.trainer(schedule, x))
        return str(refused.value)

    assert "`x.cpu()`" in on_device(torch_like(np.zeros(4), device=(2, 0)))
    assert "`x.cpu()`" not in on_device(Wrapped(np.zeros(4), (2, 0)))
    shared, ring = np.zeros(4), bfc.compile("topology::ring", size=2)
    with pytest.raises(bfc.ArrayError, match=r"x\.clone\(\)"):
        bfc.spmd(lambda comm: comm.trainer(ring, np.zeros(4)).step(torch_like(shared)), 2)


def test_jax_arrays_are_refused_in_place_and_taken_as_gradients(schedule):
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    assert refusal(schedule, jax.numpy.zeros(4)) == "bfc::array::jax_in_place"

    def rank(comm):
        x = np.ones(4)
        comm.trainer(schedule, x).step(x, lambda point: jax.numpy.asarray(point) * 1.0)
        return x

    np.testing.assert_array_equal(alone(rank), np.full(4, 0.75))


def test_torch_tensors_train_in_place(schedule):
    torch = pytest.importorskip("torch")

    def rank(comm):
        parameter = torch.nn.Parameter(torch.ones(4, dtype=torch.float64))
        trainer = comm.trainer(schedule, parameter.detach())
        with pytest.raises(bfc.ArrayError) as refused:
            trainer.step(parameter, lambda point: point)
        assert refused.value.code == "bfc::array::not_exported"

        def gradient(point):
            assert isinstance(point, torch.Tensor) and point.data_ptr() == parameter.data_ptr()
            return point.clone()

        trainer.step(parameter.detach(), gradient)
        return parameter.tolist()

    assert alone(rank) == [0.75] * 4
