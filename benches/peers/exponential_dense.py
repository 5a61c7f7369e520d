"""The exponential graph as networkx and numpy build it: a dense mixing matrix of SIZE ranks.

Beside it: `bfc analyze topology::exponential --size SIZE`, which also computes the spectrum.
Needs numpy and networkx. Prints seconds and peak memory of the whole process.
"""

import resource
import sys
import time

start = time.perf_counter()
import networkx
import numpy

size = int(sys.argv[1]) if len(sys.argv) > 1 else 16384
hops = [2**k for k in range((size - 1).bit_length())]
graph = networkx.DiGraph()
graph.add_nodes_from(range(size))
graph.add_edges_from((rank, (rank + hop) % size) for rank in range(size) for hop in hops)
weights = networkx.to_numpy_array(graph).T
weights[numpy.arange(size), numpy.arange(size)] = 1
weights /= weights.sum(axis=1, keepdims=True)
seconds = time.perf_counter() - start
mebibytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(f"size {size}: {seconds:.2f} s, {mebibytes:.0f} MiB")
