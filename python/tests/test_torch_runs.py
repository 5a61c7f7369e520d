"""What a run with torch needs around its steps, with either engine: averages, data, checkpoints; and wrong use, on all ranks."""

import textwrap

import pytest

import bfc

torch = pytest.importorskip("torch", reason="torch is not installed, so its optimizers are not tested")
import bfc.torch  # noqa: E402
import test_torch_engine  # noqa: E402

HEAD = """
if sys.argv[1] == "torch":
    bfc.shutdown()
    bfc.init(deadline=30, engine="torch")
def compiled(algorithm="atc_diffusion", topology="ring"):
    return bfc.compile(f"topology::{topology}", algorithm=algorithm, size=size)
def make(x=None, algorithm="atc_diffusion", lr=0.5, **options):
    x = torch.nn.Parameter(torch.full((3,), float(rank))) if x is None else x
    base = torch.optim.SGD([x], lr=lr)
    return x, bfc.torch.Decentralized(base, compiled(algorithm), start="own", **options)
"""

ENGINES = pytest.mark.parametrize("engine", ["processes", "torch"])


def on_ranks(body, engine, tmp_path, *arguments, ranks=2):
    """What the ranks print, by rank."""
    lines = test_torch_engine.on_ranks(HEAD + textwrap.dedent(body), tmp_path, engine, *arguments, ranks=ranks)
    return {rank: [line.split(" ", 1)[1] for line in lines if line.startswith(f"{rank} ")] for rank in range(ranks)}


@ENGINES
def test_averages_and_distances_leave_the_run_as_it_is(engine, tmp_path):
    body = """
    for dtype in (torch.float32, torch.float64, torch.bfloat16):
        x = torch.nn.Parameter(torch.tensor([float(rank), 4.0 * rank], dtype=dtype))
        x, optimizer = make(x)
        distance, average = optimizer.consensus_distance(), optimizer.average()
        print(rank, distance == 17 ** 0.5 / 2, average["0"].tolist(), average["0"].dtype == dtype, x.tolist() == [rank, 4.0 * rank])
        with optimizer.evaluating(average=True):
            print(rank, x.tolist())
        optimizer.close()
    """
    expected = sorted(["True [0.5, 2.0] True True", "[0.5, 2.0]"] * 3)
    assert on_ranks(body, engine, tmp_path) == {0: expected, 1: expected}


@ENGINES
def test_buffers_are_averaged_to_evaluate(engine, tmp_path):
    body = """
    net = torch.nn.BatchNorm1d(1)
    optimizer = bfc.torch.Decentralized(torch.optim.SGD(net.parameters(), lr=0.0), compiled(), net, buffers="average")
    net.running_mean.fill_(float(rank))
    optimizer.step()
    with optimizer.evaluating():
        inside = net.running_mean.item()
    print(rank, inside, net.running_mean.item(), optimizer.average()["running_mean"].item())
    print(rank, refused(lambda: bfc.torch.Decentralized(torch.optim.SGD(net.parameters()), compiled(), buffers="average"))[0])
    """
    expected = lambda rank: sorted([f"0.5 {rank}.0 0.5", "bfc::torch::needs_model"])
    assert on_ranks(body, engine, tmp_path) == {rank: expected(rank) for rank in (0, 1)}


@ENGINES
@pytest.mark.parametrize("algorithm", ["atc_diffusion", "gradient_tracking"])
def test_uneven_numbers_of_batches_join_or_are_named(engine, algorithm, tmp_path):
    body = f"""
    x, optimizer = make(algorithm="{algorithm}", lr=0.1)
    for epoch in range(2):
        with optimizer.join():
            for _ in range(3 + rank - epoch):
                step(x, optimizer)
    steps = optimizer.statistics()["steps"]
    optimizer.close()
    x, optimizer = make(algorithm="{algorithm}", lr=0.1)
    found = refused(lambda: [step(x, optimizer) for _ in range(8 if rank else 3)])
    named = found is None or (found[0] in ("bfc::execute::peer_left", "bfc::execute::system"), found[2] < 20)
    print(rank, steps, named, flush=True)
    if rank == 0:
        os._exit(0)
    """
    # The first gradient of `gradient_tracking` is not a step.
    steps = 7 if algorithm == "atc_diffusion" else 6
    assert on_ranks(body, engine, tmp_path) == {0: [f"{steps} True"], 1: [f"{steps} (True, True)"]}


