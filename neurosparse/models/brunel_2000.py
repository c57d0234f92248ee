"""The sparsely connected network of excitatory and inhibitory neurons of Brunel."""

from __future__ import annotations

from typing import Literal

import numpy as np

from neurosparse.errors import ParameterError
from neurosparse.models.membrane import ExactMembrane, steps_of
from neurosparse.models.model import Model
from neurosparse.network import Network, Population, Projection, Synapses
from neurosparse.network.checks import check_count
from neurosparse.simulate import Poisson, State

__all__ = ["brunel"]

CONNECTIVITY = 0.1  # epsilon: share of each population that a neuron listens to
TAU_MEM_MS = 20.0
THETA_MV, V_RESET_MV = 20.0, 10.0  # above rest
REFRACTORY_MS = 2.0
JUMP_MV = 0.1  # J
DELAY_MS = 1.5  # D


def brunel(
    n_neurons: int = 12_500,
    *,
    rng: np.random.Generator,
    g: float = 5.0,
    eta: float = 2.0,
    drive: Literal["poisson", "constant"] = "poisson",
    dt_ms: float = 0.1,
) -> Model:
    """Build model A of Brunel 2000: delta synapses, one delay, fixed in-degrees.

    80 % excitatory neurons (``E``), 20 % inhibitory ones (``I``). Every neuron listens to 10 % of
    each population; a spike makes its membrane jump by ``J = 0.1 mV`` or ``-g J``, 1.5 ms later.

    Parameters
    ----------
    n_neurons : int
        At least 50; 12,500 in the paper, with 1,000 excitatory and 250 inhibitory sources each.
    rng : numpy.random.Generator
        For connections and initial membranes (uniform between reset and threshold, our choice).
    g : float
        Strength of inhibition relative to excitation, >= 0; above 4 it dominates.
    eta : float
        External rate relative to the rate that just reaches threshold, >= 0.
    drive : {"poisson", "constant"}
        Poisson spikes to every neuron at ``eta theta / (J tau)``, 20 per ms with the defaults, or
        their mean, ``eta theta``, 40 mV.
    dt_ms : float [ms]
        Length of a step.

    Returns
    -------
    Model
        One weight per projection, stored once; with the defaults about 37.5 spikes per second and
        neuron, with either drive.

    Raises
    ------
    ParameterError
        If a parameter lies outside its range.

    Notes
    -----
    The sources of a neuron are distinct and other than itself, as the paper says ("C randomly
    chosen connections from other neurons"); NEST's example allows multapses and autapses, which
    changes no statistics that is reported here. The refractory time holds the membrane for 20
    steps of 0.1 ms after that of the spike, as in NEST's ``iaf_psc_delta``; what arrives meanwhile
    is lost.

    References
    ----------
    Brunel 2000, J Comput Neurosci 8:183, doi:10.1023/A:1008925309027, section 2 and figure 8C.

    Examples
    --------
    >>> model = brunel(100, rng=np.random.default_rng(0))
    >>> [projection.synapses.fan_in.tolist()[0] for projection in model.network.projections]
    [8, 8, 2, 2]
    """
    check_count("n_neurons", n_neurons, least=50)
    for name, value in (("g", g), ("eta", eta)):
        if not 0 <= value < np.inf:
            raise ParameterError(f"{name}: got {value}; allowed is >= 0, finite")
    if drive not in ("poisson", "constant"):
        raise ParameterError(f"drive: got {drive!r}; allowed is 'poisson' or 'constant'")
    membrane = ExactMembrane(
        TAU_MEM_MS,
        (None,),
        dt_ms,
        v_rest_mv=0.0,
        v_reset_mv=V_RESET_MV,
        v_th_mv=THETA_MV,
        refractory=steps_of(REFRACTORY_MS, dt_ms),
        drive_mv=eta * THETA_MV if drive == "constant" else 0.0,
    )
    sizes = {"E": 4 * n_neurons // 5, "I": n_neurons - 4 * n_neurons // 5}
    weights_mv = {"E": JUMP_MV, "I": -g * JUMP_MV}
    projections = [
        Projection(
            source,
            target,
            Synapses.fixed_fan_in(
                sizes[source],
                sizes[target],
                fan_in=round(CONNECTIVITY * sizes[source]),
                autapses=source != target,
                weights=weights_mv[source],
                rng=rng,
            ),
            delay=max(1, steps_of(DELAY_MS, dt_ms)),
        )
        for source in sizes
        for target in sizes
    ]
    network = Network(
        {name: Population(size, membrane.neuron) for name, size in sizes.items()}, projections
    )
    inputs = {}
    if drive == "poisson":
        per_step = eta * THETA_MV / (JUMP_MV * TAU_MEM_MS) * dt_ms
        inputs = {name: Poisson(per_step, weight=JUMP_MV) for name in sizes}
    low, high = membrane.above_reset([V_RESET_MV, THETA_MV])
    v = {name: rng.uniform(low, high, size) for name, size in sizes.items()}
    return Model(
        network, inputs, State.at_rest(network, v=v), dt_ms, f"Brunel 2000, g = {g}, eta = {eta}"
    )
