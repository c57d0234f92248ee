"""A connectome as it was counted, and the spiking network made from it."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import ParameterError
from neurosparse.models.membrane import ExactMembrane, steps_of
from neurosparse.models.model import Model
from neurosparse.network import Network, Population, Projection, Synapses
from neurosparse.simulate import Poisson, State

__all__ = ["JUMP_PER_SYNAPSE_MV", "Wiring", "wiring_model"]

# Shiu et al. 2024, Nature 634:210, doi:10.1038/s41586-024-07763-9 (methods), for the adult fly;
# membranes after Kakaria & de Bivort 2017, doi:10.3389/fnbeh.2017.00008.
TAU_MEM_MS, TAU_SYN_MS, REFRACTORY_MS, DELAY_MS = 20.0, 5.0, 2.2, 1.8
V_REST_MV, V_RESET_MV, V_TH_MV = -52.0, -52.0, -45.0
JUMP_PER_SYNAPSE_MV = 0.275
DRIVE_MV = 68.75  # 250 synapses: one external spike makes a neuron fire


@dataclass(frozen=True, eq=False)
class Wiring:
    """A connectome: who connects to whom with how many synapses, and with which sign.

    Parameters
    ----------
    names : tuple of str
        Neurons.
    groups : (n,) array of str
        Population of every neuron.
    inhibitory : (n,) bool
        Sign of all synapses of a neuron (Dale's law).
    pre, post : (n_edges,) int64
        Edges, by index into ``names``.
    counts : (n_edges,) float64
        Synapses of every edge.
    """

    names: tuple[str, ...]
    groups: NDArray[np.str_]
    inhibitory: NDArray[np.bool_]
    pre: NDArray[np.int64]
    post: NDArray[np.int64]
    counts: NDArray[np.float64]


def wiring_model(
    wiring: Wiring,
    *,
    driven: Mapping[str, float],
    order: tuple[str, ...],
    dt_ms: float,
    rng: np.random.Generator,
    reference: str,
    jump_mv: float,
) -> Model:
    """Make a network of identical neurons whose weights are synapse counts.

    Parameters
    ----------
    wiring : Wiring
        The connectome.
    driven : mapping of str to float [Hz]
        Rate at which external spikes make each neuron of a population fire.
    order : tuple of str
        Populations, in this order.
    dt_ms : float [ms]
        Length of a step.
    rng : numpy.random.Generator
        For initial membranes, uniform between reset and threshold.
    reference : str
        Where the connectome was published.
    jump_mv : float [mV]
        What one synapse adds to the current of its target.

    Returns
    -------
    Model

    Raises
    ------
    ParameterError
        If a rate or the jump is negative or not finite.
    """
    checked = [("jump_mv", jump_mv), *(("rate_hz", rate_hz) for rate_hz in driven.values())]
    for what, value in checked:
        if not 0 <= value < np.inf:
            raise ParameterError(f"{what}: got {value}; allowed is >= 0, finite")
    members = {name: np.flatnonzero(wiring.groups == name) for name in order}
    membranes = {name: _membrane(dt_ms, with_drive=name in driven) for name in order}
    network = Network(
        {name: Population(members[name].size, membranes[name].neuron) for name in order},
        _projections(wiring, members, jump_mv * membranes[order[0]].gains[0], dt_ms),
        inputs=tuple(driven),
    )
    inputs = {
        name: Poisson(rate_hz * dt_ms / 1000, weight=DRIVE_MV, receptor=1)
        for name, rate_hz in driven.items()
    }
    low, high = membranes[order[0]].above_reset([V_RESET_MV, V_TH_MV])
    v = {name: rng.uniform(low, high, members[name].size) for name in order}
    labels = {name: tuple(wiring.names[k] for k in neurons) for name, neurons in members.items()}
    return Model(network, inputs, State.at_rest(network, v=v), dt_ms, reference, labels)


def _projections(
    wiring: Wiring, members: Mapping[str, NDArray[np.int64]], weight: float, dt_ms: float
) -> list[Projection]:
    """One projection per pair of populations that has edges."""
    index = np.zeros(len(wiring.names), dtype=np.int64)  # of a neuron within its population
    for neurons in members.values():
        index[neurons] = np.arange(neurons.size)
    signs = np.where(wiring.inhibitory, -1.0, 1.0)
    weights = (weight * signs[wiring.pre] * wiring.counts).astype(np.float32)
    # one step more: what arrives moves the membrane in the next step, see ExactMembrane
    delay = steps_of(DELAY_MS, dt_ms) + 1
    projections = []
    for source, target in itertools.product(members, repeat=2):
        between = (wiring.groups[wiring.pre] == source) & (wiring.groups[wiring.post] == target)
        if between.any():
            synapses = Synapses.from_edges(
                index[wiring.pre[between]],
                index[wiring.post[between]],
                weights[between],
                n_pre=members[source].size,
                n_post=members[target].size,
            )
            projections.append(Projection(source, target, synapses, delay=delay))
    return projections


def _membrane(dt_ms: float, *, with_drive: bool) -> ExactMembrane:
    """Return the neuron; a second receptor, without filter, takes the external spikes."""
    return ExactMembrane(
        TAU_MEM_MS,
        (TAU_SYN_MS, None) if with_drive else (TAU_SYN_MS,),
        dt_ms,
        v_rest_mv=V_REST_MV,
        v_reset_mv=V_RESET_MV,
        v_th_mv=V_TH_MV,
        refractory=steps_of(REFRACTORY_MS, dt_ms),
    )