@ENGINES
def test_a_model_that_has_changed_is_named_on_all_ranks(engine, tmp_path):
    body = """
    net = torch.nn.Linear(2, 1)
    optimizer = bfc.torch.Decentralized(torch.optim.SGD(net.parameters(), lr=0.1), compiled(), net)
    optimizer.step()
    if rank == 1:
        net.load_state_dict({name: value.clone() for name, value in net.state_dict().items()}, assign=True)
    code, text, seconds = refused(lambda: [optimizer.step() for _ in range(2)])
    print(rank, code, "weight" in text if rank == 1 else "changed_model" in text, seconds < 25)
    """
    expected = {0: ["bfc::execute::peer_failed True True"], 1: ["bfc::torch::changed_model True True"]}
    assert on_ranks(body, engine, tmp_path) == expected


@ENGINES
def test_models_that_differ_are_named_on_all_ranks(engine, tmp_path):
    body = """
    def attempt(net, algorithm="atc_diffusion"):
        return refused(lambda: bfc.torch.Decentralized(torch.optim.SGD(net.parameters(), lr=0.1), compiled(algorithm), net))
    first, second = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    names = ("b", "a") if rank else ("a", "b")
    order = torch.nn.ModuleDict(dict(zip(names, (first, second))))
    for name, net, algorithm in [
        ("order", order, "atc_diffusion"), ("shape", torch.nn.Linear(2 + rank, 1), "atc_diffusion"),
        ("dtype", torch.nn.Linear(2, 1).to(torch.float64 if rank else torch.float32), "atc_diffusion"),
        ("schedule", torch.nn.Linear(2, 1), "dgd" if rank else "atc_diffusion"),
    ]:
        # The ranks have lost each other after an error: they meet again.
        if sys.argv[1] == "processes":
            bfc.shutdown()
            dist.barrier()
            bfc.init(deadline=30, engine="processes")
        code, text, seconds = attempt(net, algorithm)
        print(rank, name, code, seconds < 25)
    """
    expected = sorted(
        [f"{name} bfc::execute::different_model True" for name in ("order", "shape", "dtype")]
        + ["schedule bfc::execute::different_schedule True"]
    )
    assert on_ranks(body, engine, tmp_path) == {0: expected, 1: expected}


@pytest.mark.parametrize("change", [lambda net: net.bias.requires_grad_(False), torch.nn.Module.double])
def test_other_changes_of_a_model_are_named(change):
    bfc.init()
    net = torch.nn.Linear(2, 1)
    schedule = bfc.compile("topology::ring", algorithm="atc_diffusion", size=1)
    optimizer = bfc.torch.Decentralized(torch.optim.SGD(net.parameters(), lr=0.1), schedule, net)
    change(net)
    with pytest.raises(bfc.OptimizerError) as changed:
        optimizer.step()
    assert changed.value.code == "bfc::torch::changed_model"
    optimizer.close()
    bfc.shutdown()


def test_averaged_gradients_are_refused_and_can_be_left_alone(tmp_path):
    body = """
    def optimizer_of(net):
        return bfc.torch.Decentralized(torch.optim.SGD(net.parameters(), lr=0.5), compiled("atc_diffusion"), net)
    net = torch.nn.Linear(1, 1, bias=False)
    ddp = torch.nn.parallel.DistributedDataParallel(net)
    print(rank, refused(lambda: optimizer_of(ddp))[0], refused(lambda: optimizer_of(net))[0])
    bfc.torch.local(ddp)
    torch.nn.init.ones_(net.weight)
    optimizer = optimizer_of(ddp)
    ddp(torch.full((1, 1), float(rank))).sum().backward()
    print(rank, net.weight.grad.item())
    optimizer.step()
    print(rank, net.weight.item())
    later = torch.nn.Linear(1, 1)
    optimizer.close()
    optimizer = optimizer_of(later)
    wrapped = torch.nn.parallel.DistributedDataParallel(later)
    print(rank, refused(optimizer.step)[0])
    """
    lines = on_ranks(body, "processes", tmp_path)
    code = "bfc::torch::averaged_gradients"
    for rank in (0, 1):
        assert lines[rank] == sorted([f"{code} {code}", f"{float(rank)}", "0.75", code])


