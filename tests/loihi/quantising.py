"""What the tests of the quantiser share."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.loihi import Quantisation
from neurosparse.network import LIF, FixedPointLIF, Network, Population, Projection, Synapses

__all__ = ["fixed", "integers", "lava_truncate", "network_of"]


def network_of(weights: Any, neuron: LIF | None = None, **projection: Any) -> Network:
    weights = np.asarray(weights, dtype=np.float64)
    n_post, n_pre = weights.shape
    synapses = Synapses.all_to_all(weights, dtype=np.float64)
    return Network(
        {"in": Population(n_pre), "out": Population(n_post, neuron or LIF(vth=1.0))},
        [Projection("in", "out", synapses, **projection)],
    )


def integers(quantisation: Quantisation) -> list[int]:
    weights: list[int] = quantisation.network.projections[0].synapses.weights.tolist()
    return weights


def fixed(quantisation: Quantisation, name: str = "out") -> FixedPointLIF:
    neuron = quantisation.network.populations[name].neuron
    assert isinstance(neuron, FixedPointLIF)
    return neuron


def lava_truncate(weights: NDArray[Any], mode: str, num_weight_bits: int = 8) -> NDArray[Any]:
    """Clip and truncate as lava-nc 0.10.0 does (``lava.utils.weightutils``)."""
    sign = -1 if mode == "inhibitory" else 1
    low = -256 if mode == "mixed" else 0
    bits = 8 - num_weight_bits + (mode == "mixed")
    kept = (np.clip(sign * weights.astype(np.int32), low, 255) >> bits) << bits
    return sign * kept
