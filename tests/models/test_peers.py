"""Single neurons against what Brian2 2.9.0 and NEST 3.10.0 recorded for the same arrivals."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from neurosparse.models import ExactMembrane
from neurosparse.network import Network, Population, Projection, Spikes, Synapses
from neurosparse.simulate import Probe, State, simulate

N_STEPS = 600


def run_neuron(
    membrane: ExactMembrane,
    trains: list[tuple[range, float, int]],
    v_start_mv: float,
    n_steps: int = N_STEPS,
) -> tuple[list[int], np.ndarray]:
    """Drive one neuron by trains (steps, weight [mV], delay); one receptor each, or all the first.

    Returns
    -------
    spikes, v_mv
        Steps of its spikes, and its membrane after every step.
    """
    receptors = range(len(trains)) if len(membrane.gains) > 1 else [0] * len(trains)
    populations = {f"in{k}": Population(1) for k in range(len(trains))}
    populations["n"] = Population(1, membrane.neuron)
    projections, inputs = [], {}
    for k, ((steps, weight_mv, delay), receptor) in enumerate(zip(trains, receptors, strict=True)):
        weight = membrane.gains[receptor] * weight_mv
        synapses = Synapses.from_edges([0], [0], [weight], n_pre=1, n_post=1, dtype=np.float64)
        projections.append(Projection(f"in{k}", "n", synapses, delay=delay, receptor=receptor))
        times = np.array(steps)
        inputs[f"in{k}"] = Spikes(times, np.zeros(times.size, np.int32), n_steps, 1)
    network = Network(populations, projections)
    start = {"n": float(membrane.above_reset(v_start_mv))}
    state = State.at_rest(network, v=start, dtype=np.float64)
    probe = Probe("n", "v")
    run = simulate(network, inputs, n_steps, probes=[probe], dtype=np.float64, state=state)
    return run.spikes["n"].steps.tolist(), run.traces[probe][:, 0] + membrane.v_reset_mv


def test_cuba_neuron_of_brian2() -> None:
    """Exact method, synapses without delay, ``refractory=5*ms``, recorded at the end of a step."""
    membrane = ExactMembrane(
        20.0, (5.0, 10.0), 0.1, v_rest_mv=-49.0, v_reset_mv=-60.0, v_th_mv=-50.0, refractory=49
    )
    trains = [(range(7, 600, 10), 25.0, 1), (range(3, 600, 20), -9.0, 1)]
    spikes, v_mv = run_neuron(membrane, trains, -51.0)
    assert spikes == [19, 94, 166, 238, 310, 382, 455, 528]
    recorded = {
        10: -50.83064627958144,
        60: -60.0,
        150: -56.8907595028723,
        200: -60.0,
        333: -60.0,
        450: -51.71976823740771,
        599: -50.39634193851735,
    }
    for step, expected in recorded.items():
        assert v_mv[step] == pytest.approx(expected, abs=1e-10), step


def test_microcircuit_neuron_of_nest() -> None:
    """iaf_psc_exp with 1,000 pA after 1.5 ms, -500 pA after 0.8 ms and a current of 350 pA."""
    membrane = ExactMembrane(
        10.0, (0.5,), 0.1, v_rest_mv=-65.0, v_reset_mv=-65.0, v_th_mv=-50.0, refractory=20
    )
    mv = 10.0 / 250.0  # tau_m / C, mV per pA
    membrane = dataclasses.replace(membrane, drive_mv=350 * mv)
    # NEST's first step is number 1, and delays are one step longer here
    trains = [(range(4, 560, 14), 1000 * mv, 16), (range(10, 590, 29), -500 * mv, 9)]
    spikes, v_mv = run_neuron(membrane, trains, -58.0)
    assert [step + 1 for step in spikes] == [71, 182, 292, 404, 516]
    recorded = {
        10: -57.33386192625172,
        60: -51.67971714061346,
        150: -53.678493694795336,
        200: -65.0,
        333: -59.72542474216912,
        450: -59.195999169594096,
        599: -55.756260846693,
    }
    for step, expected in recorded.items():
        assert v_mv[step - 1] == pytest.approx(expected, abs=1e-10), step
