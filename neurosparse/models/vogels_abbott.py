"""CUBA: the current-based network of Vogels and Abbott."""

from __future__ import annotations

import numpy as np

from neurosparse.models.membrane import ExactMembrane, steps_of
from neurosparse.models.model import Model
from neurosparse.network import Network, Population, Projection, Synapses
from neurosparse.network.checks import check_count
from neurosparse.simulate import State

__all__ = ["cuba"]

FAN_OUT = 80  # expected; connection probability 2 % among 4,000 neurons
E_REST_MV, V_RESET_MV, V_TH_MV = -49.0, -60.0, -50.0  # the resting potential lies above threshold
TAU_MEM_MS, TAU_EXC_MS, TAU_INH_MS = 20.0, 5.0, 10.0
JUMP_EXC_MV, JUMP_INH_MV = 1.62, -9.0  # 60 x 0.27 / 10 and -20 x 4.5 / 10
REFRACTORY_MS = 5.0


def cuba(n_neurons: int = 4000, *, rng: np.random.Generator, dt_ms: float = 0.1) -> Model:
    """Build the CUBA network: benchmark 2 of Brette et al. 2007, as Brian2's example has it.

    80 % excitatory neurons (population ``E``) and 20 % inhibitory ones (``I``), any two connected
    with probability ``80 / n_neurons`` (2 % of 4,000). Exponential currents with an excitatory
    (receptor 0) and an inhibitory (receptor 1) time constant. The resting potential lies above
    the threshold, so that the network sustains itself; there is no input.

    Parameters
    ----------
    n_neurons : int
        At least 80; 4,000 in the benchmark.
    rng : numpy.random.Generator
        For connections and initial membranes (uniform between reset and threshold).
    dt_ms : float [ms]
        Length of a step.

    Returns
    -------
    Model
        One weight per projection, stored once; about 5.5 spikes per second and neuron.

    Raises
    ------
    ParameterError
        If there are fewer than 80 neurons, or the step is not positive.

    Notes
    -----
    Up to rounding what Brian2's exact integration computes: its synapses without delay act one
    step after the threshold crossing (see `ExactMembrane`), and its ``refractory=5*ms`` holds the
    membrane in the 49 steps of 0.1 ms after a spike and lets it go in the fiftieth. Autapses are
    possible, as in the example.

    References
    ----------
    Brette et al. 2007, J Comput Neurosci 23:349, doi:10.1007/s10827-007-0038-6, benchmark 2.
    Vogels & Abbott 2005, J Neurosci 25:10786, doi:10.1523/JNEUROSCI.3508-05.2005.

    Examples
    --------
    >>> model = cuba(400, rng=np.random.default_rng(0))
    >>> {name: population.size for name, population in model.network.populations.items()}
    {'E': 320, 'I': 80}
    """
    check_count("n_neurons", n_neurons, least=FAN_OUT)
    membrane = ExactMembrane(
        TAU_MEM_MS,
        (TAU_EXC_MS, TAU_INH_MS),
        dt_ms,
        v_rest_mv=E_REST_MV,
        v_reset_mv=V_RESET_MV,
        v_th_mv=V_TH_MV,
        refractory=max(0, steps_of(REFRACTORY_MS, dt_ms) - 1),
    )
    sizes = {"E": 4 * n_neurons // 5, "I": n_neurons - 4 * n_neurons // 5}
    jumps_mv = {"E": JUMP_EXC_MV, "I": JUMP_INH_MV}
    projections = [
        Projection(
            source,
            target,
            Synapses.bernoulli(
                sizes[source],
                sizes[target],
                probability=FAN_OUT / n_neurons,
                weights=membrane.gains[receptor] * jumps_mv[source],
                rng=rng,
            ),
            receptor=receptor,
        )
        for receptor, source in enumerate(sizes)
        for target in sizes
    ]
    network = Network(
        {name: Population(size, membrane.neuron) for name, size in sizes.items()},
        projections,
    )
    low, high = membrane.above_reset([V_RESET_MV, V_TH_MV])
    v = {name: rng.uniform(low, high, size) for name, size in sizes.items()}
    return Model(
        network,
        {},
        State.at_rest(network, v=v),
        dt_ms,
        "CUBA: Vogels & Abbott 2005; Brette et al. 2007, benchmark 2",
    )
