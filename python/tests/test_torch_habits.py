"""What users of torch do around an optimizer: states, hooks, copies, threads, and what is refused."""

import copy
import pickle

import numpy as np
import pytest

import bfc

torch = pytest.importorskip("torch", reason="torch is not installed, so its optimizers are not tested")
import bfc.torch  # noqa: E402
from test_torch import TWICE, alone, loss_of, model, numbers, same, schedule, train  # noqa: E402, F401


def test_run_time_inputs_are_set_by_name():
    source = """
use topology::ring
algorithm scaled(lr: scalar = 0.5, factor: scalar = 1) {
    state x = params
    step { x <- mix(x - lr * factor * grad(x)) }
}
schedule {
    topology ring
    algorithm scaled
}
"""
    x = torch.nn.Parameter(torch.ones(2))
    schedule = bfc.compile_source(source, size=1)
    with pytest.warns(UserWarning, match='for lr = 0.5, .* of the base, 0.25: .*params={"lr": 0.25}'):
        optimizer = bfc.torch.Decentralized(torch.optim.SGD([x], lr=0.25), schedule, debug=True)
    assert dict(optimizer.inputs) == {"lr": 0.5, "factor": 1.0}
    optimizer.inputs["factor"] = 2.0
    for expected in (0.5, 0.0):
        x.grad = torch.ones(2)
        optimizer.step()
        assert x.tolist() == [expected] * 2 and optimizer.inputs["lr"] == 0.25
    with pytest.raises(bfc.RunError) as unknown:
        optimizer.inputs["other"] = 1.0
    assert unknown.value.code == "bfc::execute::unknown_input" and "other" not in optimizer.inputs
    with pytest.raises(bfc.ArgumentError, match="param_groups"):
        optimizer.inputs["lr"] = 1.0
    saved = optimizer.state_dict()
    optimizer.inputs["factor"] = 3.0
    optimizer.load_state_dict(saved)
    assert optimizer.inputs["factor"] == 2.0
    optimizer.close()


def test_states_are_laid_out_as_those_of_torch():
    net = model()
    halves = list(net.parameters())[:2], list(net.parameters())[2:]
    bases = [torch.optim.AdamW(halves[0], lr=0.1), torch.optim.SGD(halves[1], lr=0.2, momentum=0.9)]
    optimizer = bfc.torch.Decentralized(bases, schedule("atc_diffusion"), net)
    train(optimizer, net, 2)
    saved = copy.deepcopy(optimizer.state_dict())
    assert [group["params"] for group in saved["param_groups"]] == [[0, 1], list(range(2, len(halves[1]) + 2))]
    assert set(saved["state"][0]) == {"step", "exp_avg", "exp_avg_sq"} and set(saved["state"][2]) == {"momentum_buffer"}
    train(optimizer, net, 2)
    after = numbers(net)
    optimizer.load_state_dict(saved)
    train(optimizer, net, 2)
    assert same(numbers(net), after)
    del saved["bfc"]
    with pytest.raises(bfc.OptimizerError) as refused:
        optimizer.load_state_dict(saved)
    assert refused.value.code == "bfc::torch::foreign_state" and "bfc.torch.load" in str(refused.value)
    optimizer.close()


def test_a_copy_is_of_the_base():
    net = model()
    optimizer = bfc.torch.Decentralized(torch.optim.AdamW(net.parameters(), lr=0.1), schedule("atc_diffusion"), net)
    train(optimizer, net, 2)
    other_net, other = copy.deepcopy((net, optimizer))
    assert type(other) is torch.optim.AdamW and other.param_groups[0]["params"][0] is next(other_net.parameters())
    train(optimizer, net, 2), train(other, other_net, 2)
    assert same(numbers(net), numbers(other_net))
    optimizer.close()


def test_hooks_and_the_profiler_see_steps():
    net, seen = model(), []
    optimizer = bfc.torch.Decentralized(torch.optim.SGD(net.parameters(), lr=0.1), schedule("atc_diffusion"), net)
    hooks = [
        optimizer.register_step_pre_hook(lambda *_: seen.append("before")),
        optimizer.register_step_post_hook(lambda *_: seen.append("after")),
    ]
    train(optimizer, net, 2)
    assert seen == ["before", "after"] * 2
    for hook in hooks:
        hook.remove()
    with torch.profiler.profile() as profile:
        train(optimizer, net, 1)
    assert "Optimizer.step#Decentralized.step" in {event.name for event in profile.events()} and len(seen) == 4
    optimizer.close()


