"""Neurons, synapses, networks and spikes that run without rounding.

Weights, thresholds and biases are multiples of 1/16 of at most 4, and decays multiples of 1/2, so
that a float network runs without rounding: each step adds at most one bit to ``u`` and one to
``v``. Starting from 6 bits and the fan-in, float64 stays exact for 40 steps and float32 for 12; all
orders of summation then give the same spikes, u and v.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from neurosparse.network import (
    LIF,
    FixedPointLIF,
    Network,
    Population,
    Projection,
    Spikes,
    Synapses,
)

__all__ = [
    "drives",
    "edge_lists",
    "feed_forward_networks",
    "fixed_point_lifs",
    "integer_networks",
    "lifs",
    "rasters",
    "recurrent_networks",
    "spikes",
    "synapses",
]

GRID = 16  # weights are multiples of 1 / GRID
DECAYS = (0.0, 0.5, 1.0)
INT_WEIGHTS = (-256, 254)  # Lava's mixed sign mode, even numbers


def dyadic(low: float, high: float) -> st.SearchStrategy[float]:
    """Draw multiples of 1 / GRID."""
    return st.integers(round(low * GRID), round(high * GRID)).map(lambda k: k / GRID)


def _one_or_each(
    draw: st.DrawFn, values: st.SearchStrategy[Any], size: int | None, dtype: Any
) -> Any:
    """Draw one number for all neurons or, where a size is known, one for each."""
    if size is None or draw(st.booleans()):
        return draw(values)
    return np.array(draw(st.lists(values, min_size=size, max_size=size)), dtype=dtype)


@st.composite
def lifs(draw: st.DrawFn, size: int | None = None, max_receptors: int = 1) -> LIF:
    """Draw float neurons; with ``size``, some parameters are vectors."""
    n_receptors = draw(st.integers(1, max_receptors))
    decay = st.sampled_from(DECAYS)
    return LIF(
        du=tuple(draw(decay) for _ in range(n_receptors)),
        dv=_one_or_each(draw, decay, size, np.float64),
        vth=_one_or_each(draw, dyadic(1 / GRID, 4), size, np.float64),
        bias=_one_or_each(draw, dyadic(-1, 1), size, np.float64),
        v_reset=_one_or_each(draw, dyadic(-1, 0), size, np.float64),
        refractory=draw(st.integers(0, 3)),
        reset=draw(st.sampled_from(("zero", "subtract"))),
    )


@st.composite
def fixed_point_lifs(draw: st.DrawFn, size: int | None = None) -> FixedPointLIF:
    """Draw integer neurons over the whole range, thresholds low enough to be crossed."""
    return FixedPointLIF(
        du=draw(st.integers(0, 4095)),
        dv=draw(st.integers(0, 4095)),
        vth=_one_or_each(draw, st.integers(0, 2000), size, np.int64),
        bias_mant=_one_or_each(draw, st.integers(-4096, 4095), size, np.int64),
        bias_exp=draw(st.integers(0, 7)),
    )


def _weights(dtype: Any) -> st.SearchStrategy[float]:
    if np.dtype(dtype) == np.int16:
        return st.integers(INT_WEIGHTS[0] // 2, INT_WEIGHTS[1] // 2).map(lambda k: 2 * k)
    return dyadic(-4, 4)


@st.composite
def edge_lists(
    draw: st.DrawFn, n_pre: int, n_post: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Draw distinct pairs (pre, post) in any order; possibly none."""
    most = min(n_pre * n_post, 40)
    keys = draw(st.lists(st.integers(0, n_pre * n_post - 1), max_size=most, unique=True))
    flat = np.array(keys, dtype=np.int64)
    return flat % n_pre, flat // n_pre


@st.composite
def synapses(
    draw: st.DrawFn,
    n_pre: int | None = None,
    n_post: int | None = None,
    *,
    dtype: Any = np.float32,
    max_delay: int = 1,
) -> Synapses:
    """Draw synapses; with ``max_delay`` > 1 some have delays of their own."""
    n_pre = draw(st.integers(1, 8)) if n_pre is None else n_pre
    n_post = draw(st.integers(1, 8)) if n_post is None else n_post
    pre, post = draw(edge_lists(n_pre, n_post))
    n_active = pre.size
    weights = draw(st.lists(_weights(dtype), min_size=n_active, max_size=n_active))
    delays = None
    if max_delay > 1 and draw(st.booleans()):
        each = st.integers(1, max_delay)
        delays = np.array(draw(st.lists(each, min_size=n_active, max_size=n_active)), np.uint8)
    return Synapses.from_edges(
        pre,
        post,
        np.array(weights, dtype=dtype),
        n_pre=n_pre,
        n_post=n_post,
        delays=delays,
        dtype=dtype,
    )


