"""Decentralized training of PyTorch models: any optimizer, whose steps the ranks mix by a proved schedule.

::

    import torch, bfc, bfc.torch

    bfc.init()
    schedule = bfc.compile("topology::one_peer_exp2", algorithm="atc_diffusion", size=bfc.size())
    optimizer = bfc.torch.Decentralized(torch.optim.AdamW(model.parameters()), schedule, model)
"""

from ._files import load, save
from ._optimizer import Decentralized
from ._watch import local

__all__ = ["Decentralized", "load", "local", "save"]
Decentralized.__module__ = "bfc.torch"
