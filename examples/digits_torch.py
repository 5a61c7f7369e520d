"""Train a convolutional network on handwritten digits by many algorithms, and compare accuracy, time and bytes.

    bfc launch -n 4 -- python examples/digits_torch.py                      # 2 epochs
    bfc launch -n 4 -- python examples/digits_torch.py --full               # 60 epochs
    torchrun --nproc-per-node 4 examples/digits_torch.py --skew 1           # with DistributedDataParallel for comparison
    torchrun --nproc-per-node 4 examples/digits_torch.py --picture runs.svg # also as bars; needs matplotlib

With `--skew 1` each rank sees few of the ten digits.
"""

import argparse
import os
import time
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
import torch.nn.functional as F

import bfc, bfc.torch

# Name, topology, algorithm.
RUNS = [
    ("all-reduce", "ring", "parallel_sgd"),
    ("adapt, then combine", "one_peer_exp2", "atc_diffusion"),
    ("adapt while combining", "ring", "dgd"),
    ("gradient tracking", "ring", "gradient_tracking"),
    ("exact diffusion", "ring", "exact_diffusion"),
    ("push-sum", "exponential", "push_sum_sgd"),
    ("compressed", "ring", "choco_sgd(q = top_fraction(1/4), gamma = 1/5)"),
    ("hierarchical", "hierarchical", "atc_diffusion"),
    ("local steps", "one_peer_exp2", "local_dsgd(H = 4)"),
]


def read_digits():
    """Images (n, 1, 8, 8) with pixels from 0 to 1, and their digits: a training set, and every fifth item as the test set."""
    table = np.loadtxt(Path(__file__).parent / "data" / "digits.csv", delimiter=",", dtype=np.float32)
    pixels, digits = torch.from_numpy(table[:, :-1] / 16).view(-1, 1, 8, 8), torch.from_numpy(table[:, -1]).long()
    test = torch.arange(len(digits)) % 5 == 0
    return (pixels[~test], digits[~test]), (pixels[test], digits[test])


def make_model():
    """A convolutional network with 3,818 parameters, initialized alike on all ranks."""
    bfc.seed(0)
    return torch.nn.Sequential(
        torch.nn.Conv2d(1, 8, 3, padding=1), torch.nn.ReLU(), torch.nn.MaxPool2d(2),
        torch.nn.Conv2d(8, 16, 3, padding=1), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(256, 10),
    )


def train(model, optimizer, batches, sampler, epochs):
    """Train the model; return how long it took, in seconds."""
    begun = time.perf_counter()
    for epoch in range(epochs):
        sampler.set_epoch(epoch)
        for x, y in batches:
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
    return time.perf_counter() - begun


def accuracy_of(model, test):
    with torch.no_grad():
        return (model(test[0]).argmax(1) == test[1]).float().mean().item()


def draw(rows, title, path):
    """Write bars of accuracy, time and bytes for each row (name, accuracy, distance, seconds, bytes)."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, 3, figsize=(10, 1.5 + 0.3 * len(rows)), sharey=True)
    names, accuracies, _, seconds, sent = zip(*rows)
    bars = {"accuracy, %": [100 * one for one in accuracies], "seconds": seconds, "MB sent by a rank": [one / 1e6 for one in sent]}
    for panel, (heading, lengths) in zip(panels, bars.items()):
        panel.barh(names, lengths, color="#0072b2")
        panel.set_title(heading)
    panels[0].set_xlim(max(0, bars["accuracy, %"][0] - 20), 100)
    panels[0].invert_yaxis()
    figure.suptitle(title)
    figure.tight_layout()
    figure.savefig(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--skew", type=float, default=0.0)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--full", action="store_true", help="60 epochs")
    parser.add_argument("--picture", metavar="FILE", help="draw the table into this file")
    parser.add_argument("--only", help="only the runs whose names begin with this")
    arguments = parser.parse_args()
    epochs = 60 if arguments.full else arguments.epochs

    torch.set_num_threads(1)
    bfc.init()
    train_set, test = read_digits()
    dataset = torch.utils.data.TensorDataset(*train_set)
    sampler = bfc.sampler(dataset, skew=arguments.skew, labels=train_set[1])
    batches = torch.utils.data.DataLoader(dataset, batch_size=16, sampler=sampler)
    title = f"{bfc.size()} ranks, skew {arguments.skew}, {epochs} epochs of {len(batches)} steps"
    if bfc.rank() == 0:
        print(title)
        print(f"{'':24} {'accuracy':>8} {'distance':>9} {'seconds':>8} {'MB sent':>8}", flush=True)

    rows = []

    def show(name, accuracy, distance, seconds, sent):
        rows.append((name, accuracy, distance, seconds, sent))
        if bfc.rank() == 0:
            print(f"{name:24} {accuracy:8.2%} {distance:9.2e} {seconds:8.2f} {sent / 1e6:8.2f}", flush=True)

    for name, topology, algorithm in RUNS:
        if not name.startswith(arguments.only or ""):
            continue
        local_size = 2 if topology == "hierarchical" and bfc.size() % 2 == 0 else 1
        schedule = bfc.compile(f"topology::{topology}", algorithm=algorithm, size=bfc.size(), local_size=local_size)
        model = make_model()
        base = torch.optim.SGD(model.parameters(), lr=0.1)
        optimizer = bfc.torch.Decentralized(base, schedule, model)
        seconds = train(model, optimizer, batches, sampler, epochs)
        # Before the average that the distance needs, which would count as well.
        sent = optimizer.statistics()["bytes_sent"]
        distance = optimizer.consensus_distance()
        with optimizer.evaluating(average=True):
            show(name, accuracy_of(model, test), distance, seconds, sent)
        optimizer.close()

    if "MASTER_ADDR" in os.environ and not arguments.only:
        dist.init_process_group("gloo")
        model = torch.nn.parallel.DistributedDataParallel(make_model())
        seconds = train(model, torch.optim.SGD(model.parameters(), lr=0.1), batches, sampler, epochs)
        # A ring all-reduce sends each number twice, except for the block that is already in place. Torch does not count bytes.
        numbers = sum(parameter.numel() for parameter in model.parameters())
        sent = 2 * (bfc.size() - 1) / bfc.size() * 4 * numbers * epochs * len(batches)
        show("DistributedDataParallel", accuracy_of(model, test), 0.0, seconds, sent)
        dist.destroy_process_group()
    if arguments.picture and bfc.rank() == 0:
        draw(rows, title, arguments.picture)


if __name__ == "__main__":
    main()
