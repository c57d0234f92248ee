"""The cortical microcircuit of Potjans and Diesmann."""

from __future__ import annotations

import math
from collections.abc import Mapping
from os import PathLike
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import ParameterError
from neurosparse.models.draws import NormalDelays, NormalWeights
from neurosparse.models.membrane import ExactMembrane, steps_of
from neurosparse.models.microcircuit_parameters import MicrocircuitParameters
from neurosparse.models.model import Model
from neurosparse.network import Network, Population, Projection, Synapses
from neurosparse.network.checks import check_fraction
from neurosparse.simulate import Poisson, State

__all__ = ["REFERENCE_RATES_HZ", "potjans_diesmann", "psc_per_psp"]

# Table 5 of the paper, as NEST's pynest/examples/Potjans_2014/network_params.py has it.
C_M_PF, TAU_MEM_MS, TAU_SYN_MS, REFRACTORY_MS = 250.0, 10.0, 0.5, 2.0
V_REST_MV, V_RESET_MV, V_TH_MV = -65.0, -65.0, -50.0
DELAY_MS = {"E": 1.5, "I": 0.75}  # means; the paper has 0.8 for I, NEST 0.75
DELAY_REL_SD = 0.5
DT_MS = 0.1

# Mean and standard deviation of the initial membranes [mV]: NEST's "optimized" start, which
# spares the burst with which a uniform start would begin (same file).
START_MV = {
    "L23E": (-68.28, 5.36),
    "L23I": (-63.16, 4.57),
    "L4E": (-63.33, 4.74),
    "L4I": (-63.45, 4.94),
    "L5E": (-63.11, 4.94),
    "L5I": (-61.66, 4.55),
    "L6E": (-66.72, 5.46),
    "L6I": (-61.43, 4.48),
}
ORIGINAL_START_MV = (-58.0, 10.0)  # of every population in the paper

REFERENCE_RATES_HZ = {
    "L23E": 0.943,
    "L23I": 3.026,
    "L4E": 4.368,
    "L4I": 5.882,
    "L5E": 7.733,
    "L5I": 8.664,
    "L6E": 1.096,
    "L6I": 7.851,
}
"""Mean rates of NEST's implementation at full scale, from a run with 12 MPI processes [Hz].

Its network_params.py states them; other versions of that file state other runs, whose rates differ
from these by up to 10 %.
"""


def psc_per_psp(c_m_pf: float, tau_mem_ms: float, tau_syn_ms: float) -> float:
    """Return the current jump whose potential peaks at 1 mV [pA / mV].

    A jump of 1 pA gives ``V(t) = (exp(-t / tau_m) - exp(-t / tau_s)) tau_m tau_s / (C (tau_m -
    tau_s))``, which peaks at ``t = log(tau_m / tau_s) tau_m tau_s / (tau_m - tau_s)``.
    """
    rate = tau_mem_ms * tau_syn_ms / (tau_mem_ms - tau_syn_ms)
    peak_ms = math.log(tau_mem_ms / tau_syn_ms) * rate
    peak_mv = rate / c_m_pf * (math.exp(-peak_ms / tau_mem_ms) - math.exp(-peak_ms / tau_syn_ms))
    return 1.0 / peak_mv


def potjans_diesmann(
    parameters: str | PathLike[str] | Mapping[str, Any],
    *,
    rng: np.random.Generator,
    scale: float = 1.0,
    drive: Literal["poisson", "constant"] = "poisson",
) -> Model:
    """Build the cortical microcircuit: 77,169 neurons and 298.9 million synapses at full scale.

    Four layers with an excitatory and an inhibitory population each (``L23E`` to ``L6I``). Between
    any two populations a fixed total number of synapses, multapses and autapses included; weights
    and delays are drawn per synapse from normal distributions, redrawn where the sign or the least
    delay would be violated. Steps of 0.1 ms.

    Parameters
    ----------
    parameters : path or mapping
        ``pd14_params.json`` or its content (see `MicrocircuitParameters`).
    rng : numpy.random.Generator
        For connections, weights, delays and initial membranes.
    scale : float
        Share of the neurons and of the in-degrees, ``0 < scale <= 1``. The number of synapses
        falls with its square.
    drive : {"poisson", "constant"}
        Poisson spikes to every neuron, or their mean as a constant current.

    Returns
    -------
    Model

    Raises
    ------
    ParameterError
        If scale or drive lie outside what is allowed.
    DataError
        If the parameters cannot be read or are incomplete.

    Notes
    -----
    *Neurons.* NEST's ``iaf_psc_exp`` mapped exactly (`ExactMembrane`): weights are its currents
    [pA] times ``tau_m / C`` times the gain, in mV per step; delays are one step longer than its
    delays, for the membrane there sees the current of the step before. One receptor serves both
    signs, as their time constants are equal.

    *Delays.* Rounded to the grid; at least one of NEST's steps. The shift of the external drive
    by its delay is left out, as it changes no statistics.

    *Scaling.* Below full scale weights are divided by the root of the scale and a constant current
    replaces the lost mean (van Albada et al. 2015), as in NEST. This keeps mean and variance of the
    input, but not correlations: rates are comparable with the published ones at full scale only.

    *Cost.* 7 bytes per synapse: 2.1 GB at full scale.

    References
    ----------
    Potjans & Diesmann 2014, Cereb Cortex 24:785, doi:10.1093/cercor/bhs358, tables 4 and 5.
    van Albada, Helias & Diesmann 2015, PLoS Comput Biol 11:e1004490,
    doi:10.1371/journal.pcbi.1004490.
    NEST, ``pynest/examples/Potjans_2014``, for what the paper leaves open (start, delays).
    """
    table = MicrocircuitParameters.read(parameters)
    scale = check_fraction("scale", scale)
    if drive not in ("poisson", "constant"):
        raise ParameterError(f"drive: got {drive!r}; allowed is 'poisson' or 'constant'")
    sizes = np.maximum(1, np.rint(table.sizes * scale)).astype(np.int64).tolist()
    size_of = dict(zip(table.populations, sizes, strict=True))
    drives_mv = _compensation_mv(table, scale, drive)
    membranes = {
        name: _membrane(drive_mv)
        for name, drive_mv in zip(table.populations, drives_mv.tolist(), strict=True)
    }
    # PSC [pA] times tau_m / C [mV] times gain [1]
    weight = _jump_mv(table) * membranes[table.populations[0]].gains[0] / math.sqrt(scale)
    network = Network(
        {name: Population(size, membranes[name].neuron) for name, size in size_of.items()},
        _projections(table, size_of, scale, weight, rng),
    )
    v = {
        name: membranes[name].above_reset(rng.normal(*START_MV.get(name, ORIGINAL_START_MV), size))
        for name, size in size_of.items()
    }
    return Model(
        network,
        _background(table, scale, weight) if drive == "poisson" else {},
        State.at_rest(network, v=v),
        DT_MS,
        f"cortical microcircuit: Potjans & Diesmann 2014, scale {scale:g}",
    )


