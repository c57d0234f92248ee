"""A step of training in SpikingJelly, dense, in its multi-step mode, which is its fast one."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

from spikingjelly.activation_based import functional, layer, neuron, surrogate
from torch import nn

from benchmarks.peers.serving import Answer, Trial, serve
from benchmarks.peers.training_task import Task, adam, trials


def make(task: Task) -> Callable[[], Answer]:
    """Return a step of training."""
    model = nn.Sequential()
    for n_pre, n_post in itertools.pairwise(task.sizes):
        linear = layer.Linear(n_pre, n_post, bias=False)
        nn.init.normal_(linear.weight, std=task.gain / math.sqrt(n_pre))
        lif = neuron.LIFNode(
            tau=1 / task.dv,
            decay_input=False,
            v_reset=0.0,
            surrogate_function=surrogate.ATan(),
            detach_reset=True,
        )
        model.extend([linear, lif])
    functional.set_step_mode(model, "m")
    optimizer, x = adam(model.parameters()), task.inputs()

    def step() -> Answer:
        optimizer.zero_grad()
        loss = task.loss(model(x).sum(dim=0))
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        functional.reset_net(model)
        return {"loss": loss.item()}

    return step


def build(**options: object) -> tuple[Answer, Trial]:
    """Return what was prepared, and the function that times some steps."""
    return trials(make, Task.of(dict(options)))


if __name__ == "__main__":
    serve(build)
