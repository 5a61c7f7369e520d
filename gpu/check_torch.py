"""Checks the engine `torch` on tensors of a GPU; `check.sh` starts it. Every check prints one line.

check_torch.py [DEVICE]    `cuda` by default; `cpu` tries the script itself

Two processes share the GPU. Their group is one of gloo, by which tensors travel through the host's memory, and one of NCCL where
that has several ranks on a GPU (2.30 and newer).
"""

import os
import statistics
import sys
import tempfile
import time
import warnings
from datetime import timedelta

import torch
import torch.distributed as dist
import torch.multiprocessing as processes

import bfc
import bfc.torch

# Schedules are compiled with rates of their own.
warnings.simplefilter("ignore")
RANKS = 2
ALGORITHMS = ("atc_diffusion", "gradient_tracking", "push_sum_sgd", "choco_sgd", "exact_diffusion")
SECONDS = 60
MULTI_RANK = (2, 30)


def trained(algorithm, device, group, dtype=torch.float32, steps=8):
    """The model after some steps, on the CPU. Only operations that are rounded alike everywhere compute the gradients."""
    rank, size = (dist.get_rank(group), dist.get_world_size(group)) if group else (0, 1)
    torch.manual_seed(rank)
    start, target = torch.randn(301, 7), torch.randn(301, 7)
    x = torch.nn.Parameter(start.to(device, dtype))
    schedule = bfc.compile("topology::ring", algorithm=algorithm, size=size)
    optimizer = bfc.torch.Decentralized(torch.optim.SGD([x], lr=0.25), schedule, group=group, start="own")
    for _ in range(steps):
        x.grad = (x - target.to(device, dtype)).detach()
        optimizer.step()
    with optimizer.evaluating():
        model = x.detach().cpu().clone()
    optimizer.close()
    return model


def same_bits(device, group):
    for algorithm in ALGORITHMS:
        for dtype in (torch.float32, torch.float64, torch.bfloat16):
            here, there = trained(algorithm, device, group, dtype), trained(algorithm, "cpu", dist.group.WORLD, dtype)
            assert torch.equal(here, there), f"{algorithm}, {dtype}: {(here - there).abs().max()} from the CPU"
    return f"{len(ALGORITHMS)} algorithms, 3 types"


def step_time(device, group):
    """A step that exchanges 100 MB, and the base's alone."""
    x = torch.nn.Parameter(torch.zeros(25_000_000, device=device))
    x.grad = torch.ones_like(x)
    base = torch.optim.SGD([x], lr=1e-3)
    schedule = bfc.compile("topology::ring", algorithm="atc_diffusion", size=RANKS)
    optimizer = bfc.torch.Decentralized(base, schedule, group=group)
    whole, alone = median(optimizer.step, device), median(base.step, device)
    optimizer.close()
    return f"{whole * 1e3:.1f} ms, the base's step alone {alone * 1e3:.1f} ms"


def median(step, device, turns=12):
    times = []
    for _ in range(turns):
        finish(device)
        begun = time.perf_counter()
        step()
        finish(device)
        times.append(time.perf_counter() - begun)
    return statistics.median(times[2:])


def finish(device):
    if device == "cuda":
        torch.cuda.synchronize()


def scaled(device, group):
    """Steps with a scaler, of which one overflows on one rank."""
    x = torch.nn.Parameter(torch.ones(4, device=device))
    schedule = bfc.compile("topology::ring", algorithm="atc_diffusion", size=RANKS)
    optimizer = bfc.torch.Decentralized(torch.optim.SGD([x], lr=0.5), schedule, group=group)
    scaler = torch.amp.GradScaler(device, init_scale=2.0)
    scaler.scale((x * (1.0 if dist.get_rank() == 0 else float("inf"))).sum()).backward()
    scaler.step(optimizer)
    scaler.update()
    assert x.tolist() == [0.75] * 4 and optimizer.skipped == dist.get_rank(), (x.tolist(), optimizer.skipped)
    optimizer.close()
    return "one rank skipped its own step"


def rank_main(rank, device, store, backend):
    dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=RANKS, timeout=timedelta(seconds=SECONDS))
    group = dist.group.WORLD if backend == "gloo" else dist.new_group(backend=backend, timeout=timedelta(seconds=SECONDS))
    if device == "cuda":
        torch.cuda.set_device(0)
    for name, check in [("bits of the CPU", same_bits), ("GradScaler", scaled), ("step of 100 MB", step_time)]:
        say = print if rank == 0 else lambda *_, **__: None
        try:
            say(f"{'torch over ' + backend + ', ' + name:45} {check(device, group)}", flush=True)
        except Exception as failure:
            print(f"{'torch over ' + backend + ', ' + name:45} FAILED on rank {rank}: {failure}", flush=True)
            os._exit(1)
    dist.destroy_process_group()


def main():
    device = sys.argv[1] if sys.argv[1:] else "cuda"
    if device == "cuda" and not torch.cuda.is_available():
        print("torch: skipped, it finds no GPU")
        return
    print(f"torch {torch.__version__}" + (f", NCCL {'.'.join(map(str, torch.cuda.nccl.version()))}" if device == "cuda" else ""))
    bfc.init(engine="processes")
    for algorithm in ALGORITHMS:
        assert torch.equal(trained(algorithm, device, None), trained(algorithm, "cpu", None)), algorithm
    print(f"{'torch, one rank, bits of the CPU':45} {len(ALGORITHMS)} algorithms", flush=True)
    bfc.shutdown()
    for backend in ("gloo", "nccl") if device == "cuda" else ("gloo",):
        if backend == "nccl" and torch.cuda.nccl.version() < MULTI_RANK:
            print(f"{'torch over nccl':45} skipped: NCCL {'.'.join(map(str, torch.cuda.nccl.version()))}")
            continue
        with tempfile.TemporaryDirectory() as scratch:
            processes.spawn(rank_main, (device, f"{scratch}/store", backend), nprocs=RANKS)


if __name__ == "__main__":
    main()
