"""The network whose spikes are kept in ``spikes.txt``.

Everything is drawn with ``Generator.random`` alone, so that the network does not change when the
way networks are usually made (sampling of synapses, normal deviates) does.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.network import LIF, Network, Population, Projection, Spikes, Synapses

__all__ = ["GOLDEN_FILE", "N_STEPS", "SEED", "golden_network", "sorted_events"]

GOLDEN_FILE = Path(__file__).with_name("spikes.txt")
SEED = 1
N_STEPS = 150


def _wire(
    rng: np.random.Generator, n_pre: int, n_post: int, density: float, mean: float, max_delay: int
) -> Synapses:
    post, pre = np.nonzero(rng.random((n_post, n_pre)) < density)
    weights = mean * (0.5 + rng.random(pre.size))
    delays = 1 + np.floor(max_delay * rng.random(pre.size)).astype(np.int64)
    return Synapses.from_edges(
        pre,
        post,
        weights,
        n_pre=n_pre,
        n_post=n_post,
        delays=delays if max_delay > 1 else None,
        dtype=np.float64,
    )


def golden_network(*, recurrent: bool = True) -> tuple[Network, Spikes]:
    """Return the network (without its loops if not ``recurrent``) and its input."""
    rng = np.random.default_rng(SEED)
    n_in, n_exc, n_inh = 20, 40, 10
    excitatory = LIF(
        du=(0.3, 0.15),
        dv=0.08 + 0.04 * rng.random(n_exc),
        vth=0.9 + 0.2 * rng.random(n_exc),
        v_reset=-0.1,
        refractory=2,
    )
    inhibitory = LIF(du=0.4, dv=0.2, bias=0.01, reset="subtract")
    projections = [
        Projection("in", "exc", _wire(rng, n_in, n_exc, 0.3, 0.09, 1)),
        Projection("exc", "exc", _wire(rng, n_exc, n_exc, 0.1, 0.05, 5)),
        Projection("exc", "inh", _wire(rng, n_exc, n_inh, 0.3, 0.09, 3)),
        Projection("inh", "exc", _wire(rng, n_inh, n_exc, 0.3, -0.08, 1), receptor=1),
        Projection("inh", "inh", _wire(rng, n_inh, n_inh, 0.2, -0.08, 1), delay=2),
    ]
    drive = Spikes.from_raster(rng.random((N_STEPS, n_in)) < 0.1)
    populations = {
        "in": Population(n_in),
        "exc": Population(n_exc, excitatory),
        "inh": Population(n_inh, inhibitory),
    }
    return Network(populations, projections if recurrent else projections[:1]), drive


def sorted_events(network: Network, rasters: Mapping[str, NDArray[Any]]) -> list[tuple[int, int]]:
    """Return (step, neuron) of all neurons, numbered through all populations, sources left out."""
    sizes = [population.size for population in network.populations.values()]
    first = dict(zip(network.populations, np.cumsum([0, *sizes[:-1]]), strict=True))
    return sorted(
        (int(step), int(first[name] + neuron))
        for name, population in network.populations.items()
        if population.neuron is not None
        for step, neuron in np.argwhere(rasters[name])
    )