def _projections(
    table: MicrocircuitParameters,
    size_of: Mapping[str, int],
    scale: float,
    weight: float,
    rng: np.random.Generator,
) -> list[Projection]:
    n_synapses = np.rint(table.n_synapses * scale**2).astype(np.int64).tolist()
    weights = (weight * _relative_weights(table)).tolist()
    return [
        Projection(
            source,
            target,
            Synapses.fixed_total(
                size_of[source],
                size_of[target],
                n_synapses=n_synapses[i][j],
                multapses=True,
                autapses=True,
                weights=NormalWeights(weights[i][j], table.psp_rel_sd),
                # one step more than NEST's delay, see ExactMembrane
                delays=NormalDelays(DELAY_MS[source[-1]] / DT_MS, DELAY_REL_SD, added=1),
                rng=rng,
            ),
        )
        for i, target in enumerate(table.populations)
        for j, source in enumerate(table.populations)
        if n_synapses[i][j]
    ]


def _background(table: MicrocircuitParameters, scale: float, weight: float) -> dict[str, Poisson]:
    rates_hz = np.rint(table.k_ext * scale) * table.bg_rate_hz
    return {
        name: Poisson(rate_hz * DT_MS / 1000, weight=weight)
        for name, rate_hz in zip(table.populations, rates_hz.tolist(), strict=True)
    }


def _membrane(drive_mv: float) -> ExactMembrane:
    return ExactMembrane(
        TAU_MEM_MS,
        (TAU_SYN_MS,),
        DT_MS,
        v_rest_mv=V_REST_MV,
        v_reset_mv=V_RESET_MV,
        v_th_mv=V_TH_MV,
        refractory=steps_of(REFRACTORY_MS, DT_MS),
        drive_mv=drive_mv,
    )


def _jump_mv(table: MicrocircuitParameters) -> float:
    """Jump of an excitatory current, times the membrane resistance tau_m / C [mV]."""
    psc_pa = table.psp_mv * psc_per_psp(C_M_PF, TAU_MEM_MS, TAU_SYN_MS)
    return psc_pa * TAU_MEM_MS / C_M_PF


def _relative_weights(table: MicrocircuitParameters) -> NDArray[np.float64]:
    """Mean weights, target by source, relative to that of an excitatory synapse [1]."""
    n = len(table.populations)
    relative = np.tile(
        [1.0 if name.endswith("E") else table.g for name in table.populations], (n, 1)
    )
    if {"L23E", "L4E"} <= set(table.populations):
        where = table.populations.index("L23E"), table.populations.index("L4E")
        relative[where] *= table.l4e_to_l23e
    return relative


def _compensation_mv(
    table: MicrocircuitParameters, scale: float, drive: str
) -> NDArray[np.float64]:
    """Constant drive of every population: the mean that scaling takes away, and the background."""
    # mean of a current: jump x rate x tau_s
    per_hz = TAU_SYN_MS / 1000
    in_degrees = table.n_synapses / table.sizes[:, None]
    recurrent = per_hz * _jump_mv(table) * (_relative_weights(table) * in_degrees) @ table.rates_hz
    background = per_hz * _jump_mv(table) * table.k_ext * table.bg_rate_hz
    lost = 1.0 - math.sqrt(scale)
    return lost * recurrent + (background if drive == "constant" else lost * background)
