"""The dense network as an snnTorch user writes it, to compare with and to start from."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from neurosparse.errors import ParameterError
from neurosparse.network import LIF
from neurosparse.optional import load_optional

__all__ = ["SnnTorchClassifier", "load_snntorch", "neuron_options"]


def load_snntorch() -> Any:
    """Return the package; `BackendMissingError` where it is not installed."""
    return load_optional("snntorch", "snnTorch networks", "interop")


def neuron_options(
    neuron: LIF, spike_grad: Any, dtype: torch.dtype = torch.float32
) -> dict[str, Any]:
    """Return what makes an snnTorch neuron of a LIF that it has an equivalent of.

    Parameters
    ----------
    neuron : LIF
        Of one receptor; what snnTorch does not have (bias, reset value, refractory period) is left
        out.
    spike_grad : callable or None
        Surrogate.
    dtype : torch.dtype
        Of the constants.

    Returns
    -------
    dict
        Arguments of ``snn.Leaky`` or, with ``alpha``, of ``snn.Synaptic``; resets are in time.
    """
    options = {
        "beta": torch.as_tensor(1 - np.asarray(neuron.dv), dtype=dtype),
        "threshold": torch.tensor(neuron.vth, dtype=dtype),
        "spike_grad": spike_grad,
        "reset_mechanism": neuron.reset,
        "reset_delay": False,
    }
    (du,) = neuron.decays_u
    if du != 1:
        options["alpha"] = torch.tensor(1 - du, dtype=dtype)
    return options


class SnnTorchClassifier(nn.Module):
    """Plain snnTorch: ``nn.Linear`` and ``snn.Leaky`` (or ``snn.Synaptic``), one step at a time.

    Parameters
    ----------
    sizes : sequence of int
        Width of every layer.
    neuron : LIF
        Mapped as ``beta = 1 - dv``, ``alpha = 1 - du``, ``threshold = vth``.
    spike_grad : callable, optional
        snnTorch surrogate.

    Raises
    ------
    BackendMissingError
        If snnTorch is not installed.
    ParameterError
        If the neuron has a setting that snnTorch does not: a bias, a reset value other than 0, a
        refractory period, several receptors, or vectors of parameters.

    Notes
    -----
    ``reset_delay=False`` resets in the step of the spike, as our convention does; snnTorch then
    differentiates the reset too, so that gradients differ from `SpikingClassifier`'s where neurons
    spike. With ``reset="subtract"``, spikes are the same as long as no membrane passes twice the
    threshold: of a neuron that is above it even after its reset, snnTorch 1.0 subtracts the
    threshold once more before it looks for the next spike.
    """

    def __init__(self, sizes: Sequence[int], neuron: LIF, spike_grad: Any = None) -> None:
        super().__init__()
        snn = load_snntorch()
        shared = isinstance(neuron.dv, float) and isinstance(neuron.vth, float)
        if not shared or neuron.n_receptors != 1 or neuron.refractory:
            raise ParameterError(
                f"neuron: {neuron}: snnTorch twins have one receptor, shared parameters and no "
                "refractory period"
            )
        if neuron.bias != 0 or neuron.v_reset != 0:
            raise ParameterError(f"neuron: {neuron}: snnTorch has no bias and resets to 0")
        options = neuron_options(neuron, spike_grad)
        self.synaptic = "alpha" in options
        kind = snn.Synaptic if self.synaptic else snn.Leaky
        self.linears = nn.ModuleList(
            nn.Linear(n_pre, n_post, bias=False) for n_pre, n_post in itertools.pairwise(sizes)
        )
        self.neurons = nn.ModuleList(kind(**options) for _ in sizes[1:])

    def spikes(self, x: Tensor) -> Tensor:
        """Return the output spikes (n_steps, batch, n_classes) for spikes ``x`` of that shape."""
        states: list[Any] = []
        for neuron in self.neurons:
            state = neuron.init_synaptic() if self.synaptic else neuron.init_leaky()  # type: ignore[operator]
            states.append(state if self.synaptic else (state,))
        steps = []
        for step in x:
            signal = step
            for index, (linear, neuron) in enumerate(zip(self.linears, self.neurons, strict=True)):
                signal, *states[index] = neuron(linear(signal), *states[index])
            steps.append(signal)
        return torch.stack(steps)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (batch, n_classes), as `SpikingClassifier` does."""
        return self.spikes(x).mean(dim=0) * 10.0
