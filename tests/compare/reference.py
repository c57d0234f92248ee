"""Slow, obvious reference of an evaluation: one sample at a time, one layer at a time.

Every layer sees only the sample's own window, numbered from 0, and starts from rest; a spike of the
layer before in step t arrives in step t. Feed-forward networks in a row, one delay per projection.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neurosparse.network import LIF, Network

__all__ = ["DenseEvaluation", "evaluate_densely"]


class DenseEvaluation(NamedTuple):
    counts: NDArray[np.int64]  # (n_samples, n_classes)
    spikes: dict[str, int]
    synaptic_events: dict[str, int]


def run_layer(neuron: LIF, receptor: int, arriving: NDArray[Any]) -> NDArray[np.int64]:
    """Return the raster of one layer for what arrives at it, (n_steps, n) float64."""
    n = arriving.shape[1]
    u, v = np.zeros((neuron.n_receptors, n)), np.zeros(n)
    wait = np.zeros(n, dtype=int)
    raster = np.zeros(arriving.shape, dtype=np.int64)
    for step, a in enumerate(arriving):
        u *= (1 - np.array(neuron.decays_u))[:, None]
        u[receptor] += a
        free = wait == 0
        v[free] = ((1 - neuron.dv) * v + u.sum(axis=0) + neuron.bias)[free]
        fired = free & (v > neuron.vth)
        after = v - neuron.vth if neuron.reset == "subtract" else np.broadcast_to(neuron.v_reset, n)
        v[fired] = after[fired]
        wait[~free] -= 1
        wait[fired] = neuron.refractory
        raster[step] = fired
    return raster


def evaluate_densely(network: Network, encoded: NDArray[Any]) -> DenseEvaluation:
    """Classify samples one by one and count from dense matrices."""
    names = list(network.populations)
    spikes = dict.fromkeys(names, 0)
    events = {projection.name: 0 for projection in network.projections}
    counts = []
    for sample in range(encoded.shape[1]):
        raster = encoded[:, sample].astype(np.int64)
        first = network.populations[names[0]].neuron
        if first is not None:
            raster = run_layer(first, 0, encoded[:, sample].astype(np.float64))
        spikes[names[0]] += int(raster.sum())
        for projection in network.projections:
            matrix = np.zeros(projection.synapses.shape)
            mask = np.zeros(projection.synapses.shape, dtype=np.int64)
            for post in range(projection.synapses.n_post):
                low, high = projection.synapses.indptr[post : post + 2]
                for k in range(low, high):
                    matrix[post, projection.synapses.indices[k]] = projection.synapses.weights[k]
                    mask[post, projection.synapses.indices[k]] = 1
            events[projection.name] += int((raster @ mask.T).sum())
            neuron = network.populations[projection.target].neuron
            raster = run_layer(neuron, projection.receptor, raster @ matrix.T)
            spikes[projection.target] += int(raster.sum())
        counts.append(raster.sum(axis=0))
    return DenseEvaluation(np.array(counts), spikes, events)
