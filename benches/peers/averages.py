"""Neighbour averages of float32 vectors by hand, as benches/processes.rs makes them, with memory that is allocated once.

mpirun -np 2 python averages.py mpi      mpi4py: Irecv, Isend, Waitall, then the sum in place with numpy
torchrun --nproc-per-node 2 averages.py gloo      torch.distributed: irecv, isend, wait, then the sum in place with torch

Prints the median and the least time of a step on rank 0.
"""

import os
import statistics
import sys
import time

SMALL = (1024, 1000, 41)
# gloo takes milliseconds for each.
FEW = (1024, 10, 21)
LARGE = (25_000_000, 1, 31)


class Mpi:
    def __init__(self):
        import numpy
        from mpi4py import MPI

        self.mpi, self.world = MPI, MPI.COMM_WORLD
        self.rank, self.size = self.world.rank, self.world.size
        self.vector = lambda n: numpy.full(n, self.rank, numpy.float32)

    def exchange(self, x, to, sources):
        requests = [self.world.Irecv(y, rank) for rank, y in sources]
        requests += [self.world.Isend(x, rank) for rank in to]
        self.mpi.Request.Waitall(requests)

    def average(self, x, received):
        for y in received:
            x += y
        x *= 1 / (1 + len(received))

    def all_reduce(self, x):
        self.world.Allreduce(self.mpi.IN_PLACE, x)

    def barrier(self):
        self.world.Barrier()


class Gloo:
    def __init__(self):
        import torch
        import torch.distributed as dist

        torch.set_num_threads(1)
        dist.init_process_group("gloo")
        self.dist, self.torch = dist, torch
        self.rank, self.size = dist.get_rank(), dist.get_world_size()
        self.vector = lambda n: torch.full((n,), float(self.rank))

    def exchange(self, x, to, sources):
        works = [self.dist.irecv(y, rank) for rank, y in sources]
        works += [self.dist.isend(x, rank) for rank in to]
        for work in works:
            work.wait()

    def average(self, x, received):
        if len(received) == 1:
            x.lerp_(received[0], 0.5)
            return
        for y in received:
            x.add_(y)
        x.mul_(1 / (1 + len(received)))

    def all_reduce(self, x):
        self.dist.all_reduce(x)

    def barrier(self):
        self.dist.barrier()


def measure(peer, name, hops, length, batch, samples):
    x = peer.vector(length)
    received = [peer.vector(length) for _ in hops]
    to = [(peer.rank + hop) % peer.size if hop else peer.rank ^ 1 for hop in hops]
    sources = [((peer.rank - hop) % peer.size if hop else peer.rank ^ 1, y) for hop, y in zip(hops, received)]

    def step():
        if hops:
            peer.exchange(x, to, sources)
            peer.average(x, received)
        else:
            peer.all_reduce(x)

    times = []
    peer.barrier()
    for _ in range(samples + 1):
        start = time.perf_counter()
        for _ in range(batch):
            step()
        times.append((time.perf_counter() - start) / batch)
    times = times[1:]
    if peer.rank == 0:
        unit, factor = ("ms", 1e3) if min(times) > 1e-3 else ("µs", 1e6)
        median, least = statistics.median(times) * factor, min(times) * factor
        print(f"{peer.size} ranks, {name:24}{median:10.2f} {unit}, {least:.2f} {unit}", flush=True)


def main():
    if os.environ.get("BIND", "1") == "1":
        rank = int(os.environ.get("OMPI_COMM_WORLD_RANK", os.environ.get("RANK", "0")))
        os.sched_setaffinity(0, [rank % os.cpu_count()])
    peer = {"mpi": Mpi, "gloo": Gloo}[sys.argv[1]]()
    # A hop of 0 is the partner of a symmetric pair.
    small = FEW if sys.argv[1] == "gloo" else SMALL
    measure(peer, "4 KB symmetric", [0], *small)
    measure(peer, "4 KB directed", [1], *small)
    measure(peer, "100 MB symmetric", [0], *LARGE)
    measure(peer, "100 MB directed", [1], *LARGE)
    if peer.size > 2:
        measure(peer, "100 MB ring", [1, -1], *LARGE)
        measure(peer, "100 MB exponential", [1, 2], *LARGE)
    measure(peer, "100 MB all-reduce", [], *LARGE)


main()
