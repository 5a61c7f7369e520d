"""Images per second of `bfc.torch.Decentralized` beside DistributedDataParallel over gloo, and their accuracy over five seeds.

torchrun --nproc-per-node 4 ddp_step.py                 engine "processes"
torchrun --nproc-per-node 4 ddp_step.py --engine torch  over the group of DistributedDataParallel

A perceptron with two wide layers on handwritten digits, small batches: communication takes most of a step of
DistributedDataParallel; the share is measured, as what `no_sync` saves. Turns alternate; rank 0 prints medians.
"""

import argparse
import statistics
import sys
import time
from pathlib import Path

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch.nn.parallel import DistributedDataParallel

import bfc
import bfc.torch

sys.path.append(str(Path(__file__).parents[2] / "examples"))
from digits_torch import accuracy_of, read_digits  # noqa: E402

BATCH = 16


def make_model(width, seed):
    """The same on all ranks."""
    bfc.seed(seed)
    sizes = [64, width, width, 10]
    layers = [layer for a, b in zip(sizes, sizes[1:]) for layer in (torch.nn.Linear(a, b), torch.nn.ReLU())]
    return torch.nn.Sequential(torch.nn.Flatten(), *layers[:-1])


def base_of(model):
    return torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)


class Ddp:
    name = "DistributedDataParallel"

    def __init__(self, width, seed):
        self.model = make_model(width, seed)
        self.wrapped = DistributedDataParallel(self.model)
        self.optimizer = base_of(self.model)

    def step(self, x, y):
        self.optimizer.zero_grad()
        F.cross_entropy(self.wrapped(x), y).backward()
        self.optimizer.step()

    def step_alone(self, x, y):
        with self.wrapped.no_sync():
            self.step(x, y)

    def accuracy(self, test):
        return accuracy_of(self.model, test)

    def close(self):
        pass


class Decentralized:
    name = "one_peer_exp2, atc_diffusion"

    def __init__(self, width, seed, overlap=False):
        self.model = make_model(width, seed)
        schedule = bfc.compile("topology::one_peer_exp2", algorithm="algorithm::atc_diffusion", size=bfc.size())
        self.optimizer = bfc.torch.Decentralized(base_of(self.model), schedule, self.model, overlap=overlap)

    def step(self, x, y):
        self.optimizer.zero_grad()
        F.cross_entropy(self.model(x), y).backward()
        self.optimizer.step()

    def accuracy(self, test):
        with self.optimizer.evaluating(average=True):
            return accuracy_of(self.model, test)

    def close(self):
        self.optimizer.close()


def batches(train_set, seed, epochs):
    dataset = torch.utils.data.TensorDataset(*train_set)
    sampler = bfc.sampler(dataset, seed=seed)
    loader = torch.utils.data.DataLoader(dataset, batch_size=BATCH, sampler=sampler, drop_last=True)
    for epoch in range(epochs):
        sampler.set_epoch(epoch)
        yield from loader


def images_per_second(step, loader, steps):
    """Of all ranks together, over `steps` steps after three that do not count."""
    begun = None
    for count, (x, y) in zip(range(steps + 3), loader):
        if count == 3:
            dist.barrier()
            begun = time.perf_counter()
        step(x, y)
    dist.barrier()
    return steps * BATCH * bfc.size() / (time.perf_counter() - begun)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", default="processes", choices=["processes", "torch"])
    parser.add_argument("--overlap", action="store_true", help="exchange buckets while gradients are computed")
    parser.add_argument("--width", type=int, default=1500)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=5, help="at least 1")
    parser.add_argument("--epochs", type=int, default=20)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    bfc.init(engine=arguments.engine)
    say = print if bfc.rank() == 0 else lambda *_, **__: None
    train_set, test = read_digits()

    runs = [Ddp(arguments.width, 0), Decentralized(arguments.width, 0, arguments.overlap)]
    parameters = sum(one.numel() for one in runs[0].model.parameters())
    say(f"{bfc.size()} ranks, engine {arguments.engine}, {parameters / 1e6:.1f} million parameters, batches of {BATCH}")
    steps = {run.name: run.step for run in runs} | {"no communication": runs[0].step_alone}
    rates = {name: [] for name in steps}
    for turn in range(arguments.turns):
        for name, step in steps.items():
            rates[name].append(images_per_second(step, batches(train_set, turn, 1000), arguments.steps))
    rate = {name: statistics.median(of) for name, of in rates.items()}
    for name, of in rates.items():
        say(f"{name:30} {rate[name]:8.0f} images/s, turns {' '.join(f'{one:.0f}' for one in of)}")
    say(f"communication takes {1 - rate[Ddp.name] / rate['no communication']:.0%} of a step of DistributedDataParallel")
    say(f"{rate[Decentralized.name] / rate[Ddp.name]:.2f} times its images per second", flush=True)
    runs[1].close()

    accuracies = {make.name: [] for make in (Ddp, Decentralized)}
    for seed in range(arguments.seeds):
        for make in (Ddp, Decentralized):
            run = make(64, seed)
            for x, y in batches(train_set, seed, arguments.epochs):
                run.step(x, y)
            accuracies[make.name].append(run.accuracy(test))
            run.close()
    for name, of in accuracies.items():
        say(f"{name:30} {statistics.mean(of):.2%} of digits right, seeds {' '.join(f'{one:.2%}' for one in of)}")
    say(f"difference {statistics.mean(accuracies[Decentralized.name]) - statistics.mean(accuracies[Ddp.name]):+.2%}", flush=True)
    bfc.shutdown()
    dist.destroy_process_group()


main()
