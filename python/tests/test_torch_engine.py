"""The engine `torch`: programs interpreted with operations of torch over a group of gloo, beside the engine `processes`."""

import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import bfc

torch = pytest.importorskip("torch", reason="torch is not installed, so its optimizers are not tested")
import bfc.torch  # noqa: E402
from test_torch import ROOT, start  # noqa: E402

LIBRARY = sorted((ROOT / "stdlib" / "algorithm").glob("*.bf"))
HEAD = """
import os, sys, time, warnings, torch, bfc, bfc.torch
import torch.distributed as dist
torch.set_num_threads(1)
bfc.init(deadline=60, engine="processes")
rank, size = bfc.rank(), bfc.size()
dist.init_process_group("gloo", init_method=f"file://{os.getcwd()}/store", rank=rank, world_size=size)
def step(x, optimizer):
    optimizer.zero_grad()
    (x * x).sum().backward()
    optimizer.step()
def refused(call):
    begun = time.monotonic()
    try:
        call()
    except bfc.Error as error:
        return error.code, " ".join(str(error).split()), time.monotonic() - begun
"""


def on_ranks(body, tmp_path, *arguments, ranks=2):
    """What the ranks print."""
    script = tmp_path / "script.py"
    script.write_text(HEAD + textwrap.dedent(body))
    return start("bfc launch", ranks, script, *arguments, scratch=tmp_path)


def example(path):
    """The example in the documentation of an algorithm of the library."""
    lines = [line[4:] for line in path.read_text().splitlines() if line.startswith("///     ")]
    return "\n".join(lines)


def test_no_operation_rounds_a_product_and_a_sum_together():
    banned = r"alpha\s*=|\blerp|\baddcmul|\baddcdiv|\baddm[mv]|\bbaddbmm|\baddr\b|\bfma\b"
    sources = Path(bfc.torch.__file__).parent.glob("*.py")
    found = {path.name: re.findall(banned, path.read_text()) for path in sources}
    assert len(found) > 5 and not any(found.values()), found


COMPARED = """
TYPES = (torch.float32, torch.float64, torch.bfloat16)

def run(schedule, group):
    torch.manual_seed(rank)
    tensors = [torch.nn.Parameter(torch.randn(4, 3).to(dtype)) for dtype in TYPES]
    targets = [torch.randn(4, 3).to(dtype) for dtype in TYPES]
    adapts = any("adapted" in block for block in schedule.questions)
    base = torch.optim.Adam(tensors, lr=0.01) if adapts else torch.optim.SGD(tensors, lr=0.05)
    optimizer = bfc.torch.Decentralized(base, schedule, group=group)
    def closure():
        optimizer.zero_grad()
        for tensor, target in zip(tensors, targets):
            (tensor - target).tanh().square().sum().backward()
    for _ in range(int(sys.argv[1])):
        optimizer.step(closure)
    with optimizer.evaluating():
        model = [one.detach().clone() for one in tensors]
    sent = optimizer.statistics()["bytes_sent"]
    optimizer.close()
    return model, sent

for path in sys.argv[2:]:
    schedule = bfc.load(path)
    (one, sent), (other, also_sent) = run(schedule, None), run(schedule, dist.group.WORLD)
    same = [str(a.dtype) for a, b in zip(one, other) if torch.equal(a, b) and a.isfinite().all()]
    print(rank, os.path.basename(path), *same, "same bytes" if sent == also_sent else (sent, also_sent), flush=True)
"""


# What torch computes with other bits.
OPERATIONS = """
use topology::ring
algorithm operations(lr: scalar = 0.05) {
    state x = params
    step { x <- mix(x - lr * (grad(x) + log(abs(x) + 1) + (abs(x) + 1)^(-1.5) - sqrt(abs(x)))) }
}
schedule {
    topology ring
    algorithm operations
}
"""


