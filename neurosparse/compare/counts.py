"""Counts of one model over one test set."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence

import numpy as np

from neurosparse.compare.cost import Marked, ModelCost
from neurosparse.errors import ParameterError
from neurosparse.network import Activity, Network, Population, Projection
from neurosparse.network.checks import check_count, check_fraction

__all__ = ["count_ann", "count_snn", "network_bytes"]

_FLOAT32_BYTES = 4


def count_snn(
    name: str, network: Network, activity: Activity, *, n_samples: int, accuracy: float
) -> ModelCost:
    """Count what a spiking network costs per inference.

    Parameters
    ----------
    name : str
        Key in reports.
    network : Network
        The network, for its synapses and bytes.
    activity : Activity
        Counted over the whole test set, from `evaluate`.
    n_samples : int
        Samples in the test set, >= 1.
    accuracy : float
        Share of them that is right.

    Returns
    -------
    ModelCost
        Synaptic events are accumulates: spikes are binary, so there are no MACs.

    Raises
    ------
    ParameterError
        If a number is out of range, or the activity belongs to another network.
    """
    check_count("n_samples", n_samples, least=1)
    if set(activity.spikes) != set(network.populations) or set(activity.synaptic_events) != {
        projection.name for projection in network.projections
    }:
        raise ParameterError(
            "activity: counted on another network (its populations or projections differ)"
        )
    over = f"over {n_samples} test samples"
    pairs = sum(projection.synapses.n_pairs for projection in network.projections)
    potential = network.n_potential_synapses
    return ModelCost(
        name=name,
        kind="snn",
        accuracy=_accuracy(accuracy, over),
        synapses=Marked(network.n_synapses, "counted", source="synapses stored"),
        potential_synapses=Marked(potential, "counted", source="pairs of connected populations"),
        connection_sparsity=_share_missing(pairs, potential, "pairs without a synapse"),
        activity_sparsity=_silence(network, activity, sources=False),
        input_sparsity=_silence(network, activity, sources=True),
        synaptic_events_per_inference=Marked(
            activity.total_synaptic_events / n_samples, "counted", source=f"mean {over}"
        ),
        neuron_updates_per_inference=Marked(
            activity.total_neuron_updates / n_samples, "counted", source="neurons times steps"
        ),
        macs_per_inference=Marked(0, "counted", source="spikes are binary"),
        parameter_bytes=Marked(
            network_bytes(network), "counted", "B", "synapses and per-neuron vectors as stored"
        ),
    )


def count_ann(
    name: str,
    layer_sizes: Sequence[int],
    *,
    accuracy: float | None = None,
    n_bytes: int | None = None,
    activation_zeros: float | None = None,
) -> ModelCost:
    """Count what a dense ANN costs per inference.

    Parameters
    ----------
    name : str
        Key in reports.
    layer_sizes : sequence of int
        Inputs first, classes last; at least two.
    accuracy : float, optional
        Share of the test samples that is right, if it was trained.
    n_bytes : int, optional [B]
        Bytes of its parameters; default float32 weights and biases.
    activation_zeros : float, optional
        Share of zeros among the activations of its hidden neurons over the test set.

    Returns
    -------
    ModelCost
        MACs ``sum n_i n_{i+1}``, whether or not an input is zero, as dense hardware does them; no
        events and no neuron updates.

    Raises
    ------
    ParameterError
        If a number is out of range.
    """
    sizes = [check_count("layer_sizes", size, least=1) for size in layer_sizes]
    if len(sizes) < 2:
        raise ParameterError(f"layer_sizes: got {sizes}; expected at least inputs and classes")
    n_weights = sum(n_pre * n_post for n_pre, n_post in itertools.pairwise(sizes))
    n_parameters = n_weights + sum(sizes[1:])
    stored = n_parameters * _FLOAT32_BYTES if n_bytes is None else check_count("n_bytes", n_bytes)
    silence = None
    if activation_zeros is not None:
        zeros = check_fraction("activation_zeros", activation_zeros, open_below=False)
        silence = Marked(zeros, "measured", source="zeros among hidden activations")
    none = Marked(0, "counted", source="an ANN has no spikes")
    return ModelCost(
        name=name,
        kind="ann",
        accuracy=None if accuracy is None else _accuracy(accuracy, "over the test samples"),
        synapses=Marked(n_weights, "counted", source="weights"),
        potential_synapses=Marked(n_weights, "counted", source="weights"),
        connection_sparsity=_share_missing(n_weights, n_weights, "every weight is stored"),
        activity_sparsity=silence,
        input_sparsity=None,
        synaptic_events_per_inference=none,
        neuron_updates_per_inference=none,
        macs_per_inference=Marked(n_weights, "counted", source="one per weight"),
        parameter_bytes=Marked(stored, "counted", "B", "weights and biases"),
    )


def network_bytes(network: Network) -> int:
    """Count the bytes of a network's parameters, each projection in its smaller layout [B].

    The layouts are compressed rows as neurosparse stores them (int64 row pointers, uint16 or int32
    indices, weights, one weight for all counted once) and a full matrix of weights, which needs no
    indices but has no place for several synapses of a pair. Weights count as stored: 4 bytes for
    float32, 2 for the int16 of a fixed-point network. Delays of single synapses count 1 byte per
    entry, vectors of neuron parameters as wide as a weight.
    """
    projections = sum(_projection_bytes(projection) for projection in network.projections)
    widths = [p.synapses.dtype.itemsize for p in network.projections]
    width = max(widths, default=_FLOAT32_BYTES)
    vectors = sum(_n_vector_entries(p) for p in network.populations.values())
    return projections + vectors * width


def _projection_bytes(projection: Projection) -> int:
    synapses = projection.synapses
    if synapses.n_pairs < synapses.n_active:
        return synapses.n_bytes
    entry = synapses.dtype.itemsize + (0 if synapses.stored.delays is None else 1)
    return min(synapses.n_bytes, synapses.n_potential * entry)


def _n_vector_entries(population: Population) -> int:
    if population.neuron is None:
        return 0
    values = (
        getattr(population.neuron, field.name) for field in dataclasses.fields(population.neuron)
    )
    return sum(value.size for value in values if isinstance(value, np.ndarray))


def _accuracy(accuracy: float, over: str) -> Marked:
    share = check_fraction("accuracy", accuracy, open_below=False)
    return Marked(share, "measured", source=over)


def _share_missing(there: int, possible: int, source: str) -> Marked:
    return Marked(1 - there / possible if possible else 0.0, "counted", source=source)


def _silence(network: Network, activity: Activity, *, sources: bool) -> Marked | None:
    """Share of (neuron, step) pairs without a spike, of the sources or of the neurons."""
    chosen = {
        name: population.size
        for name, population in network.populations.items()
        if (population.neuron is None) == sources
    }
    possible = sum(chosen.values()) * activity.n_steps
    if not possible:
        return None
    spikes = sum(activity.spikes[name] for name in chosen)
    what = "input lines" if sources else "neurons"
    return _share_missing(spikes, possible, f"steps of {what} without a spike")
