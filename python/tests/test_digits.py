"""The example trainer and `bfc run` agree, and train."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import bfc

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "train.py"
COMMAND = Path(sys.executable).with_name("bfc")


def example():
    spec = importlib.util.spec_from_file_location("train", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("file,size,skew", [("digits.bf", 8, 0.0), ("push_sum.bf", 5, 1.0), ("ring_dgd.bf", 4, 0.5)])
def test_python_and_rust_train_alike(file, size, skew, tmp_path):
    path, steps, lr, seed = ROOT / "examples" / file, 60, 0.1, 3
    options = ["--size", size, "--steps", steps, "--lr", lr, "--skew", skew, "--seed", seed, "--out", tmp_path]
    subprocess.run([COMMAND, "run", path, *map(str, options)], check=True, capture_output=True)
    rust = json.loads((tmp_path / "run.json").read_text())

    train = example()
    shards, test = train.load(ROOT / "examples" / "data" / "digits.csv", size, skew, seed)
    results = train.train(bfc.compile(path, size=size), shards, 10, steps, lr)
    told = train.summary([model for model, _ in results], shards, test, 10)
    assert told["loss"] == pytest.approx(rust["decentralized"]["loss"], rel=0, abs=1e-12)
    assert told["test_accuracy"] == rust["decentralized"]["test_accuracy"]
    assert told["consensus_distance"] == pytest.approx(rust["consensus_distance"], rel=0, abs=1e-12)
    assert max(sent for _, sent in results) == rust["bytes_per_rank"]


def test_the_split_keeps_every_row():
    shards, (_, labels) = example().load(ROOT / "examples" / "data" / "digits.csv", 7, 0.3, 0)
    assert len(labels) == 359 and sum(len(labels) for _, labels in shards) == 1438
    features = np.concatenate([features for features, _ in shards])
    assert np.abs(features.mean(axis=0)).max() < 1e-12


def test_the_gradient_is_that_of_the_loss():
    train = example()
    shards, _ = train.load(ROOT / "examples" / "data" / "digits.csv", 40, 0.0, 0)
    problem = train.Logistic(shards[0], 10, 0.3)
    random = np.random.default_rng(0)
    model, along = random.normal(size=(2, 65, 10)) / 10
    slope = (problem.loss(model + 1e-6 * along) - problem.loss(model - 1e-6 * along)) / 2e-6
    assert slope == pytest.approx((problem.gradient(model) * along).sum(), rel=1e-6)


def test_the_example_runs_as_a_script():
    done = subprocess.run(
        [sys.executable, EXAMPLE, "--size", "4", "--steps", "150"], check=True, capture_output=True, text=True
    )
    told = json.loads(done.stdout)
    assert told["test_accuracy"] > 0.93 and told["consensus_distance"] < 0.1