@pytest.mark.parametrize("ranks,steps", [(2, 50), (4, 20)])
def test_every_algorithm_has_the_bits_of_the_engine_processes(ranks, steps, tmp_path):
    files = []
    for path in LIBRARY:
        try:
            schedule = bfc.compile_source(example(path), size=ranks, local_size=1)
        except bfc.CompileError:
            continue  # Its topology needs another number of ranks.
        asked = {question for block in schedule.questions for question in block}
        if asked and asked <= {"gradient", "adapted"}:
            files.append(tmp_path / path.stem)
            schedule.save(files[-1])
    files.append(tmp_path / "operations")
    bfc.compile_source(OPERATIONS, size=ranks).save(files[-1])
    assert len(files) > 30
    lines = on_ranks(COMPARED, tmp_path, str(steps), *files, ranks=ranks)
    types = "torch.float32 torch.float64 torch.bfloat16"
    assert lines == sorted(f"{rank} {file.name} {types} same bytes" for rank in range(ranks) for file in files)


SMALL = """
def make(group, *, algorithm="atc_diffusion", size=size, shape=3):
    x = torch.nn.Parameter(torch.full((shape,), float(rank)))
    schedule = bfc.compile("topology::ring", algorithm=algorithm, size=size)
    return x, bfc.torch.Decentralized(torch.optim.SGD([x], lr=0.5), schedule, group=group, start="own")
world = dist.group.WORLD
"""


def test_ranks_that_differ_learn_it_before_the_first_tensor(tmp_path):
    body = SMALL + """
for options in ({"algorithm": "dgd" if rank == 2 else "atc_diffusion"}, {"shape": 3 + (rank == 1)}):
    code, text, seconds = refused(lambda: make(world, **options))
    print(rank, code, "rank 0" in text, "rank 2" in text, "rank 1" in text, seconds < 20)
code, text, _ = refused(lambda: make(world, size=2))
print(rank, code, "for 2 ranks" in text)
x, optimizer = make(world)
step(x, optimizer)
print(rank, "done")
"""
    expected = [
        "bfc::execute::different_schedule True True False True",
        "bfc::execute::different_model True False True True",
        "bfc::argument::wrong_value True",
        "done",
    ]
    assert on_ranks(body, tmp_path, ranks=3) == sorted(f"{rank} {line}" for rank in range(3) for line in expected)


def test_a_late_rank_is_named_with_step_exchange_and_round(tmp_path):
    body = SMALL + """
bfc.shutdown()
bfc.init(engine="torch", deadline=2)
x, optimizer = make(None)
step(x, optimizer)
if rank == 1:
    time.sleep(10)
else:
    code, text, seconds = refused(lambda: step(x, optimizer))
    print(rank, code in ("bfc::execute::deadline", "bfc::execute::peer_failed"), seconds < 8, f"rank {rank}, step 1, phase 0, round" in text)
    print(rank, refused(lambda: step(x, optimizer))[0])
"""
    lines = on_ranks(body, tmp_path, ranks=3)
    expected = [f"{rank} {words}" for rank in (0, 2) for words in ("True True True", "bfc::execute::failed")]
    assert lines == sorted(expected)


def test_a_dead_rank_is_named(tmp_path):
    body = SMALL + """
bfc.shutdown()
bfc.init(engine="torch", deadline=30)
x, optimizer = make(None)
step(x, optimizer)
dist.barrier()
if rank == 1:
    os._exit(0)
code, text, seconds = refused(lambda: [step(x, optimizer) for _ in range(3)])
print(rank, code in ("bfc::execute::peer_left", "bfc::execute::system"), "rank 1" in text, seconds < 10)
"""
    assert on_ranks(body, tmp_path) == ["0 True True True"]


