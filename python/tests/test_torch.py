"""Optimizers of torch as ranks: alone in this process, and as processes that launchers start."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import numpy as np
import pytest

import bfc

torch = pytest.importorskip("torch", reason="torch is not installed, so its optimizers are not tested")
import bfc.torch  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "train_torch.py"
BFC = [sys.executable, "-m", "bfc"]
LAUNCHERS = {
    "bfc launch": lambda ranks, _: [*BFC, "launch", "-n", str(ranks), "--", sys.executable],
    # It has its ranks write unbuffered, which tears their lines apart where they write to one pipe.
    "torchrun": lambda ranks, logs: [
        sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", str(ranks), "--redirects", "1", "--log-dir", logs
    ],
    "mpirun": lambda ranks, _: ["mpirun", *ANYWHERE, "-n", str(ranks), sys.executable],
    # Messages travel by MPI, too.
    "MPI": lambda ranks, _: ["env", "BFC_ENGINE=mpi", "mpirun", *ANYWHERE, "-n", str(ranks), sys.executable],
}
# As root, and more ranks than cores.
ANYWHERE = ["--allow-run-as-root", "--oversubscribe", "--bind-to", "none"]
torch.set_num_threads(1)


def start(launcher, ranks, script, *arguments, scratch):
    """What the ranks print, line by line in the order of ranks."""
    logs = Path(tempfile.mkdtemp(dir=scratch))
    command = [*LAUNCHERS[launcher](ranks, logs), script, *arguments]
    # Ranks that torchrun starts meet in the directory for temporary files, whose path is short: sockets have names there.
    with tempfile.TemporaryDirectory() as temporary:
        environment = {**os.environ, "TMPDIR": temporary, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": ""}
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment, cwd=scratch)
    assert done.returncode == 0, done.stderr
    printed = [done.stdout, *(log.read_text() for log in logs.rglob("stdout.log"))]
    return sorted(line for text in printed for line in text.splitlines())


LAUNCHED = pytest.mark.parametrize("launcher", [
    "bfc launch", "torchrun",
    pytest.param("mpirun", marks=pytest.mark.skipif(shutil.which("mpirun") is None, reason="mpirun is not installed")),
    pytest.param("MPI", marks=pytest.mark.skipif("BFC_MPI" not in os.environ, reason="bfc is not connected to MPI")),
])


def on_ranks(body, tmp_path, *, ranks=2, launcher="bfc launch"):
    """The same of a function that is given to each rank as text."""
    script = tmp_path / "script.py"
    script.write_text("import torch, bfc, bfc.torch\ntorch.manual_seed(0)\nbfc.init()\n" + textwrap.dedent(body))
    return start(launcher, ranks, script, scratch=tmp_path)


@pytest.fixture(autouse=True)
def alone():
    """This process is the only rank."""
    bfc.init()
    yield
    bfc.shutdown()


def schedule(algorithm, **options):
    return bfc.compile("topology::one_peer_exp2", algorithm=algorithm, size=bfc.size(), **options)


def model():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(5, 7), torch.nn.Tanh(), torch.nn.Linear(7, 1))


def data():
    generator = torch.Generator().manual_seed(1)
    return torch.randn(20, 5, generator=generator), torch.randn(20, 1, generator=generator)


def loss_of(net):
    x, y = data()
    return torch.nn.functional.mse_loss(net(x), y)


def train(optimizer, net, steps, scheduler=None):
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = loss_of(net)
        loss.backward()
        optimizer.step()
        if scheduler:
            scheduler.step()
        losses.append(loss.item())
    return losses


def numbers(net):
    return [tensor.detach().clone() for tensor in net.state_dict().values()]


def same(a, b):
    return all(torch.equal(x, y) for x, y in zip(a, b))


BASES = {
    "sgd": lambda parameters: torch.optim.SGD(parameters, lr=0.1, momentum=0.9, weight_decay=0.01),
    "adamw": lambda parameters: torch.optim.AdamW(parameters, lr=0.01),
    "rmsprop": lambda parameters: torch.optim.RMSprop(parameters, lr=0.01),
}


@pytest.mark.parametrize("overlap", [False, True])
@pytest.mark.parametrize("base", BASES.values(), ids=BASES)
def test_one_rank_alone_does_what_the_base_does(base, overlap):
    reference, net = model(), model()
    plain = base(reference.parameters())
    optimizer = bfc.torch.Decentralized(base(net.parameters()), schedule("atc_diffusion"), net, overlap=overlap)
    for one, its in ((plain, reference), (optimizer, net)):
        train(one, its, 10, torch.optim.lr_scheduler.StepLR(one, 3, 0.5))
    assert same(numbers(net), numbers(reference))
    assert optimizer.param_groups[0]["lr"] == plain.param_groups[0]["lr"]
    statistics = optimizer.statistics()
    assert statistics["steps"] == 10 and statistics["bytes_sent"] == 0 and statistics["bytes_copied"] > 0
    optimizer.close()


@pytest.mark.parametrize("overlap", [False, True])
def test_gradients_are_answers_with_the_rate_and_the_decay_of_the_base(overlap):
    reference, net = model(), model()
    make = lambda parameters: torch.optim.SGD(parameters, lr=0.25, weight_decay=0.5)
    plain = make(reference.parameters())
    optimizer = bfc.torch.Decentralized(make(net.parameters()), schedule("dgd"), net, overlap=overlap)
    for one, its in ((plain, reference), (optimizer, net)):
        train(one, its, 10, torch.optim.lr_scheduler.StepLR(one, 3, 0.5))
    for a, b in zip(numbers(net), numbers(reference)):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6)
    optimizer.close()


def test_several_bases_share_a_machine():
    reference, net = model(), model()
    split = lambda its: [torch.optim.SGD(its[0].parameters(), lr=0.1), torch.optim.Adam(its[2].parameters(), lr=0.01)]
    optimizer = bfc.torch.Decentralized(split(net), schedule("atc_diffusion"), net)
    assert [group["lr"] for group in optimizer.param_groups] == [0.1, 0.01]
    train(optimizer, net, 5)
    one, other = split(reference)
    for _ in range(5):
        one.zero_grad(), other.zero_grad()
        loss_of(reference).backward()
        one.step(), other.step()
    assert same(numbers(net), numbers(reference)) and len(optimizer.state) == 2
    optimizer.close()


@pytest.mark.parametrize("algorithm", ["atc_diffusion", "gradient_tracking"])
def test_the_model_is_there_while_evaluating_and_the_point_afterwards(algorithm):
    net = model()
    base = torch.optim.SGD(net.parameters(), lr=0.1)
    optimizer = bfc.torch.Decentralized(base, schedule(algorithm), net)
    train(optimizer, net, 4)
    before = numbers(net)
    with pytest.raises(ZeroDivisionError), optimizer.evaluating():
        inside = numbers(net)
        net[0].weight.data.fill_(7.0)
        raise ZeroDivisionError
    assert same(numbers(net), before)
    assert same(inside, before) == (algorithm == "atc_diffusion")
    with optimizer.evaluating():
        assert same(numbers(net), inside)
        for refused in (optimizer.step, optimizer.evaluating().__enter__):
            with pytest.raises(bfc.OptimizerError) as error:
                refused()
            assert error.value.code == "bfc::torch::evaluating"
    train(optimizer, net, 1)
    optimizer.close()


@pytest.mark.parametrize("algorithm", ["atc_diffusion", "gradient_tracking", "d2", "gradient_tracking_awc"])
def test_a_loaded_run_goes_on_with_the_same_bits(algorithm, tmp_path):
    def run(steps, load=None):
        net = model()
        kind = torch.optim.Adam if algorithm == "atc_diffusion" else torch.optim.SGD
        optimizer = bfc.torch.Decentralized(kind(net.parameters(), lr=0.05), schedule(algorithm), net)
        if load:
            train(optimizer, net, 2)
            optimizer.load_state_dict(torch.load(load))
        train(optimizer, net, steps)
        torch.save(optimizer.state_dict(), tmp_path / f"{steps}.pt")
        with optimizer.evaluating():
            evaluated = numbers(net)
        optimizer.close()
        return numbers(net), evaluated

    run(3)
    (point, evaluated), whole = run(4, tmp_path / "3.pt"), run(7)
    assert same(point, whole[0]) and same(evaluated, whole[1])


@pytest.mark.parametrize("algorithm", ["atc_diffusion", "dgd"])
def test_a_parameter_without_a_gradient_stays(algorithm):
    net = model()
    base = torch.optim.SGD(net.parameters(), lr=0.1, weight_decay=0.1)
    optimizer = bfc.torch.Decentralized(base, schedule(algorithm), net, overlap=algorithm == "dgd")
    before = numbers(net)
    net[2].bias.grad = None
    (net[0](torch.ones(5)).sum()).backward()
    optimizer.step()
    after = numbers(net)
    assert same(after[2:], before[2:]) and not torch.equal(after[0], before[0])
    optimizer.close()


@pytest.mark.parametrize("algorithm", ["atc_diffusion", "dgd"])
def test_a_scaler_skips_a_step_and_not_its_exchange(algorithm):
    reference, net = model(), model()
    optimizer = bfc.torch.Decentralized(torch.optim.SGD(net.parameters(), lr=0.125), schedule(algorithm), net)
    plain = torch.optim.SGD(reference.parameters(), lr=0.125)
    scalers = [torch.amp.GradScaler("cpu", init_scale=2.0**10, growth_interval=2) for _ in range(2)]
    for step in range(6):
        for one, its, scaler in ((optimizer, net, scalers[0]), (plain, reference, scalers[1])):
            one.zero_grad()
            scaler.scale(loss_of(its)).backward()
            if step == 3:
                its[0].weight.grad[0, 0] = float("inf")
            scaler.step(one)
            scaler.update()
    assert optimizer.skipped == 1 and optimizer.statistics()["steps"] == 6
    for a, b in zip(numbers(net), numbers(reference)):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6)
    optimizer.close()


TWICE = """
algorithm extrapolated(lr: scalar = 0.1) {
    state x = params
    step {
        let g = grad(x)
        x <- mix(x - lr * grad(x - lr * g))
    }
}
"""


def test_a_closure_answers_all_questions_of_a_step():
    source = "use topology::ring\n" + TWICE + "schedule { topology ring\n algorithm extrapolated }"
    twice = bfc.compile_source(source, size=1)
    assert twice.questions == [[], ["gradient", "gradient"]]
    net = torch.nn.Linear(1, 1, bias=False)
    net.weight.data.fill_(1.0)
    optimizer = bfc.torch.Decentralized(torch.optim.SGD(net.parameters(), lr=0.5), twice, net)
    with pytest.raises(bfc.OptimizerError) as refused:
        optimizer.step()
    assert refused.value.code == "bfc::torch::needs_closure"

    def closure():
        optimizer.zero_grad()
        loss = net.weight.square().sum() / 2
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == 0.5
    # 1 - 1/2 * (1 - 1/2 * 1)
    assert net.weight.item() == 0.75
    optimizer.close()


SELDOM = """
use topology::ring
algorithm seldom(lr: scalar = 0.1) {
    state x = params
    step { x <- if t mod 3 == 2 { mix(x) } else { x - lr * grad(x) } }
}
schedule { topology ring
    algorithm seldom }