@ENGINES
def test_a_directory_holds_a_run(engine, tmp_path):
    body = """
    directory = sys.argv[2]
    x, optimizer = make(algorithm="gradient_tracking", lr=0.1)
    for _ in range(3):
        step(x, optimizer)
    bfc.torch.save(optimizer, directory)
    for _ in range(2):
        step(x, optimizer)
    whole = x.detach().clone()
    bfc.torch.load(optimizer, directory)
    for _ in range(2):
        step(x, optimizer)
    print(rank, "same" if torch.equal(x, whole) else "other", sorted(os.listdir(directory)))
    dist.barrier()
    if rank == 0:
        bfc.torch.save(optimizer, directory)
    dist.barrier()
    print(rank, refused(lambda: bfc.torch.load(optimizer, directory))[0])
    if rank == 1:
        os.remove(f"{directory}/rank-1.pt")
    print(rank, refused(lambda: bfc.torch.load(optimizer, directory))[0])
    """
    files = ["rank-0.pt", "rank-1.pt"]
    expected = sorted([f"same {files}", "bfc::torch::wrong_files", "bfc::torch::wrong_files"])
    assert on_ranks(body, engine, tmp_path, tmp_path / "run") == {0: expected, 1: expected}


@ENGINES
def test_a_consolidated_state_starts_any_run_again(engine, tmp_path):
    body = """
    x, optimizer = make(algorithm="gradient_tracking", lr=0.1)
    for _ in range(3):
        step(x, optimizer)
    saved, mean = optimizer.consolidated(), optimizer.average()["0"]
    optimizer.close()
    y, other = make(algorithm="atc_diffusion", lr=0.1)
    step(y, other)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        other.load_state_dict(saved)
    print(rank, torch.equal(y, mean), [str(one.message) for one in said if "starts again" in str(one.message)] != [])
    step(y, other)
    print(rank, other.statistics()["steps"], other.consensus_distance() < 1e-6)
    """
    assert on_ranks(body, engine, tmp_path) == {rank: sorted(["True True", "1 True"]) for rank in (0, 1)}


def test_use_before_joining_after_leaving_and_twice(tmp_path):
    body = """
    bfc.init(deadline=60, engine="processes")
    print(rank, refused(lambda: bfc.init(deadline=31))[0])
    x, optimizer = make()
    bfc.shutdown()
    print(rank, refused(lambda: step(x, optimizer))[0], refused(make)[0])
    """
    lines = on_ranks(body, "processes", tmp_path)
    expected = sorted(["bfc::world::joined", "bfc::world::not_joined bfc::world::not_joined"])
    assert lines == {0: expected, 1: expected}


def test_ranks_have_parts_of_the_data_and_streams_of_their_own(tmp_path):
    body = """
    labels = [item % 10 for item in range(103)]
    dataset = [(item, label) for item, label in enumerate(labels)]
    for skew in (0.0, 1.0):
        sampler = bfc.sampler(dataset, skew=skew)
        first = list(sampler)
        sampler.set_epoch(1)
        print(rank, "part", len(sampler), sorted(first) == sorted(sampler), first != list(sampler), len({labels[item] for item in first}))
        print(rank, "items", *sorted(first))
    print(rank, refused(lambda: bfc.sampler(dataset, skew=2))[0], refused(lambda: bfc.sampler(dataset[:1]))[0])
    bfc.seed(7)
    x = torch.nn.Parameter(torch.randn(3))
    print(rank, "alike", x.tolist())
    make(x)
    print(rank, "own", torch.rand(1).item())
    """
    lines = on_ranks(body, "processes", tmp_path)
    parts = {rank: [line.split()[1:] for line in lines[rank] if line.startswith("part")] for rank in (0, 1)}
    for found in parts.values():
        assert sorted(row[:3] for row in found) == [["51", "True", "True"]] * 2
        assert sorted(int(row[3]) for row in found) in ([5, 10], [6, 10])
    items = [[set(line.split()[1:]) for line in lines[rank] if line.startswith("items")] for rank in (0, 1)]
    assert sorted(len(a & b) for a in items[0] for b in items[1]).count(0) >= 2
    value = lambda rank, word: [line for line in lines[rank] if line.startswith(word)]
    assert value(0, "alike") == value(1, "alike") and value(0, "own") != value(1, "own")
    assert "bfc::argument::wrong_value bfc::argument::wrong_value" in lines[0]
