"""A step of training in SpikingJelly, dense, in its multi-step mode, which is its fast one."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

from spikingjelly.activation_based import functional, layer, neuron, surrogate
from torch import Tensor, nn

from benchmarks.peers.serving import Answer, Trial, serve
from benchmarks.peers.training_task import Task, dense_step, trials


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

    def counts(x: Tensor) -> Tensor:
        functional.reset_net(model)
        output: Tensor = model(x).sum(dim=0)
        return output

    return dense_step(task, model, counts)


def build(**options: object) -> tuple[Answer, Trial]:
    """Return what was prepared, and the function that times some steps."""
    return trials(make, Task.of(dict(options)))


if __name__ == "__main__":
    serve(build)