"""


def test_each_question_is_about_the_same_minibatch():
    torch.manual_seed(3)
    net = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.BatchNorm1d(8), torch.nn.Dropout(0.5), torch.nn.Linear(8, 1))
    two = bfc.compile_source("use topology::ring\n" + TWICE + "schedule { topology ring\n algorithm extrapolated }", size=1)
    optimizer = bfc.torch.Decentralized(torch.optim.SGD(net.parameters(), lr=0.1), two, net)
    x, drawn = torch.randn(16, 4), []

    def closure():
        optimizer.zero_grad()
        drawn.append(torch.rand(2))
        loss = net(x).square().mean()
        loss.backward()
        return loss

    for steps in (1, 2):
        optimizer.step(closure)
        assert len(drawn) == 2 * steps and torch.equal(*drawn[-2:])
        assert net[1].num_batches_tracked.item() == steps
    assert not torch.equal(drawn[0], drawn[2])
    optimizer.close()


def test_steps_that_ask_nothing_are_done_in_between():
    reference, net = model(), model()
    plain = torch.optim.SGD(reference.parameters(), lr=0.25)
    seldom = bfc.compile_source(SELDOM, size=1)
    assert sorted(seldom.questions) == [[], [], ["gradient"]]
    optimizer = bfc.torch.Decentralized(torch.optim.SGD(net.parameters(), lr=0.25), seldom, net)
    assert train(optimizer, net, 6) == pytest.approx(train(plain, reference, 6))
    assert optimizer.statistics()["steps"] == 9
    with optimizer.evaluating():
        evaluated = numbers(net)
    assert same(evaluated, numbers(net))
    optimizer.close()


def test_a_second_backward_in_a_step_is_refused():
    net = model()
    optimizer = bfc.torch.Decentralized(
        torch.optim.SGD(net.parameters(), lr=0.1), schedule("atc_diffusion"), net, overlap=True
    )
    loss_of(net).backward()
    with pytest.raises(bfc.OptimizerError) as late:
        loss_of(net).backward()
    assert late.value.code == "bfc::torch::late_gradient"
    optimizer.close()


@pytest.mark.parametrize("change", ["clip", "scale"])
def test_gradients_that_change_after_they_were_sent_are_refused(change):
    net = model()
    base = torch.optim.SGD(net.parameters(), lr=0.1)
    optimizer = bfc.torch.Decentralized(base, schedule("atc_diffusion"), net, overlap=True)
    scaler = torch.amp.GradScaler("cpu", enabled=change == "scale")
    scaler.scale(loss_of(net)).backward()
    if change == "clip":
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1e-3)
    with pytest.raises(bfc.OptimizerError) as late:
        scaler.step(optimizer)
    assert late.value.code == "bfc::torch::late_gradient"
    optimizer.close()


def test_gradients_accumulate_until_the_last_backward():
    net = model()
    base = torch.optim.SGD(net.parameters(), lr=0.1)
    optimizer = bfc.torch.Decentralized(base, schedule("atc_diffusion"), net, overlap=True)
    reference = model()
    reference.load_state_dict(net.state_dict())
    plain = torch.optim.SGD(reference.parameters(), lr=0.1)
    with optimizer.accumulating():
        loss_of(net).backward()
    loss_of(net).backward()
    optimizer.step()
    loss_of(reference).backward()
    loss_of(reference).backward()
    plain.step()
    assert same(numbers(net), numbers(reference))
    optimizer.close()


def refusals():
    sgd = lambda net, **options: torch.optim.SGD(net.parameters(), lr=0.1, **options)
    yield "wrong_question", "d_admm", sgd, {}
    yield "wrong_question", "neighbor_averaging", sgd, {}
    yield "wrong_base", "atc_diffusion", lambda net: torch.optim.LBFGS(net.parameters()), {}
    yield "wrong_base", "dgd", lambda net: torch.optim.Adam(net.parameters()), {}
    yield "wrong_base", "dgd", lambda net: sgd(net, momentum=0.9), {}
    yield "foreign_parameter", "dgd", lambda net: torch.optim.SGD([*net.parameters(), torch.ones(3)], lr=0.1), {}
    yield "mixed_buffers", "dgd", sgd, {"buffers": "mix"}


@pytest.mark.parametrize("code,algorithm,base,options", list(refusals()))
def test_what_does_not_fit_is_refused_before_anything_is_exchanged(code, algorithm, base, options):
    net = model()
    asked = bfc.compile("topology::ring", algorithm=algorithm, size=1)
    with pytest.raises(bfc.OptimizerError) as refused:
        bfc.torch.Decentralized(base(net), asked, net, **options)
    assert refused.value.code == f"bfc::torch::{code}"


def test_unequal_rates_and_unknown_words_are_refused():
    net = model()
    groups = [{"params": net[0].parameters(), "lr": 0.1}, {"params": net[2].parameters(), "lr": 0.2}]
    base = torch.optim.SGD(groups)
    loss_of(net).backward()
    with pytest.raises(bfc.OptimizerError, match="0.1, 0.2") as refused:
        bfc.torch.Decentralized(base, schedule("dgd"), net)
    assert refused.value.code == "bfc::torch::unequal_rates"
    base.param_groups[1]["lr"] = 0.1
    optimizer = bfc.torch.Decentralized(base, schedule("dgd"), net)
    optimizer.param_groups[1]["lr"] = 0.2
    with pytest.raises(bfc.OptimizerError, match="0.1, 0.2"):
        optimizer.step()
    optimizer.param_groups[1]["lr"] = 0.1
    optimizer.step()
    with pytest.raises(bfc.RunError) as busy:
        bfc.torch.Decentralized(torch.optim.SGD(net.parameters()), schedule("dgd"), net)
    assert busy.value.code == "bfc::world::in_use"
    with pytest.raises(NotImplementedError):
        optimizer.add_param_group({"params": [torch.ones(1)]})
    optimizer.close()
    for wrong in ({"start": "zero"}, {"buffers": "sum"}):
        with pytest.raises(bfc.ArgumentError):
            bfc.torch.Decentralized(torch.optim.SGD(net.parameters()), schedule("dgd"), net, **wrong)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_short_and_long_numbers_train(dtype):
    net = model().to(dtype)
    optimizer = bfc.torch.Decentralized(torch.optim.SGD(net.parameters(), lr=0.1), schedule("gradient_tracking"), net)
    x, y = data()
    losses = []
    for _ in range(30):
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(net(x.to(dtype)), y.to(dtype))
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.9 * losses[0] and net[0].weight.dtype == dtype
    optimizer.close()


def test_channels_last_and_other_strides_are_copied():
    net = torch.nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)
    reference = torch.nn.Conv2d(3, 4, 3)
    reference.load_state_dict(net.state_dict())
    optimizer = bfc.torch.Decentralized(torch.optim.SGD(net.parameters(), lr=0.1), schedule("atc_diffusion"), net)
    plain = torch.optim.SGD(reference.parameters(), lr=0.1)
    for one, its in ((optimizer, net), (plain, reference)):
        its(torch.ones(1, 3, 5, 5)).sum().backward()
        one.step()
    assert not net.weight.is_contiguous() and net.weight.is_contiguous(memory_format=torch.channels_last)
    for a, b in zip(numbers(net), numbers(reference)):
        torch.testing.assert_close(a, b)
    optimizer.close()


def test_autograd_sees_that_the_parameters_have_moved():
    net = model()
    optimizer = bfc.torch.Decentralized(torch.optim.SGD(net.parameters(), lr=0.1), schedule("dgd"), net)
    loss = loss_of(net)
    loss.backward(retain_graph=True)
    optimizer.step()
    with pytest.raises(RuntimeError, match="inplace"):
        loss.backward()
    optimizer.close()


@pytest.mark.parametrize("ranks,algorithm", [(2, "gradient_tracking"), (4, "atc_diffusion")])
def test_the_example_trains_and_repeats_under_either_launcher(ranks, algorithm, tmp_path):
    arguments = [EXAMPLE, "--algorithm", algorithm, "--epochs", "6"]
    lines = start("bfc launch", ranks, *arguments, scratch=tmp_path)
    for rank in range(ranks):
        losses = [float(line.split()[-1]) for line in lines if line.startswith(f"rank {rank}, epoch")]
        assert len(losses) == 6 and losses[-1] < losses[0] / 2
    accuracies = [float(found) for line in lines for found in re.findall(r"accuracy ([\d.]+)", line)]
    assert len(accuracies) == ranks and min(accuracies) > 0.85
    assert start("torchrun", ranks, *arguments, scratch=tmp_path) == lines


@LAUNCHED
@pytest.mark.parametrize("ranks", [1, 2, 4])
def test_each_launcher_starts_ranks_that_meet(launcher, ranks, tmp_path):
    body = """
    x = torch.nn.Parameter(torch.full((2,), float(bfc.rank())))
    schedule = bfc.compile("topology::complete", algorithm="atc_diffusion", size=bfc.size(), local_size=bfc.local_size())
    optimizer = bfc.torch.Decentralized(torch.optim.SGD([x], lr=0.0), schedule, start="own")
    x.sum().backward()
    optimizer.step()
    print(bfc.rank(), bfc.size(), bfc.local_rank(), bfc.local_size(), x.tolist())
    """
    mean = [(ranks - 1) / 2] * 2
    expected = [f"{rank} {ranks} {rank} {ranks} {mean}" for rank in range(ranks)]
    assert on_ranks(body, tmp_path, ranks=ranks, launcher=launcher) == expected


QUADRATIC = """
target = torch.arange(6, dtype=torch.float64).reshape(2, 3) * (bfc.rank() + 1)
x = torch.nn.Parameter(torch.full((2, 3), 0.3, dtype=torch.float64))
schedule = bfc.load("sched.bin")
optimizer = bfc.torch.Decentralized(torch.optim.SGD([x], lr=0.125), schedule)
while optimizer.statistics()["steps"] < 20:
    optimizer.zero_grad()
    ((x - target) ** 2).sum().div(2).backward()
    optimizer.step()