def test_threads_are_ranks():
    def run(comm, trainer):
        x = torch.nn.Parameter(torch.full((2, 2), float(comm.rank)))
        ring = bfc.compile("topology::ring", algorithm="gradient_tracking", size=comm.size)
        if trainer:
            values = x.detach().numpy()
            its = comm.trainer(ring, values)
            for _ in range(5):
                its.step(values, lambda x: x - 1)
            return values
        optimizer = bfc.torch.Decentralized(torch.optim.SGD([x], lr=0.1), ring, group=comm, start="own")
        # The first of them answers before the first step.
        for _ in range(6):
            x.grad = x.detach() - 1
            optimizer.step()
        with optimizer.evaluating():
            return x.detach().clone(), torch.rand(2, generator=comm.generator), optimizer.statistics()["steps"]

    found = bfc.spmd(run, 4, False)
    for rank, ((x, drawn, steps), values) in enumerate(zip(found, bfc.spmd(run, 4, True))):
        np.testing.assert_array_equal(x.numpy(), values)
        assert steps == 5 and torch.equal(drawn, torch.rand(2, generator=torch.Generator().manual_seed(rank)))


def test_a_thread_that_fails_ends_the_others():
    def run(comm):
        x = torch.nn.Parameter(torch.ones(2))
        ring = bfc.compile("topology::ring", algorithm="atc_diffusion", size=comm.size)
        optimizer = bfc.torch.Decentralized(torch.optim.SGD([x], lr=0.1), ring, group=comm)
        for step in range(100):
            if step == 3 and comm.rank == 1:
                raise ValueError("of rank 1")
            x.grad = torch.ones(2)
            optimizer.step()

    with pytest.raises(ValueError, match="of rank 1"):
        bfc.spmd(run, 3, deadline=60)


def test_other_rates_on_some_ranks_are_named():
    def run(comm):
        x = torch.nn.Parameter(torch.ones(2))
        ring = bfc.compile("topology::ring", algorithm="atc_diffusion", size=comm.size)
        base = torch.optim.SGD([x], lr=0.1)
        optimizer = bfc.torch.Decentralized(base, ring, group=comm, debug=True)
        x.grad = torch.ones(2)
        optimizer.step()
        ring = bfc.compile("topology::ring", algorithm="dgd", size=comm.size, params={"lr": 0.1})
        optimizer = bfc.torch.Decentralized(base, ring, group=comm, debug=True)
        optimizer.step()
        base.param_groups[0]["lr"] = 0.1 if comm.rank < 2 else 0.3
        with pytest.raises(bfc.OptimizerError) as refused:
            optimizer.step()
        return refused.value.code, "`lr` is 0.1 on rank 0 and 0.3 on rank 2" in str(refused.value)

    assert bfc.spmd(run, 3) == [("bfc::torch::inputs_differ", True)] * 3


def ring(algorithm, size):
    return bfc.compile("topology::ring", algorithm=algorithm, size=size)


def code_of(call):
    with pytest.raises(bfc.Error) as refused:
        call()
    return refused.value.code


def test_ranks_get_every_kind_of_buffer_as_it_is():
    class Model(torch.nn.Linear):
        def __init__(self, rank):
            super().__init__(2, 1)
            self.register_buffer("rotation", torch.polar(torch.ones(3), torch.arange(3.0) + rank))
            self.register_buffer("count", torch.tensor([2**60 + 1 - rank, -(2**62) - 3 + rank]))
            self.register_buffer("scale", torch.tensor([float("nan"), float("inf")]) if rank else torch.tensor([1.0, -2.0]))
            self.register_buffer("mask", torch.tensor([rank == 0, True]))

    def run(comm):
        its, first = Model(comm.rank), Model(0)
        optimizer = bfc.torch.Decentralized(torch.optim.SGD(its.parameters(), lr=0.1), ring("atc_diffusion", comm.size), its, group=comm)
        optimizer.close()
        its.register_buffer("scale", torch.tensor([float("nan"), 1.0]))
        check = torch.optim.SGD(its.parameters(), lr=0.1)
        bfc.torch.Decentralized(check, ring("atc_diffusion", comm.size), its, group=comm, start="check").close()
        return [torch.equal(its.state_dict()[name], first.state_dict()[name]) for name in ("rotation", "count", "mask")]

    assert bfc.spmd(run, 3) == [[True] * 3] * 3


