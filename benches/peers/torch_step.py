"""What `bfc.torch.Decentralized` adds to a step of its base.

python torch_step.py                                   one rank: 160 tiny tensors, and one of 4 KB
bfc launch -n 2 -- python torch_step.py pair           25 million parameters in 161 tensors, beside the runtime's own step

Prints medians of rank 0, by turns. The runtime's own step is the base's, and a machine of the runtime that works on the same
tensors, driven without the wrapper.
"""

import statistics
import sys
import time

import torch

import bfc
import bfc.torch


def parameters(sizes):
    made = [torch.nn.Parameter(torch.full((size,), 1.0)) for size in sizes]
    for one in made:
        one.grad = torch.full_like(one, 1e-6)
    return made


def base_of(tensors):
    return torch.optim.SGD(tensors, lr=0.1)


def timed(step):
    begun = time.perf_counter()
    step()
    return time.perf_counter() - begun


def medians(steps, samples):
    """The median of each step in seconds, by turns, after some that do not count."""
    times = [[timed(step) for step in steps] for _ in range(samples + samples // 10 + 1)]
    return [statistics.median(column) for column in zip(*times[samples // 10 + 1:])]


def alone():
    for name, sizes, algorithm in [
        ("160 tensors of 16", [16] * 160, "atc_diffusion"), ("1 tensor of 4 KB", [1024], "atc_diffusion"),
        ("160 tensors of 16", [16] * 160, "dgd"), ("1 tensor of 4 KB", [1024], "dgd"),
    ]:
        plain, wrapped = parameters(sizes), parameters(sizes)
        schedule = bfc.compile("topology::ring", algorithm=algorithm, size=1)
        optimizer = bfc.torch.Decentralized(base_of(wrapped), schedule)
        base, step = medians([base_of(plain).step, optimizer.step], 2000)
        print(f"{name}, {algorithm}: base {base * 1e6:.1f} µs, wrapped {step * 1e6:.1f}, added {(step - base) * 1e6:.1f}")
        optimizer.close()


def pair():
    sizes = [512] * 107 + [462_000] * 54
    schedule = bfc.compile("topology::one_peer_exp2", algorithm="atc_diffusion", size=bfc.size())
    tensors = parameters(sizes)
    base = base_of(tensors)
    everything = {}

    def own():
        base.step()
        machine.turn(tensors, tensors)

    for turn in range(3):
        machine = bfc.machine(schedule, {str(i): one for i, one in enumerate(tensors)})
        machine.wanted()
        everything.setdefault("base", []).extend(medians([base.step], 15))
        everything.setdefault("runtime", []).extend(medians([own], 15))
        machine.close()
        optimizer = bfc.torch.Decentralized(base, schedule)
        everything.setdefault("wrapped", []).extend(medians([optimizer.step], 15))
        optimizer.close()
    if bfc.rank() == 0:
        for name, times in everything.items():
            print(f"{name:8} {'  '.join(f'{one * 1e3:.1f}' for one in times)} ms, median {statistics.median(times) * 1e3:.1f}")
        ratio = statistics.median(everything["wrapped"]) / statistics.median(everything["runtime"])
        print(f"wrapped / runtime {ratio:.3f}", flush=True)


torch.set_num_threads(1)
bfc.init()
pair() if sys.argv[1:] == ["pair"] else alone()
