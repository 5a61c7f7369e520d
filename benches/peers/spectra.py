"""Spectra by numpy and scipy, beside `bfc` as a whole process.

    python benches/peers/spectra.py exponential [SIZE] [--bfc target/release/bfc]
    python benches/peers/spectra.py ring [SIZE] [--bfc target/release/bfc]

`exponential`: the second largest modulus of the exponential graph's eigenvalues, by numpy.linalg.eigvals of the dense
matrix, by scipy.sparse.linalg.eigs and by one Fourier transform of the first row.
`ring`: the two largest eigenvalues of a ring whose names are shuffled, as a list of edges, by scipy.sparse.linalg.eigsh.
Each of these runs in a process of its own, at most 120 seconds. Needs numpy and scipy.
"""

import argparse
import pathlib
import subprocess
import sys
import tempfile
import time

LIMIT = 120


def exponential(size):
    import numpy

    hops = [2**k for k in range((size - 1).bit_length())]
    return hops, numpy.full(len(hops) + 1, 1 / (len(hops) + 1))


def sparse_exponential(size):
    import numpy
    import scipy.sparse

    hops, weights = exponential(size)
    ranks = numpy.arange(size)
    columns = numpy.concatenate([ranks] + [(ranks - hop) % size for hop in hops])
    values = numpy.repeat(weights, size)
    return scipy.sparse.csr_array((values, (numpy.tile(ranks, len(hops) + 1), columns)), (size, size))


def second(values):
    return sorted(abs(values))[-2]


def eigvals(size):
    import numpy

    return lambda matrix=sparse_exponential(size).toarray(): second(numpy.linalg.eigvals(matrix))


def eigs(size):
    import scipy.sparse.linalg

    return lambda matrix=sparse_exponential(size): second(scipy.sparse.linalg.eigs(matrix, k=2, return_eigenvectors=False))


def fft(size):
    import numpy

    hops, weights = exponential(size)
    row = numpy.zeros(size)
    row[[0] + hops] = weights
    return lambda: second(numpy.fft.fft(row))


def edges(size):
    import random

    names = list(range(size))
    random.Random(1).shuffle(names)
    return [(names[i], names[(i + 1) % size]) for i in range(size)]


def eigsh(size):
    import numpy
    import scipy.sparse
    import scipy.sparse.linalg

    pairs = numpy.array(edges(size))
    both = numpy.concatenate([pairs, pairs[:, ::-1]])
    ones = numpy.full(len(both), 1 / 3)
    matrix = scipy.sparse.csr_array((ones, (both[:, 0], both[:, 1])), (size, size)) + scipy.sparse.eye_array(size) / 3
    return lambda: second(scipy.sparse.linalg.eigsh(matrix, k=2, which="LA", return_eigenvectors=False))


def one(peer, size):
    """Runs a peer in this process: the answer, and the best seconds of the computation alone."""
    work = globals()[peer](size)
    seconds, answer = [], None
    while sum(seconds) < 0.2 and len(seconds) < 1000:
        start = time.perf_counter()
        answer = work()
        seconds.append(time.perf_counter() - start)
    print(f"{answer:.12f} {min(seconds):.6f}")


def measured(name, command, **options):
    start = time.perf_counter()
    try:
        output = subprocess.run(command, check=True, timeout=LIMIT, capture_output=True, text=True, **options).stdout
    except subprocess.TimeoutExpired:
        print(f"{name:<28} not within {LIMIT} s")
        return
    whole = time.perf_counter() - start
    words = output.split()
    if name.startswith("bfc"):
        answer = words[words.index("rho") + 1]
        print(f"{name:<28} {whole:8.3f} s as a process{'':>24} {answer}")
    else:
        print(f"{name:<28} {whole:8.3f} s as a process, {float(words[1]) * 1e6:10.0f} us alone {words[0]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("graph", choices=["exponential", "ring", "one"])
    parser.add_argument("rest", nargs="*")
    parser.add_argument("--bfc", default="target/release/bfc")
    arguments = parser.parse_args()
    if arguments.graph == "one":
        return one(arguments.rest[0], int(arguments.rest[1]))
    size = int(arguments.rest[0]) if arguments.rest else {"exponential": 4096, "ring": 16384}[arguments.graph]
    peers = {"exponential": ["fft", "eigs", "eigvals"], "ring": ["eigsh"]}[arguments.graph]
    if arguments.graph == "exponential":
        measured("bfc analyze", [arguments.bfc, "analyze", "topology::exponential", "--size", str(size)])
    else:
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory)
            (path / "ring.csv").write_text("".join(f"{i},{j}\n" for i, j in edges(size)))
            subprocess.run([arguments.bfc, "import", path / "ring.csv", "--direction", "undirected", "-o", path / "ring.bf"], check=True)
            measured("bfc analyze of the import", [arguments.bfc, "analyze", path / "ring.bf", "--size", str(size)])
    for peer in peers:
        measured(peer, [sys.executable, __file__, "one", peer, str(size)])


main()
