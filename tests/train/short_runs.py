"""A small classifier and a short run of it, with everything that has state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from neurosparse.data import Encoding
from neurosparse.network import LIF
from neurosparse.sparsify import deep_r_global
from neurosparse.train import History, SpikingClassifier, fit, sparse_classifier
from tests.train.agreement import digits

__all__ = ["COUNTS", "RATE", "SCHEME", "SIZES", "adam", "run", "small_model"]

SIZES, COUNTS = [64, 40, 10], [300, 100]
RATE = Encoding("rate", n_steps=6)
SCHEME = deep_r_global(l1=0.01, temperature=1e-5)


def small_model(rng: int = 0) -> SpikingClassifier:
    return sparse_classifier(SIZES, neuron=LIF(du=1, dv=0.1), n_active=COUNTS, gain=2, rng=rng)


def adam(lr: float) -> Callable[[Any], torch.optim.Optimizer]:
    return lambda parameters: torch.optim.Adam(parameters, lr=lr)


def cosine(optimizer: torch.optim.Optimizer) -> torch.optim.lr_scheduler.LRScheduler:
    return torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=4)


def run(model: nn.Module, epochs: int, seed: int = 0, **options: Any) -> History:
    """Fit on a few digits with everything that has state: schedule, rewiring, random encoding."""
    train, valid = digits(320, 100)
    usual = {"scheme": SCHEME, "optimizer": adam(0.02), "schedule": cosine, "valid": valid}
    options = {**usual, **options}
    return fit(
        model,
        train,
        encoding=RATE,
        epochs=epochs,
        seed=seed,
        progress=False,
        **options,
    )
