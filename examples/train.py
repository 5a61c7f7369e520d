"""Train multinomial logistic regression on handwritten digits, split over in-process ranks.

    python examples/train.py                        # examples/digits.bf on 8 ranks
    python examples/train.py examples/push_sum.bf --size 16 --skew 1

The data, their split and the loss are those of `bfc run`, and so is the result.
"""

import argparse
import json
import math
from pathlib import Path

import numpy as np

import bfc

HERE = Path(__file__).resolve().parent
L2 = 1e-2


def shuffled(rows, seed):
    """Fisher-Yates with SplitMix64 (Steele, Lea and Flood, 2014)."""
    mask, order = 2**64 - 1, list(range(rows))
    for i in range(rows - 1, 0, -1):
        seed = z = (seed + 0x9E3779B97F4A7C15) & mask
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & mask
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB & mask
        j = (z ^ (z >> 31)) % (i + 1)
        order[i], order[j] = order[j], order[i]
    return np.array(order)


def load(path, ranks, skew, seed):
    """Scaled (features, labels) of each rank's shard, and of the test set."""
    table = np.loadtxt(path, delimiter=",")
    features, labels = table[:, :-1], np.unique(table[:, -1], return_inverse=True)[1].reshape(-1)
    order = shuffled(len(labels), seed)
    test, train = np.split(order, [max(len(order) // 5, 1)])

    total = lambda values: np.cumsum(values, axis=0)[-1]  # in order, unlike np.sum
    mean = total(features[train]) / len(train)
    deviation = np.sqrt(total((features[train] - mean) ** 2) / len(train))
    features = (features - mean) / np.where(deviation > 0, deviation, 1.0)

    place = np.arange(len(train))
    by_label = np.argsort(np.argsort(labels[train], kind="stable"), kind="stable")
    train = train[np.argsort((1 - skew) * place + skew * by_label, kind="stable")]
    bounds = [rank * len(train) // ranks for rank in range(ranks + 1)]
    shards = [train[low:high] for low, high in zip(bounds, bounds[1:])]
    return [(features[rows], labels[rows]) for rows in shards], (features[test], labels[test])


class Logistic:
    """factor * sum of the rows' cross-entropies + L2/2 * ||model||^2; the model is (features + 1, classes)."""

    def __init__(self, rows, classes, factor):
        features, self.labels = rows
        self.features = np.hstack([features, np.ones((len(features), 1))])
        self.classes, self.factor = classes, factor

    def probabilities(self, model):
        logits = self.features @ model
        logits -= logits.max(axis=1, keepdims=True)
        exponentials = np.exp(logits)
        return exponentials / exponentials.sum(axis=1, keepdims=True)

    def loss(self, model):
        own = self.probabilities(model)[np.arange(len(self.labels)), self.labels]
        return -self.factor * np.log(own).sum() + L2 / 2 * (model**2).sum()

    def gradient(self, model):
        residual = self.probabilities(model)
        residual[np.arange(len(self.labels)), self.labels] -= 1.0
        return self.factor * (self.features.T @ residual) + L2 * model

    def accuracy(self, model):
        return float(np.mean(np.argmax(self.features @ model, axis=1) == self.labels))


def train(schedule, shards, classes, steps, lr=None):
    """The model of each rank after `steps` steps, and the bytes that each has sent."""
    rows = sum(len(labels) for _, labels in shards)

    def rank(comm):
        problem = Logistic(shards[comm.rank], classes, comm.size / rows)
        x = np.zeros((problem.features.shape[1], classes))
        trainer = comm.trainer(schedule, x)
        if lr is not None:
            trainer.set_input("lr", lr)
        for _ in range(steps):
            trainer.step(x, problem.gradient)
        return x, trainer.bytes_sent

    return bfc.spmd(rank, schedule.size)


def summary(models, shards, test, classes):
    """What `bfc run` tells of the decentralized run."""
    everything = tuple(np.concatenate(parts) for parts in zip(*shards))
    models = np.stack(models)
    mean = models.mean(axis=0)
    return {
        "loss": float(Logistic(everything, classes, 1 / len(everything[1])).loss(mean)),
        "test_accuracy": Logistic(test, classes, 1.0).accuracy(mean),
        "consensus_distance": math.sqrt(((models - mean) ** 2).sum() / len(models)),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", default=HERE / "digits.bf", help="a .bf file or a library name")
    parser.add_argument("--size", type=int, default=8)
    parser.add_argument("--data", type=Path, default=HERE / "data" / "digits.csv")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--lr", type=float)
    parser.add_argument("--skew", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()

    schedule = bfc.compile(arguments.file, size=arguments.size)
    shards, test = load(arguments.data, arguments.size, arguments.skew, arguments.seed)
    classes = 1 + max(labels.max() for _, labels in [*shards, test])
    results = train(schedule, shards, classes, arguments.steps, arguments.lr)
    told = summary([model for model, _ in results], shards, test, classes)
    print(json.dumps({**told, "bytes_per_rank": max(sent for _, sent in results)}, indent=2))


if __name__ == "__main__":
    main()