def test_rates_are_compared_where_the_base_steps_too():
    def run(comm):
        x = torch.nn.Parameter(torch.ones(2))
        base = torch.optim.SGD([x], lr=0.1 * (1 + comm.rank // 2))
        optimizer = bfc.torch.Decentralized(base, ring("atc_diffusion", comm.size), group=comm, debug=True)
        x.grad = torch.ones(2)
        return code_of(optimizer.step)

    assert bfc.spmd(run, 3) == ["bfc::torch::inputs_differ"] * 3


def test_ranks_that_join_compare_their_rates():
    def run(comm):
        x = torch.nn.Parameter(torch.ones(2))
        optimizer = bfc.torch.Decentralized(torch.optim.SGD([x], lr=0.1), ring("dgd", comm.size), group=comm, debug=True)
        with optimizer.join():
            for _ in range(2 + comm.rank):
                x.grad = torch.ones(2)
                optimizer.step()
        return optimizer.statistics()["steps"]

    assert bfc.spmd(run, 3) == [4] * 3
    x = torch.nn.Parameter(torch.ones(2))
    with pytest.raises(bfc.ArgumentError, match="debug"):
        bfc.torch.Decentralized(torch.optim.SGD([x], lr=0.1), schedule("dgd"), debug=True, overlap=True)


def test_what_is_written_between_steps_is_kept_or_refused():
    for algorithm, keeps in (("atc_diffusion", True), ("dgd", False), ("gradient_tracking", False)):
        net = torch.nn.Linear(2, 1)
        optimizer = bfc.torch.Decentralized(torch.optim.SGD(net.parameters(), lr=0.1), schedule(algorithm), net)
        zeros = {name: torch.zeros_like(one) for name, one in net.state_dict().items()}
        held = copy.deepcopy(net.state_dict())
        with optimizer.evaluating():
            pass
        net.load_state_dict(zeros)
        net.load_state_dict(held)
        net(torch.ones(1, 2)).sum().backward()
        optimizer.step()
        optimizer.zero_grad()
        net.load_state_dict(zeros)
        if keeps:
            optimizer.step()
            assert all(not one.any() for one in net.parameters())
        else:
            assert code_of(optimizer.step) == "bfc::torch::written_parameters"
        optimizer.close()


def test_options_that_appear_later_are_refused():
    net = torch.nn.Linear(2, 1)
    base = torch.optim.SGD(net.parameters(), lr=0.1)
    optimizer = bfc.torch.Decentralized(base, schedule("dgd"), net)
    torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.2, total_steps=10)
    assert base.param_groups[0]["momentum"] > 0 and code_of(optimizer.step) == "bfc::torch::wrong_base"
    optimizer.close()


@pytest.mark.parametrize("algorithm", ["atc_diffusion", "dgd"])
def test_gradients_are_read_with_their_sign(algorithm):
    x = torch.nn.Parameter(torch.zeros(3))
    optimizer = bfc.torch.Decentralized(torch.optim.SGD([x], lr=0.5), schedule(algorithm))
    x.grad = torch._neg_view(torch.ones(3))
    optimizer.step()
    assert x.tolist() == [0.5] * 3
    optimizer.close()


def test_a_closure_that_fails_late_ends_the_optimizer():
    x = torch.nn.Parameter(torch.ones(2))
    twice = bfc.compile_source("use topology::ring\n" + TWICE + "schedule { topology ring\n algorithm extrapolated }", size=1)
    optimizer = bfc.torch.Decentralized(torch.optim.SGD([x], lr=0.1), twice)
    calls = []

    def closure():
        calls.append(None)
        if len(calls) == 2:
            raise ValueError("of the closure")
        x.grad = torch.ones(2)

    with pytest.raises(ValueError, match="of the closure"):
        optimizer.step(closure)
    assert code_of(lambda: optimizer.step(closure)) == "bfc::execute::failed"


def test_memory_that_is_shared_is_refused():
    one, other = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    other.weight.data = one.weight.data
    both = torch.nn.Sequential(one, other)
    with pytest.raises(bfc.ArgumentError, match="`1.weight` in the memory of `0.weight`"):
        bfc.torch.Decentralized(torch.optim.SGD(both.parameters(), lr=0.1), schedule("dgd"), both)
    one.register_buffer("wide", torch.ones(1, 2).expand(3, 2))
    with pytest.raises(bfc.ArgumentError, match="`wide`"):
        bfc.torch.Decentralized(torch.optim.SGD(one.parameters(), lr=0.1), schedule("dgd"), one)
    base = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.1)
    for wrong in ([], [base, base]):
        with pytest.raises(bfc.ArgumentError):
            bfc.torch.Decentralized(wrong, schedule("dgd"))


