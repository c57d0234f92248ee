"""snnTorch networks whose spikes rounding cannot change, and the plain loop that runs them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor, nn

from neurosparse.network import Network
from neurosparse.simulate import simulate
from neurosparse.train import atan

snn = pytest.importorskip("snntorch")

__all__ = ["N_STATES", "Trains", "build", "random_spikes", "run", "settings", "simulated", "snn"]

N_STATES = {snn.Leaky: 1, snn.Synaptic: 2, snn.RLeaky: 2, snn.RSynaptic: 3}


@dataclass
class Trains:
    """What a network of snnTorch did: spikes (n_steps, batch, size) of every layer of neurons.

    ``margin`` is the least distance of any membrane to its threshold; ``twice`` says whether one
    was above it after its reset.
    """

    spikes: list[Tensor]
    margin: float = np.inf
    twice: bool = False


@dataclass
class Watched:
    """A surrogate (in the dtype of its input, as snnTorch's are not) that sees the margin."""

    margin: float = np.inf
    inner: Any = field(default_factory=atan)

    def __call__(self, x: Tensor) -> Tensor:
        self.margin = min(self.margin, float(x.detach().abs().min()))
        return self.inner(x)


def run(modules: list[nn.Module], x: Tensor) -> Trains:
    """Run linear layers and neurons in turn, step by step, as an snnTorch user writes it."""
    neurons = [module for module in modules if type(module) in N_STATES]
    watched = Watched()
    for neuron in neurons:
        neuron.spike_grad = watched  # type: ignore[assignment]
    states: dict[nn.Module, list[Tensor]] = {}
    trains: list[list[Tensor]] = [[] for _ in neurons]
    twice = False
    for step in x:
        signal, number = step, 0
        for module in modules:
            if module not in neurons:
                signal = module(signal)
                continue
            if module not in states:
                states[module] = [torch.zeros_like(signal)] * N_STATES[type(module)]
            out = module(signal, *states[module])
            signal = out[0]
            states[module] = list(out[1:] if N_STATES[type(module)] == len(out) - 1 else out)
            if not module.reset_delay and type(module) is not snn.RSynaptic:  # which is late anyhow
                twice |= bool((out[-1] > module.threshold).any())
            trains[number].append(signal)
            number += 1
    return Trains([torch.stack(train) for train in trains], watched.margin, twice)


def random_spikes(shape: tuple[int, ...], seed: int, rate: float = 0.5) -> Tensor:
    """Return zeros and ones, float64."""
    return (torch.rand(shape, generator=torch.Generator().manual_seed(seed)) < rate).double()


def simulated(network: Network, x: Tensor) -> list[NDArray[np.uint8]]:
    """Run sample by sample; return every layer's spikes (n_steps, batch, size).

    ``reset_every`` has a layer start from rest when the first spikes reach it; until then a bias
    would have been at work.
    """
    n_steps, batch, width = x.shape
    sources = network.populations["input"].neuron is None
    trains: dict[str, list[NDArray[np.uint8]]] = {name: [] for name in network.depths}
    for b in range(batch):
        rest = np.zeros((network.latency, width))
        padded = np.concatenate([x[:, b].numpy(), rest])
        given = padded.astype(np.uint8) if sources else padded
        done = simulate(network, {"input": given}, dtype=np.float64, reset_every=len(given))
        for name, depth in network.depths.items():
            trains[name].append(done.spikes[name].raster()[depth : depth + n_steps])
    names = list(trains)[1:] if sources else list(trains)
    return [np.stack(trains[name], axis=1) for name in names]


@st.composite
def settings(draw: st.DrawFn, kind: Any, **fixed: Any) -> dict[str, Any]:
    """Draw the arguments of a neuron; products of these numbers are exact in float32."""
    sixty_fourths = st.integers(0, 64).map(lambda k: k / 64)
    options = {
        "beta": draw(sixty_fourths),
        "threshold": draw(st.integers(20, 100)) / 64,
        "reset_mechanism": draw(st.sampled_from(["zero", "subtract"])),
        "reset_delay": draw(st.booleans()),
    }
    if kind in (snn.Synaptic, snn.RSynaptic):
        options["alpha"] = draw(st.integers(0, 60)) / 64
    return {**options, **fixed}


def build(
    kind: Any, options: dict[str, Any], sizes: list[int], density: float, seed: int
) -> list[nn.Module]:
    """Return a network in float64 with weights on a grid of 2^-12, a share of them 0.

    Where ``reset_delay=False`` with "subtract" the membranes are kept below twice the threshold:
    what can arrive, or what the synaptic current can sum up to, is at most the threshold.
    """
    generator = torch.Generator().manual_seed(seed)

    def weights(n_post: int, n_pre: int, share: float) -> Tensor:
        values = torch.randn(n_post, n_pre, generator=generator).double() * 1.5 / n_pre**0.5
        values[torch.rand(n_post, n_pre, generator=generator) > density] = 0
        if tame:
            excitation, inhibition = values.clamp(min=0), values.clamp(max=0) / 4
            most = share * options["threshold"] * (1 - options.get("alpha", 0))
            scale = most / excitation.sum(dim=1, keepdim=True).clamp(min=1e-9)
            values = (excitation + inhibition) * scale.clamp(max=4)
        return torch.floor(4096 * values) / 4096

    once_more = not options["reset_delay"] and options["reset_mechanism"] == "subtract"
    tame = once_more and kind is not snn.RSynaptic  # which resets late anyhow
    recurrent = kind in (snn.RLeaky, snn.RSynaptic)
    modules: list[nn.Module] = []
    for n_pre, n_post in itertools.pairwise(sizes):
        linear = nn.Linear(n_pre, n_post, bias=options.get("alpha", 0) == 0).double()
        linear.weight.data = weights(n_post, n_pre, 0.5 if recurrent else 0.8)
        if linear.bias is not None:
            bias = torch.rand(n_post, generator=generator).double() * 0.2 * options["threshold"]
            linear.bias.data = torch.floor(4096 * bias) / 4096
        neuron = kind(**options, **({"linear_features": n_post} if recurrent else {})).double()
        if recurrent:
            neuron.recurrent.weight.data = weights(n_post, n_post, 0.3)
            neuron.recurrent.bias.data.zero_()
        modules += [linear, neuron]
    return modules
