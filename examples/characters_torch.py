"""Train a transformer that predicts the next character of a play, over slow links: by DiLoCo and NoLoCo, which exchange rarely.

    bfc launch -n 4 -- python examples/characters_torch.py                  # 40 steps
    bfc launch -n 4 -- python examples/characters_torch.py --full           # 600 steps

AdamW makes the steps of all runs. Prints the loss on the end of the play, which no rank trains on, and what a rank has sent.
"""

import argparse
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

import bfc, bfc.torch

# Characters that the model sees, its width and its layers.
CONTEXT, WIDTH, LAYERS, HEADS = 64, 64, 2, 4


def runs(period, steps):
    """Name, topology, algorithm; without an exchange, each rank trains alone."""
    yield "every step", "one_peer_exp2", "atc_diffusion"
    yield f"DiLoCo, every {period}", "ring", f"diloco(H = {period})"
    yield f"NoLoCo, every {period}", "one_peer_exp2", f"noloco(H = {period})"
    yield "alone", "ring", f"diloco(H = {steps + 1})"


class Layer(nn.Module):
    """Attention to earlier characters, then a perceptron (Vaswani et al., 2017), with norms first."""

    def __init__(self):
        super().__init__()
        self.norms = nn.ModuleList([nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)])
        self.queries_keys_values, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.perceptron = nn.Sequential(nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH))

    def forward(self, x):
        batch, length, _ = x.shape
        heads = self.queries_keys_values(self.norms[0](x)).view(batch, length, 3, HEADS, -1).permute(2, 0, 3, 1, 4)
        attended = F.scaled_dot_product_attention(*heads, is_causal=True)
        x = x + self.out(attended.transpose(1, 2).reshape(batch, length, WIDTH))
        return x + self.perceptron(self.norms[1](x))


class Transformer(nn.Module):
    """Texts (batch, length) of character numbers to scores (batch, length, characters) of what follows."""

    def __init__(self, characters):
        super().__init__()
        self.characters, self.places = nn.Embedding(characters, WIDTH), nn.Embedding(CONTEXT, WIDTH)
        self.layers = nn.Sequential(*(Layer() for _ in range(LAYERS)), nn.LayerNorm(WIDTH))
        self.scores = nn.Linear(WIDTH, characters)

    def forward(self, text):
        return self.scores(self.layers(self.characters(text) + self.places.weight[: text.shape[1]]))


def loss_of(model, text, starts):
    """The cross entropy in nats per character, of the pieces of a text that begin at `starts`."""
    pieces = torch.stack([text[start : start + CONTEXT + 1] for start in starts])
    return F.cross_entropy(model(pieces[:, :-1]).flatten(0, 1), pieces[:, 1:].flatten())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--period", type=int, default=10, help="steps from one exchange to the next (H)")
    parser.add_argument("--full", action="store_true", help="600 steps")
    arguments = parser.parse_args()
    steps = 600 if arguments.full else arguments.steps

    torch.set_num_threads(1)
    bfc.init()
    play = (Path(__file__).parent / "data" / "coriolanus.txt").read_text()
    characters = {character: number for number, character in enumerate(sorted(set(play)))}
    text = torch.tensor([characters[character] for character in play])
    # Each rank has its part of the first nine tenths, scene after scene.
    train, test = text[: len(text) * 9 // 10], text[len(text) * 9 // 10 :]
    own = train.tensor_split(bfc.size())[bfc.rank()]
    if bfc.rank() == 0:
        print(f"{bfc.size()} ranks, {steps} steps, {len(characters)} characters")
        print(f"{'':20} {'test loss':>9} {'distance':>9} {'seconds':>8} {'MB sent':>8}", flush=True)

    for name, topology, algorithm in runs(arguments.period, steps):
        bfc.seed(0)
        model = Transformer(len(characters))
        schedule = bfc.compile(f"topology::{topology}", algorithm=algorithm, size=bfc.size())
        optimizer = bfc.torch.Decentralized(torch.optim.AdamW(model.parameters(), lr=3e-3), schedule, model)
        begun = time.perf_counter()
        for _ in range(steps):
            optimizer.zero_grad()
            loss_of(model, own, torch.randint(len(own) - CONTEXT, (16,))).backward()
            optimizer.step()
        seconds, sent = time.perf_counter() - begun, optimizer.statistics()["bytes_sent"]
        distance = optimizer.consensus_distance()
        with optimizer.evaluating(), torch.no_grad():
            losses = torch.tensor([loss_of(model, test, range(0, len(test) - CONTEXT, CONTEXT))])
        optimizer.close()
        with bfc.communicator() as comm:
            comm.allreduce(losses, "mean")
        if bfc.rank() == 0:
            print(f"{name:20} {losses.item():9.3f} {distance:9.2e} {seconds:8.2f} {sent / 1e6:8.2f}", flush=True)


if __name__ == "__main__":
    main()
