"""A step of training in snnTorch, dense, as its tutorials write it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import snntorch as snn
import torch
from torch import Tensor, nn

from benchmarks.peers.serving import Answer, Trial, serve
from benchmarks.peers.training_task import Task, dense_step, trials


class Dense(nn.Module):
    """``nn.Linear`` and ``snn.Leaky``, or ``snn.RSynaptic``, step by step."""

    def __init__(self, task: Task) -> None:
        super().__init__()
        pairs = list(itertools.pairwise(task.sizes))
        linears = [nn.Linear(*pair, bias=False) for pair in pairs]
        for linear in linears:
            nn.init.normal_(linear.weight, std=task.gain / math.sqrt(linear.in_features))
        options = {
            "beta": 1 - task.dv,
            "spike_grad": snn.surrogate.atan(),
            "reset_mechanism": "zero",
        }
        self.recurrent = task.recurrent
        neurons: list[Any] = [
            snn.RSynaptic(alpha=1 - task.du, linear_features=n_post, **options)
            if task.recurrent
            else snn.Leaky(**options)
            for _, n_post in pairs
        ]
        if task.recurrent:
            for neuron in neurons:
                std = task.gain / math.sqrt(neuron.recurrent.in_features)
                nn.init.normal_(neuron.recurrent.weight, std=std)
                nn.init.zeros_(neuron.recurrent.bias)
        self.linears, self.neurons = nn.ModuleList(linears), nn.ModuleList(neurons)

    def forward(self, x: Tensor) -> Tensor:
        """Return output spikes over time, (batch, n_out)."""
        neurons: list[Any] = list(self.neurons)
        states = [
            list(neuron.init_rsynaptic()) if self.recurrent else [neuron.init_leaky()]
            for neuron in neurons
        ]
        counts = torch.zeros(())
        for signal in x:
            for index, (linear, neuron) in enumerate(zip(self.linears, neurons, strict=True)):
                signal, *rest = neuron(linear(signal), *states[index])
                states[index] = [signal, *rest] if self.recurrent else rest
            counts = counts + signal
        return counts


def make(task: Task) -> Callable[[], Answer]:
    """Return a step of training."""
    model = Dense(task)
    return dense_step(task, model, model)


def build(**options: object) -> tuple[Answer, Trial]:
    """Return what was prepared, and the function that times some steps."""
    return trials(make, Task.of(dict(options)))


if __name__ == "__main__":
    serve(build)
