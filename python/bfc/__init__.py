"""Compiler and runtime for decentralized training.

Compile a topology and an update rule into a proved schedule, look at it, and train with it::

    import bfc, numpy as np

    schedule = bfc.compile("topology::one_peer_exp2", size=8)

    def average(comm):
        x = np.full(3, float(comm.rank))
        trainer = comm.trainer(schedule, x)
        for _ in range(schedule.period):
            trainer.step(x)
        return x

    print(bfc.spmd(average, 8))          # every rank: [3.5, 3.5, 3.5]
"""

from ._bfc import Comm, Machine, Neighbours, Phase, Round, Schedule, Topology, Trainer, __version__
from ._communicator import Communicator, Pending, communicator
from ._compile import compile, compile_source, load, loads
from ._data import Sampler, sampler, seed
from ._errors import (
    ArgumentError, ArrayError, CompileError, Error, OptimizerError, ParseError, ProofError, RunError, ScheduleError,
)
from ._graphs import ImportedGraph, import_graph
from ._results import Result, advise, analyze, compare, simulate, sweep
from ._spmd import spmd
from ._world import init, local_rank, local_size, machine, rank, shutdown, size

__all__ = [
    "ArgumentError",
    "ArrayError",
    "Comm",
    "Communicator",
    "CompileError",
    "Error",
    "ImportedGraph",
    "Machine",
    "Neighbours",
    "OptimizerError",
    "ParseError",
    "Pending",
    "Phase",
    "ProofError",
    "Result",
    "Round",
    "RunError",
    "Sampler",
    "Schedule",
    "ScheduleError",
    "Topology",
    "Trainer",
    "advise",
    "analyze",
    "communicator",
    "compare",
    "compile",
    "compile_source",
    "import_graph",
    "init",
    "load",
    "loads",
    "local_rank",
    "local_size",
    "machine",
    "rank",
    "sampler",
    "seed",
    "shutdown",
    "simulate",
    "size",
    "spmd",
    "sweep",
    "__version__",
]
