"""What every trainer is asked to do, and how it is measured: one step of training, by the clock."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.peers.memory import peak_bytes, reset_peak, resident_bytes
from benchmarks.peers.serving import Answer, Trial

__all__ = ["Task", "adam", "dense_step", "trials"]

INPUT_RATE = 0.05  # spikes per input and step
THREADS = 2
SMALL = 8  # neurons of the network on which everything compiles before anything is measured


@dataclass(frozen=True)
class Task:
    """A network and what it is fed.

    Parameters
    ----------
    sizes : tuple of int
        Width of every layer.
    n_steps, batch : int
        Steps and samples.
    du, dv : float
        Decays; the threshold is 1, the reset to zero.
    gain : float
        First weights are ``gain * N(0, 1) / sqrt(fan-in)``.
    recurrent : bool
        Whether the neurons of the last layer are connected to one another.
    """

    sizes: tuple[int, ...]
    n_steps: int
    batch: int
    du: float
    dv: float
    gain: float
    recurrent: bool = False

    @classmethod
    def of(cls, options: dict[str, Any]) -> Task:
        """Make one from what came through the pipe."""
        return cls(**{**options, "sizes": tuple(options["sizes"])})

    def small(self) -> Task:
        """Return the same with few neurons: what it takes is what has to be compiled or loaded."""
        sizes = tuple(SMALL for _ in self.sizes)
        return Task(sizes, self.n_steps, self.batch, self.du, self.dv, self.gain, self.recurrent)

    def inputs(self) -> Tensor:
        """Return spikes as people have them, (n_steps, batch, n_in) float32."""
        generator = torch.Generator().manual_seed(0)
        shape = (self.n_steps, self.batch, self.sizes[0])
        return (torch.rand(shape, generator=generator) < INPUT_RATE).float()

    def loss(self, counts: Tensor) -> Tensor:
        """Return the loss of output spikes over time, (batch, n_out)."""
        labels = torch.arange(self.batch) % self.sizes[-1]
        return nn.functional.cross_entropy(counts * (10.0 / self.n_steps), labels)


def adam(parameters: Any) -> torch.optim.Optimizer:
    """Return the optimiser of all: torch's fastest Adam."""
    return torch.optim.Adam(parameters, lr=1e-3, fused=True)


def dense_step(
    task: Task, model: nn.Module, counts: Callable[[Tensor], Tensor]
) -> Callable[[], Answer]:
    """Return a step of training of a dense network; ``counts`` runs it over all steps."""
    optimizer, x = adam(model.parameters()), task.inputs()

    def step() -> Answer:
        optimizer.zero_grad()
        loss = task.loss(counts(x))
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        return {"loss": loss.item()}

    return step


# task -> a step of training, which returns whatever else there is to say
MakeStep = Callable[[Task], Callable[[], Answer]]


def trials(make: MakeStep, task: Task) -> tuple[Answer, Trial]:
    """Return what was prepared, and the function that times some steps.

    Memory is what comes on top of the process once everything is imported, compiled and warm: the
    network, its optimiser, the tape.
    """
    torch.set_num_threads(THREADS)
    warm = make(task.small())
    warm()
    del warm
    gc.collect()
    base = resident_bytes()
    reset_peak()
    step = make(task)
    step()

    def trial(n: int) -> Answer:
        times, said = [], {}
        gc.collect()
        gc.disable()
        try:
            for _ in range(n):
                began = time.perf_counter()
                said = step()
                times.append(time.perf_counter() - began)
        finally:
            gc.enable()
        return {
            **said,
            "step_s": times,
            "base_bytes": base,
            "peak_bytes": peak_bytes(),
        }

    return {}, trial