def _population(
    draw: st.DrawFn, size: int, integer: bool, max_receptors: int, bare: bool
) -> Population:
    if bare:
        return Population(size)
    neuron = draw(fixed_point_lifs(size)) if integer else draw(lifs(size, max_receptors))
    return Population(size, neuron)


def _projection(
    draw: st.DrawFn,
    populations: dict[str, Population],
    source: str,
    target: str,
    dtype: Any,
    max_delay: int,
) -> Projection:
    neuron = populations[target].neuron
    return Projection(
        source,
        target,
        draw(
            synapses(
                populations[source].size,
                populations[target].size,
                dtype=dtype,
                max_delay=max_delay,
            )
        ),
        delay=draw(st.integers(1, max_delay)),
        receptor=draw(st.integers(0, 0 if neuron is None else neuron.n_receptors - 1)),
    )


@st.composite
def feed_forward_networks(
    draw: st.DrawFn,
    *,
    max_layers: int = 3,
    max_size: int = 6,
    max_receptors: int = 2,
    max_delay: int = 1,
    integer: bool = False,
    dtype: Any = np.float32,
) -> Network:
    """Draw a spike source ``l0`` followed by layers ``l1``, ``l2``, ... of neurons in a row."""
    dtype = np.int16 if integer else dtype
    n_layers = draw(st.integers(1, max_layers))
    sizes = [draw(st.integers(1, max_size)) for _ in range(n_layers + 1)]
    populations = {
        f"l{i}": _population(draw, size, integer, max_receptors, bare=i == 0)
        for i, size in enumerate(sizes)
    }
    projections = [
        _projection(draw, populations, f"l{i}", f"l{i + 1}", dtype, max_delay)
        for i in range(n_layers)
    ]
    return Network(populations, projections)


@st.composite
def recurrent_networks(
    draw: st.DrawFn,
    *,
    max_populations: int = 3,
    max_size: int = 6,
    max_receptors: int = 2,
    max_delay: int = 3,
    integer: bool = False,
    dtype: Any = np.float32,
) -> Network:
    """Draw a source ``in``, populations ``p0``, ... and any projections, loops among them."""
    dtype = np.int16 if integer else dtype
    populations = {"in": Population(draw(st.integers(1, max_size)))}
    for i in range(draw(st.integers(1, max_populations))):
        size = draw(st.integers(1, max_size))
        populations[f"p{i}"] = _population(draw, size, integer, max_receptors, bare=False)
    targets = [name for name in populations if name != "in"]
    pairs = [(source, target) for source in populations for target in targets]
    chosen = draw(st.lists(st.sampled_from(pairs), max_size=4, unique=True))
    chosen = [("in", "p0"), *(pair for pair in chosen if pair != ("in", "p0"))]
    projections = [
        _projection(draw, populations, source, target, dtype, max_delay)
        for source, target in chosen
    ]
    return Network(populations, projections, inputs=["in"], outputs=[targets[-1]])


def integer_networks(*, max_delay: int = 1, recurrent: bool = True) -> st.SearchStrategy[Network]:
    """Draw networks of FixedPointLIF with int16 weights."""
    rows = feed_forward_networks(integer=True, max_delay=max_delay)
    if not recurrent:
        return rows
    return st.one_of(rows, recurrent_networks(integer=True, max_delay=max_delay))


def rasters(
    n_steps: int | None = None, n_neurons: int | None = None
) -> st.SearchStrategy[NDArray[np.uint8]]:
    """Draw (n_steps, n_neurons) uint8 of zeros and ones."""
    steps = st.integers(1, 12) if n_steps is None else st.just(n_steps)
    neurons = st.integers(1, 8) if n_neurons is None else st.just(n_neurons)
    shape = st.tuples(steps, neurons)
    return hnp.arrays(np.uint8, shape, elements=st.integers(0, 1))


def spikes(n_steps: int | None = None, n_neurons: int | None = None) -> st.SearchStrategy[Spikes]:
    """Draw spike events."""
    return rasters(n_steps, n_neurons).map(Spikes.from_raster)


@st.composite
def drives(draw: st.DrawFn, network: Network, n_steps: int) -> dict[str, NDArray[np.uint8]]:
    """Draw a raster for every spike source among the inputs of ``network``."""
    return {
        name: draw(rasters(n_steps, network.populations[name].size))
        for name in network.inputs
        if network.populations[name].neuron is None
    }
