"""A run in a directory: one file for each rank."""

import os
from pathlib import Path
from typing import Any, Dict, Union

import torch

from .. import _bfc
from ._optimizer import Decentralized


def save(optimizer: Decentralized, directory: "Union[str, os.PathLike[str]]") -> None:
    """Writes what this rank needs to go on into ``directory/rank-N.pt``, which appears whole or not at all: the state of the
    optimizer and the model's buffers. All ranks call it after the same step.

    Raises:
        OSError: the file cannot be written.
    """
    path = _path(optimizer, directory)
    path.parent.mkdir(parents=True, exist_ok=True)
    saved = {
        "size": optimizer._joined.size,
        "steps": optimizer._machine.steps,
        "optimizer": optimizer.state_dict(),
        "buffers": {name: buffer.clone() for name, buffer in optimizer._buffers.items()},
    }
    unfinished = path.with_suffix(".tmp")
    with open(unfinished, "wb") as file:
        torch.save(saved, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(unfinished, path)


def load(optimizer: Decentralized, directory: "Union[str, os.PathLike[str]]") -> None:
    """Goes on from what `save` has written, with the same bits. Collective.

    Raises:
        OptimizerError: on all ranks, where a file is missing or cannot be read, was written on another number of ranks, or after
            another step than those of other ranks.
        RunError: another schedule or model has been saved.
    """
    path = _path(optimizer, directory)
    saved: Dict[str, Any] = {}
    found = ""
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
        if saved["size"] != optimizer._joined.size:
            found = f"{saved['size']} ranks wrote it, and there are {optimizer._joined.size}"
    except Exception as failure:
        found = f"{type(failure).__name__} for {path.name}: {failure}"
    steps = float(saved["steps"]) if not found else -1.0
    mean, failed = optimizer._averages.of_numbers([steps, float(bool(found))])
    if failed and not found:
        found = "another rank cannot read its file"
    elif mean != steps and not found:
        found = f"the file of this rank is of step {int(steps)}, that of another rank is not"
    if found:
        raise _bfc.torch_error("wrong_files", found, str(directory))
    optimizer.load_state_dict(saved["optimizer"])
    with torch.no_grad():
        for name, buffer in optimizer._buffers.items():
            buffer.copy_(saved["buffers"][name])


def _path(optimizer: Decentralized, directory: "Union[str, os.PathLike[str]]") -> Path:
    return Path(directory) / f"rank-{optimizer._joined.rank}.pt"
