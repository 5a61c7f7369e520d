"""Train a perceptron on handwritten digits with PyTorch, split over the ranks that a launcher starts.

    python examples/train_torch.py                                          # one rank
    bfc launch -n 4 -- python examples/train_torch.py
    torchrun --nproc-per-node 4 examples/train_torch.py --algorithm gradient_tracking

Lines that end in `# bfc` are what a script for one process does not have.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

import bfc, bfc.torch  # bfc

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--algorithm", default="atc_diffusion", help="such as atc_diffusion, dgd or gradient_tracking")
parser.add_argument("--topology", default="one_peer_exp2", help="a topology of the library, or an expression")
parser.add_argument("--epochs", type=int, default=10)
arguments = parser.parse_args()

torch.manual_seed(0)
torch.set_num_threads(1)
bfc.init()  # bfc
table = torch.from_numpy(np.loadtxt(Path(__file__).parent / "data" / "digits.csv", delimiter=",", dtype=np.float32))
pixels, digits = table[:, :-1] / 16, table[:, -1].long()
train, test = torch.utils.data.random_split(torch.utils.data.TensorDataset(pixels, digits), [0.8, 0.2])
train = torch.utils.data.Subset(train, range(bfc.rank(), len(train) // bfc.size() * bfc.size(), bfc.size()))  # bfc
batches = torch.utils.data.DataLoader(train, batch_size=len(train) // 20, shuffle=True, drop_last=True)

model = torch.nn.Sequential(torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10))
adapts = arguments.algorithm.endswith("diffusion")
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2) if adapts else torch.optim.SGD(model.parameters(), lr=0.5)
schedule = bfc.compile(f"topology::{arguments.topology}", algorithm=arguments.algorithm, size=bfc.size())  # bfc
optimizer = bfc.torch.Decentralized(optimizer, schedule, model)  # bfc

for epoch in range(arguments.epochs):
    total = 0.0
    for x, y in batches:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        total += loss.item()
    print(f"rank {bfc.rank()}, epoch {epoch}: loss {total / len(batches):.6f}", flush=True)

with optimizer.evaluating(), torch.no_grad():  # bfc
    x, y = test.dataset[test.indices]
    accuracy = (model(x).argmax(1) == y).float().mean().item()
    numbers = torch.cat([parameter.flatten() for parameter in model.parameters()]).double().abs().sum().item()
print(f"rank {bfc.rank()}: test accuracy {accuracy:.4f}, sum of |parameters| {numbers.hex()}")
