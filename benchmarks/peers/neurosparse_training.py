"""A step of training in neurosparse, sparse, rewired by DEEP R after every step."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from benchmarks.peers.serving import Answer, Trial, serve
from neurosparse import LIF
from neurosparse.sparsify import deep_r
from neurosparse.train import (
    LIFLayer,
    PackedSpikes,
    Rewirer,
    SparseLinear,
    SpikingClassifier,
    SpikingLayer,
    atan,
)

# after neurosparse.train, which has settings of its own for torch's threads
from benchmarks.peers.training_task import Task, adam, trials  # isort: skip

L1, TEMPERATURE = 1e-2, 1e-6
LAST_STEPS = 12


class Clock:
    """Times what happens between two hooks of the optimiser."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.shares: list[float] = []  # of the last steps

    def start(self, *_: Any) -> None:
        """Begin."""
        self._began = time.perf_counter()

    def stop(self, *_: Any) -> None:
        """Read."""
        self.seconds = time.perf_counter() - self._began

    def share_of(self, seconds: float) -> float:
        """Return the median share of the last steps, one of ``seconds`` included."""
        self.shares = [*self.shares[1 - LAST_STEPS :], self.seconds / seconds]
        return float(np.median(self.shares))


def network(task: Task, density: float) -> SpikingClassifier:
    """Return the sparse network of a task."""
    rng = np.random.default_rng(0)
    matrix = partial(SparseLinear, density=density, gain=task.gain, rng=rng)
    neuron = LIF(du=task.du, dv=task.dv, vth=1.0)
    layers = []
    for n_pre, n_post in itertools.pairwise(task.sizes):
        recurrent = matrix(n_post, n_post) if task.recurrent else None
        neurons = LIFLayer(n_post, neuron, atan(2.0), recurrent=recurrent)
        layers.append(SpikingLayer(matrix(n_pre, n_post), neurons))
    return SpikingClassifier(layers)


def make(task: Task, *, density: float) -> Callable[[], Answer]:
    """Return a step of training."""
    model = network(task, density)
    optimizer, x, clock = adam(model.parameters()), task.inputs(), Clock()
    optimizer.register_step_post_hook(clock.start)
    rewirer = Rewirer(deep_r(l1=L1, temperature=TEMPERATURE), model, optimizer)
    optimizer.register_step_post_hook(clock.stop)

    def step() -> Answer:
        began = time.perf_counter()
        optimizer.zero_grad()
        trains: list[PackedSpikes] = []
        model(x, into=trains)
        loss = task.loss(trains[-1].counts)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        seconds = time.perf_counter() - began
        turnover = rewirer.turnover.take()
        return {
            "loss": loss.item(),
            "rewiring_share": clock.share_of(seconds),
            "rewired": sum(turnover.grown),
            "synapses": sum(layer.n_active for layer in rewirer.layers),
            "rates": [s.counts.mean().item() / task.n_steps for s in trains],
        }

    return step


def build(density: float, **options: object) -> tuple[Answer, Trial]:
    """Return what was prepared, and the function that times some steps."""
    return trials(partial(make, density=min(1.0, density)), Task.of(dict(options)))


if __name__ == "__main__":
    serve(build)
