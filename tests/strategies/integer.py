"""Integer neurons, formats of their synapses and messages: every feature crossed."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from neurosparse.network import (
    FixedPointLIF,
    FixedPointTernaryLIF,
    Network,
    Neuron,
    Spikes,
    SynapseFormat,
)

__all__ = [
    "draw_messages",
    "grid_weights",
    "integer_neurons",
    "message_bits",
    "signed_spikes",
    "synapse_formats",
]


@st.composite
def integer_neurons(draw: st.DrawFn, size: int) -> Neuron:
    """Draw neurons over the whole range, thresholds low enough to be crossed."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))

    def some(low: int, high: int) -> Any:
        one = rng.integers(low, high + 1, size)
        return one if draw(st.booleans()) else int(one[0])

    top = draw(st.sampled_from((30, 2000, 131071)))
    common = {
        "du": draw(st.sampled_from((0, 4095)) | st.integers(0, 4095)),
        "dv": draw(st.sampled_from((0, 4095)) | st.integers(0, 4095)),
        "bias_mant": some(-4096, 4095) if draw(st.booleans()) else some(-20, 30),
        "bias_exp": draw(st.integers(0, 7)),
    }
    if draw(st.booleans()):
        refractory = draw(st.sampled_from((0, 0, 1, 3, 62)))
        return FixedPointLIF(vth=some(0, top), refractory=refractory, **common)
    middle = some(-top // 2, top // 2)
    return FixedPointTernaryLIF(
        vth_lo=middle - some(0, top // 2), vth_hi=middle + some(0, top // 2), **common
    )


@st.composite
def synapse_formats(draw: st.DrawFn) -> SynapseFormat | None:
    """Draw a format, or none."""
    if draw(st.booleans()):
        return None
    return SynapseFormat(
        draw(st.sampled_from(("mixed", "excitatory", "inhibitory"))),
        num_weight_bits=draw(st.sampled_from((8, 8, 7, 4, 1))),
        weight_exp=draw(st.sampled_from((0, -1, -2, -3, -6, -7, 1, 7))),
        shift=draw(st.sampled_from(("sum", "synapse"))),
        num_message_bits=draw(st.sampled_from((0, 0, 1, 5, 24))),
    )


def grid_weights(
    rng: np.random.Generator, form: SynapseFormat | None, size: int
) -> NDArray[np.int64]:
    """Draw weights that the format can store, the signs of a format of "mixed" in balance."""
    low, high, step = (form or SynapseFormat()).grid
    if form is None:
        low, high = -120, 200
    weights: NDArray[np.int64] = step * rng.integers(-(-low // step), high // step + 1, size)
    return weights


def message_bits(network: Network, name: str) -> int:
    """Return how long messages of a source may be; 0 if it sends none."""
    if network.populations[name].neuron is not None:
        return 0
    bits = [p.format.num_message_bits for p in network.projections if p.source == name and p.format]
    return min([b for b in bits if b > 0], default=0)


def draw_messages(
    rng: np.random.Generator, bits: int, shape: tuple[int, ...], share: float
) -> NDArray[np.int64]:
    """Draw messages of which so many are not 0."""
    most = (1 << bits) - 1
    return np.where(rng.random(shape) < share, rng.integers(-most, most + 1, shape), 0)


def signed_spikes(rng: np.random.Generator, shape: tuple[int, int]) -> Spikes:
    """Draw spikes of either sign."""
    return Spikes.from_raster(rng.integers(-1, 2, shape), signed=True)
