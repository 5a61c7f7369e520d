"""A step of PowerGossip between two ranks in numpy: matrices of 100 x 784 float32, rank 2.

Beside it: `mix(x, via = low_rank(2))` of `cargo bench -p bfc-runtime --bench compression`, where the two ranks are threads
that also exchange what they have found. Here both ends are computed one after the other, and nothing is sent.
Needs numpy. Prints the median time of a step of both ends.
"""

import statistics
import time

import numpy

ROWS, COLUMNS, RANK, WEIGHT = 100, 784, 2, numpy.float32(0.5)


def step(high, low, factor, across):
    """Moves both ends along the factor's directions; the difference is the next factor, from the other side."""
    basis, _ = numpy.linalg.qr(factor)
    found = [model @ basis if across else model.T @ basis for model in (high, low)]
    difference = found[0] - found[1]
    move = WEIGHT * (difference @ basis.T if across else basis @ difference.T)
    high -= move
    low += move
    return difference


random = numpy.random.default_rng(1)
high, low = (random.normal(size=(ROWS, COLUMNS)).astype(numpy.float32) for _ in range(2))
factor = random.normal(size=(ROWS, RANK)).astype(numpy.float32)
before = numpy.linalg.norm(high - low)
times = []
for number in range(500):
    start = time.perf_counter()
    factor = step(high, low, factor, number % 2 == 1)
    times.append(time.perf_counter() - start)
    if number % 20 == 19:
        # Two ranks agree after some steps; a new difference keeps the directions from vanishing.
        high += random.normal(size=high.shape).astype(numpy.float32)
after = numpy.linalg.norm(high - low)
print(f"{statistics.median(times) * 1e6:.0f} us a step of both ends; difference {before:.0f}, at last {after:.0f}")