class Running(torch.nn.Linear):
    """A buffer that the forward pass replaces."""

    def __init__(self):
        super().__init__(2, 1)
        self.register_buffer("mean", torch.zeros(1))

    def forward(self, x):
        self.mean = self.mean + 1
        return super().forward(x)


def test_replaced_buffers_are_saved_or_named(tmp_path):
    net = Running()
    optimizer = bfc.torch.Decentralized(torch.optim.SGD(net.parameters(), lr=0.1), schedule("atc_diffusion"), net)
    net(torch.ones(1, 2)).sum().backward()
    bfc.torch.save(optimizer, tmp_path / "run")
    net.mean = torch.zeros(1)
    bfc.torch.load(optimizer, tmp_path / "run")
    assert net.mean.item() == 1
    optimizer.close()
    optimizer = bfc.torch.Decentralized(torch.optim.SGD(net.parameters(), lr=0.1), schedule("atc_diffusion"), net, buffers="mix")
    net(torch.ones(1, 2))
    with pytest.raises(bfc.OptimizerError, match="`mean` was replaced"):
        optimizer.step()
    optimizer.close()


def test_a_state_that_does_not_fit_changes_nothing():
    def make(rows, kind, net=None):
        net = net or torch.nn.Sequential(torch.nn.Linear(3, rows), torch.nn.BatchNorm1d(rows))
        return net, bfc.torch.Decentralized(kind(net.parameters(), lr=0.1), schedule("atc_diffusion"), net)

    net, optimizer = make(4, torch.optim.AdamW)
    net(torch.randn(8, 3)).sum().backward()
    optimizer.step()
    whole, saved = optimizer.consolidated(), optimizer.state_dict()
    with optimizer.evaluating():
        assert code_of(lambda: optimizer.load_state_dict(saved)) == "bfc::torch::evaluating"
    optimizer.close()
    narrow, other = make(1, torch.optim.AdamW)
    before = numbers(narrow)
    assert code_of(lambda: other.load_state_dict(whole)) == "bfc::torch::other_state"
    fewer = dict(saved, param_groups=[])
    for wrong in (fewer, {"bfc": {}}, dict(saved, bfc={})):
        assert code_of(lambda: other.load_state_dict(wrong)) == "bfc::torch::other_state"
    assert same(numbers(narrow), before) and other.statistics()["steps"] == 0
    narrow(torch.randn(8, 3)).sum().backward()
    other.step()
    other.close()
    # Another kind of base starts again; buffers go along.
    wide, other = make(4, torch.optim.SGD)
    with pytest.warns(UserWarning, match="a state of AdamW is not one of it"):
        other.load_state_dict(whole)
    assert torch.equal(wide[1].running_mean, net[1].running_mean) and same(numbers(wide), numbers(net))
    other.close()


def test_only_the_base_is_copied_and_hooks_see_states():
    net, seen = model(), []
    optimizer = bfc.torch.Decentralized(torch.optim.SGD(net.parameters(), lr=0.1), schedule("atc_diffusion"), net)
    for call in (pickle.dumps, copy.copy):
        with pytest.raises(TypeError, match="state_dict"):
            call(optimizer)
    optimizer.register_state_dict_pre_hook(lambda one: seen.append("before saving"))
    optimizer.register_state_dict_post_hook(lambda one, state: {**state, "mine": 1})
    optimizer.register_load_state_dict_pre_hook(lambda one, state: seen.append(state["mine"]))
    optimizer.register_load_state_dict_post_hook(lambda one: seen.append("after loading"))
    optimizer.load_state_dict(optimizer.state_dict())
    assert seen == ["before saving", 1, "after loading"]
    with pytest.raises(bfc.OptimizerError, match="exchanges with the other ranks already"):
        bfc.torch.Decentralized(optimizer, schedule("atc_diffusion"), net)
    optimizer.close()


def test_a_compiled_model_is_a_model():
    compiled = torch.compile(torch.nn.Linear(3, 2))
    optimizer = bfc.torch.Decentralized(torch.optim.SGD(compiled.parameters(), lr=0.1), schedule("atc_diffusion"), compiled)
    assert "_orig_mod.weight" in optimizer.average()
    optimizer.close()
