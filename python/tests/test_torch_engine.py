"""The engine `torch`: programs interpreted with operations of torch over a group of gloo, beside the engine `processes`."""

import re
import textwrap
from pathlib import Path

import pytest

import bfc

torch = pytest.importorskip("torch", reason="torch is not installed, so its optimizers are not tested")
import bfc.torch  # noqa: E402
from test_torch import ROOT, start  # noqa: E402

LIBRARY = sorted((ROOT / "stdlib" / "algorithm").glob("*.bf"))
HEAD = """
import sys, time, torch, bfc, bfc.torch
import torch.distributed as dist
torch.set_num_threads(1)
bfc.init(deadline=60)
dist.init_process_group("gloo")
rank, size = bfc.rank(), bfc.size()
"""


def on_ranks(body, tmp_path, *arguments, ranks=2):
    """What the ranks print, which torchrun starts."""
    script = tmp_path / "script.py"
    script.write_text(HEAD + textwrap.dedent(body))
    return start("torchrun", ranks, script, *arguments, scratch=tmp_path)


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
def run(schedule, dtype, group, overlap=False):
    torch.manual_seed(rank)
    net = torch.nn.Sequential(torch.nn.Linear(5, 3), torch.nn.Tanh(), torch.nn.Linear(3, 2)).to(dtype)
    x, y = torch.randn(8, 5, dtype=dtype), torch.randn(8, 2, dtype=dtype)
    adapts = any("adapted" in block for block in schedule.questions)
    rate = {"lr": 0.01 if adapts else 0.05}
    base = torch.optim.Adam(net.parameters(), **rate) if adapts else torch.optim.SGD(net.parameters(), **rate)
    optimizer = bfc.torch.Decentralized(base, schedule, net, group=group)
    def closure():
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(net(x), y)
        loss.backward()
        return loss
    for _ in range(50):
        optimizer.step(closure)
    with optimizer.evaluating():
        model = [one.detach().clone() for one in net.parameters()]
    sent = optimizer.statistics()["bytes_sent"]
    optimizer.close()
    return model, sent

for path in sys.argv[1:]:
    schedule = bfc.load(path)
    name = path.rsplit("/", 1)[1]
    for dtype in (torch.float32, torch.float64, torch.bfloat16):
        one, sent = run(schedule, dtype, None)
        other, also_sent = run(schedule, dtype, dist.group.WORLD)
        same = all(torch.equal(a, b) for a, b in zip(one, other)) and all(map(torch.Tensor.isfinite, [a.sum() for a in one]))
        print(rank, name, dtype, "same" if same and sent == also_sent else ("other", sent, also_sent), flush=True)
"""


@pytest.mark.parametrize("ranks", [2, 4])
def test_every_algorithm_has_the_bits_of_the_engine_processes(ranks, tmp_path):
    files = []
    for path in LIBRARY:
        try:
            schedule = bfc.compile_source(example(path), size=ranks, local_size=1)
        except bfc.CompileError:
            continue  # Its topology needs another number of ranks.
        asked = {question for block in schedule.questions for question in block}
        if asked and asked <= {"gradient", "adapted"} and not needs_host(schedule):
            files.append(tmp_path / path.stem)
            schedule.save(files[-1])
    assert len(files) > 30
    lines = on_ranks(COMPARED, tmp_path, *files, ranks=ranks)
    assert len(lines) == ranks * len(files) * 3
    assert [line for line in lines if not line.endswith("same")] == []


def needs_host(schedule):
    program = schedule._program(0)
    used = {instruction[0] for block in program["steps"] for instruction in block}
    return "project" in used