with optimizer.evaluating():
    print("rank", bfc.rank(), [number.hex() for number in x.flatten().tolist()])
"""


@pytest.mark.parametrize("ranks", [2, 4])
def test_the_bits_are_those_of_the_machine_in_rust(ranks, tmp_path):
    tracking = bfc.compile("topology::one_peer_exp2", algorithm="gradient_tracking", size=ranks)
    tracking.save(tmp_path / "sched.bin")

    def rank(comm):
        x = np.full((2, 3), 0.3)
        target = np.arange(6.0).reshape(2, 3) * (comm.rank + 1)
        trainer = comm.trainer(tracking, x)
        trainer.set_input("lr", 0.125)
        for _ in range(20):
            trainer.step(x, lambda point: point - target)
        return f"rank {comm.rank} {[number.hex() for number in x.flatten().tolist()]}"

    assert on_ranks(QUADRATIC, tmp_path, ranks=ranks) == bfc.spmd(rank, ranks)


def test_ranks_start_alike(tmp_path):
    body = """
    def net():
        torch.manual_seed(bfc.rank())
        made = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.BatchNorm1d(2))
        made[1].num_batches_tracked += bfc.rank() + 3
        return made
    def optimizer(its, **options):
        base = torch.optim.SGD(its.parameters(), lr=0.1)
        return bfc.torch.Decentralized(base, bfc.compile("topology::ring", algorithm="dgd", size=bfc.size()), its, **options)
    try:
        optimizer(net(), start="check")
    except bfc.OptimizerError as error:
        print("rank", bfc.rank(), error.code, "ranks 1, 2" in str(error), "0.weight" in str(error))
    its = net()
    optimizer(its).close()
    print("rank", bfc.rank(), its.state_dict()["1.num_batches_tracked"].item(), its[0].weight[0, 0].item().hex())
    optimizer(its, start="check").close()
    optimizer(net(), start="own").close()
    """
    lines = on_ranks(body, tmp_path, ranks=3)
    code = "bfc::torch::different_start True"
    torch.manual_seed(0)
    weight = torch.nn.Linear(2, 2).weight[0, 0].item().hex()
    expected = [f"rank 0 {code} False", *[f"rank {rank} {code} True" for rank in (1, 2)]]
    assert lines == sorted([*expected, *[f"rank {rank} 3 {weight}" for rank in range(3)]])


def test_buffers_travel_where_they_are_mixed(tmp_path):
    body = """
    net = torch.nn.BatchNorm1d(1)
    base = torch.optim.SGD(net.parameters(), lr=0.0)
    schedule = bfc.compile("topology::complete", algorithm="atc_diffusion", size=2)
    for buffers in ("local", "mix"):
        optimizer = bfc.torch.Decentralized(base, schedule, net, buffers=buffers)
        net.running_mean.fill_(float(bfc.rank()))
        optimizer.step()
        print("rank", bfc.rank(), buffers, net.running_mean.item())
        optimizer.close()
    """
    expected = [f"rank {rank} {words}" for rank in (0, 1) for words in (f"local {float(rank)}", "mix 0.5")]
    assert on_ranks(body, tmp_path) == expected


def test_a_skipped_step_takes_part_in_the_exchange(tmp_path):
    body = """
    x = torch.nn.Parameter(torch.zeros(1))
    schedule = bfc.compile("topology::complete", algorithm="atc_diffusion", size=2)
    optimizer = bfc.torch.Decentralized(torch.optim.SGD([x], lr=1.0), schedule)
    scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    scaler.scale(x.sum()).backward()
    if bfc.rank() == 1:
        x.grad.fill_(float("nan"))
    scaler.step(optimizer)
    print("rank", bfc.rank(), x.item(), optimizer.skipped)
    """
    assert on_ranks(body, tmp_path) == ["rank 0 -0.5 0", "rank 1 -0.5 1"]


def test_overlap_has_the_same_bits(tmp_path):
    body = """
    x = torch.randn(64, 700)
    plain = torch.optim.SGD
    for algorithm, kind in (
        ("atc_diffusion", torch.optim.AdamW), ("gradient_tracking", plain), ("dgd", plain), ("push_sum_sgd", plain),
    ):
        for overlap in (False, True):
            torch.manual_seed(1)
            net = torch.nn.Sequential(*[torch.nn.Linear(700, 700) for _ in range(8)])
            schedule = bfc.compile("topology::ring", algorithm=algorithm, size=bfc.size())
            optimizer = bfc.torch.Decentralized(kind(net.parameters(), lr=1e-3), schedule, net, overlap=overlap)
            for step in range(4):
                optimizer.zero_grad()
                (net(x) - bfc.rank()).square().mean().backward()
                optimizer.step()
            with optimizer.evaluating():
                model = [one.detach().clone() for one in net.parameters()]
            held = [*net.parameters(), *model]
            total = sum(one.detach().double().abs().sum().item() for one in held)
            print("rank", bfc.rank(), algorithm, optimizer.statistics()["buckets"], total.hex())
            optimizer.close()
    """
    lines = on_ranks(body, tmp_path)
    assert lines[::2] == lines[1::2] and len(set(lines)) == 8
    assert all(int(line.split()[3]) > 1 for line in lines)