def test_the_engine_is_chosen(tmp_path):
    body = SMALL + """
half = dist.new_group([0, 1])
print(rank, "joined", bfc.rank(), bfc.size(), bfc.local_rank(), bfc.local_size())
bfc.shutdown()
if rank < 2:
    bfc.init(group=half)
    print(rank, "half", bfc.rank(), bfc.size(), bfc.local_rank(), bfc.local_size())
    x, optimizer = make(None, size=2)
    step(x, optimizer)
    print(rank, type(optimizer._machine).__name__, x.tolist())
    print(rank, refused(lambda: optimizer.inputs.__setitem__("nope", 1.0))[0], refused(lambda: optimizer._machine.set_input("nope", 1.0))[0])
    optimizer.close()
else:
    print(rank, refused(lambda: bfc.init(group=half))[0])
print(rank, refused(lambda: bfc.init(engine="nccl"))[0])
"""
    expected = ["2 bfc::torch::no_group"]
    for rank in range(3):
        expected.append(f"{rank} joined {rank} 3 {rank} 3")
        expected.append(f"{rank} bfc::argument::wrong_value")
    for rank in range(2):
        expected += [f"{rank} half {rank} 2 {rank} 2", f"{rank} GroupMachine [0.0, 0.0, 0.0]"]
        expected.append(f"{rank} bfc::execute::unknown_input bfc::execute::unknown_input")
    assert on_ranks(body, tmp_path, ranks=3) == sorted(expected)


def test_ranks_that_choose_other_engines_are_named(tmp_path):
    body = """
bfc.shutdown()
code, text, seconds = refused(lambda: bfc.init(engine="torch" if rank == 1 else "processes", deadline=30))
print(rank, code, "rank 1" in text, "`torch`" in text and "`processes`" in text, seconds < 20)
bfc.init(engine="torch", deadline=30)
print(rank, "goes on", bfc.size(), refused(bfc.communicator)[0])
"""
    lines = ["bfc::world::engines_differ True True True", "goes on 3 bfc::torch::no_communicator"]
    assert on_ranks(body, tmp_path, ranks=3) == sorted(f"{rank} {line}" for rank in range(3) for line in lines)


OVERLAPPED = """
x = torch.randn(16, 1500, generator=torch.Generator().manual_seed(2))
def make(algorithm, kind, overlap):
    torch.manual_seed(1)
    net = torch.nn.Sequential(*[torch.nn.Linear(1500, 1500) for _ in range(2)])
    schedule = bfc.compile("topology::ring", algorithm=algorithm, size=size)
    return net, bfc.torch.Decentralized(kind(net.parameters(), lr=1e-3), schedule, net, group=dist.group.WORLD, overlap=overlap)
def backward(net, optimizer):
    optimizer.zero_grad()
    (net(x) - rank).square().mean().backward()
"""


def test_exchanges_begin_during_backward_with_the_same_bits(tmp_path):
    body = OVERLAPPED + """
for algorithm in ("atc_diffusion", "gradient_tracking", "choco_sgd", "push_sum_sgd"):
    found = []
    for overlap in (False, True):
        net, optimizer = make(algorithm, torch.optim.AdamW if algorithm == "atc_diffusion" else torch.optim.SGD, overlap)
        for _ in range(2):
            backward(net, optimizer)
            optimizer.step()
        before = optimizer.statistics()["bytes_sent"]
        backward(net, optimizer)
        during = optimizer.statistics()["bytes_sent"] - before
        optimizer.step()
        with optimizer.evaluating():
            model = [one.detach().clone() for one in net.parameters()]
        found.append((during > 0, [*map(torch.clone, net.parameters()), *model]))
        buckets = optimizer.statistics()["buckets"]
        optimizer.close()
    assert buckets > 1
    (early, plain), (overlaps, other) = found
    print(rank, algorithm, early, overlaps, all(map(torch.equal, plain, other)))
"""
    names = ("atc_diffusion", "choco_sgd", "gradient_tracking", "push_sum_sgd")
    assert on_ranks(body, tmp_path) == [f"{rank} {name} False True True" for rank in (0, 1) for name in names]


def test_overlap_on_some_ranks_only_is_named(tmp_path):
    body = OVERLAPPED + """
code, text, _ = refused(lambda: make("atc_diffusion", torch.optim.SGD, rank == 1))
print(rank, code, "overlap=True" in text and "overlap=False" in text)
"""
    assert on_ranks(body, tmp_path) == [f"{rank} bfc::execute::different_model True" for rank in (0, 1)]


def test_a_loaded_run_goes_on_with_the_same_bits(tmp_path):
    body = SMALL + """
import io
for algorithm in ("gradient_tracking", "atc_diffusion", "gradient_tracking_awc"):
    x, optimizer = make(world, algorithm=algorithm)
    for _ in range(3):
        step(x, optimizer)
    saved = io.BytesIO()
    torch.save(optimizer.state_dict(), saved)
    saved.seek(0)
    for _ in range(3):
        step(x, optimizer)
    optimizer.close()
    y, other = make(world, algorithm=algorithm)
    step(y, other)
    other.load_state_dict(torch.load(saved))
    for _ in range(3):
        step(y, other)
    wrong = other.state_dict()
    wrong["bfc"]["machine"] = torch.zeros(3, dtype=torch.uint8)
    print(rank, torch.equal(x, y), refused(lambda: other.load_state_dict(wrong))[0])
    other.close()
"""
    line = "True bfc::execute::wrong_checkpoint"
    assert on_ranks(body, tmp_path) == [f"{rank} {line}" for rank in (0, 1) for _ in range(3)]


def test_without_a_launcher_an_initialized_group_is_joined():
    torch.distributed.init_process_group("gloo", store=torch.distributed.HashStore(), rank=0, world_size=1)
    try:
        bfc.shutdown()
        bfc.init()
        x = torch.nn.Parameter(torch.ones(2))
        alone = bfc.compile("topology::ring", algorithm="atc_diffusion", size=1)
        optimizer = bfc.torch.Decentralized(torch.optim.SGD([x], lr=0.5), alone)
        x.sum().backward()
        optimizer.step()
        assert type(optimizer._machine).__name__ == "GroupMachine" and x.tolist() == [0.5, 0.5]
        optimizer.close()
    finally:
        bfc.shutdown()
        torch.distributed.destroy_process_group()
    with pytest.raises(bfc.OptimizerError) as missing:
        bfc.init(engine="torch")
    assert missing.value.code == "bfc::torch::no_group"


def test_a_group_that_does_not_carry_the_tensors_is_refused():
    store = torch.distributed.HashStore()
    torch.distributed.init_process_group("cuda:gloo", store=store, rank=0, world_size=1)
    try:
        bfc.init(engine="torch")
        x = torch.nn.Parameter(torch.ones(2))
        alone = bfc.compile("topology::ring", algorithm="atc_diffusion", size=1)
        with pytest.raises(bfc.OptimizerError) as refused:
            bfc.torch.Decentralized(torch.optim.SGD([x], lr=0.5), alone)
        assert refused.value.code == "bfc::torch::no_backend"
    finally:
        bfc.shutdown()
        torch.distributed.destroy_process_group()


def test_products_are_summed_in_one_order():
    from bfc.torch._arithmetic import inner_product

    def reference(products):
        if len(products) <= 4096:
            lanes = [0.0] * 8
            for index, product in enumerate(products):
                lanes[index % 8] += product
            return sum(lanes)
        blocks = -(-len(products) // 4096)
        left = 1 << (blocks - 1).bit_length() - 1
        return reference(products[:left * 4096]) + reference(products[left * 4096:])

    torch.manual_seed(0)
    for length in (0, 1, 13, 4096, 4097, 5 * 4096 + 1):
        a, b = torch.randn(length), torch.randn(length)
        assert inner_product(a, b) == reference((a.double() * b.double()).tolist())


def test_the_check_for_gpus_passes_on_the_cpu():
    script = ROOT / "gpu" / "check_torch.py"
    done = subprocess.run([sys.executable, script, "cpu"], capture_output=True, text=True, timeout=300)
    lines = done.stdout.splitlines()
    assert done.returncode == 0 and len(lines) == 5 and "FAILED" not in done.stdout, done.stdout + done.stderr
