"""The discrete neuron against the differential equation."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from neurosparse.errors import ParameterError
from neurosparse.models import ExactMembrane
from neurosparse.models.membrane import steps_of
from neurosparse.network import Network, Population, Projection, Synapses
from neurosparse.simulate import Probe, State, simulate
from tests.models.continuous import solve

N_STEPS = 600


def run_discrete(
    membrane: ExactMembrane, arrivals: NDArray[np.bool_], weights_mv: list[float], v_start_mv: float
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Let spikes arrive over one synapse per receptor; delta synapses arrive one step earlier."""
    projections = [
        Projection(
            f"in{receptor}",
            "n",
            Synapses.from_edges([0], [0], [gain * weight], n_pre=1, n_post=1, dtype=np.float64),
            delay=1,
            receptor=receptor,
        )
        for receptor, (gain, weight) in enumerate(zip(membrane.gains, weights_mv, strict=True))
    ]
    sources = {f"in{receptor}": Population(1) for receptor in range(len(weights_mv))}
    network = Network(sources | {"n": Population(1, membrane.neuron)}, projections)
    inputs = {}
    for receptor, tau in enumerate(membrane.tau_syn_ms):
        # with delay 1 a current that jumps in step t is sent in t, and a delta jump in t - 1
        spikes = arrivals[:, receptor]
        spikes = np.append(spikes[1:], False) if tau is None else spikes
        inputs[f"in{receptor}"] = spikes[:, None]
    probe = Probe("n", "v")
    start = {"n": float(membrane.above_reset(v_start_mv))}
    state = State.at_rest(network, v=start, dtype=np.float64)
    run = simulate(
        network, inputs, N_STEPS, probes=[probe], dtype=np.float64, state=state, record=["n"]
    )
    fired = run.spikes["n"].raster()[:, 0].astype(bool)
    return run.traces[probe][:, 0] + membrane.v_reset_mv, fired


MEMBRANES = {
    "cuba": (
        ExactMembrane(
            20.0,
            (5.0, 10.0),
            0.1,
            v_rest_mv=-49.0,
            v_reset_mv=-60.0,
            v_th_mv=-50.0,
            refractory=49,
        ),
        [25.0, -9.0],
        -51.0,
    ),
    "microcircuit": (
        ExactMembrane(
            10.0,
            (0.5,),
            0.1,
            v_rest_mv=-65.0,
            v_reset_mv=-65.0,
            v_th_mv=-50.0,
            refractory=20,
            drive_mv=14.0,
        ),
        [60.0],
        -58.0,
    ),
    "delta": (
        ExactMembrane(
            20.0, (None,), 0.1, v_rest_mv=0.0, v_reset_mv=10.0, v_th_mv=20.0, refractory=20
        ),
        [3.0],
        19.0,
    ),
    "equal time constants": (
        ExactMembrane(
            5.0, (5.0, None), 0.5, v_rest_mv=-52.0, v_reset_mv=-54.0, v_th_mv=-45.0, refractory=4
        ),
        [8.0, 1.0],
        -52.0,
    ),
}


@pytest.mark.parametrize("name", MEMBRANES)
def test_membrane_follows_the_differential_equation(name: str, rng: np.random.Generator) -> None:
    membrane, weights_mv, v_start_mv = MEMBRANES[name]
    arrivals = rng.random((N_STEPS, len(weights_mv))) < 0.05
    arrivals[0] = False  # what a delta synapse would need a step before the first for
    expected_v, expected_spikes = solve(membrane, arrivals * weights_mv, v_start_mv)
    v, spikes = run_discrete(membrane, arrivals, weights_mv, v_start_mv)
    assert expected_spikes.sum() >= 3
    np.testing.assert_array_equal(spikes, expected_spikes)
    np.testing.assert_allclose(v, expected_v, atol=1e-6)


def test_gain_is_continuous_where_time_constants_are_equal() -> None:
    def gain(tau_syn_ms: float) -> float:
        return ExactMembrane(
            10.0, (tau_syn_ms,), 0.1, v_rest_mv=0.0, v_reset_mv=0.0, v_th_mv=1.0
        ).gains[0]

    assert gain(10.0) == pytest.approx(0.01 * np.exp(-0.01), rel=1e-14)
    assert gain(10.0 + 1e-9) == pytest.approx(gain(10.0), rel=1e-9)
    tau = 4.0  # the textbook form
    textbook = tau / (tau - 10.0) * (np.exp(-0.1 / tau) - np.exp(-0.1 / 10.0))
    assert gain(tau) == pytest.approx(textbook, rel=1e-10)


def test_gain_is_the_propagator_of_nest() -> None:
    """P21 of iaf_psc_exp times its current [pA], for the microcircuit's neuron."""
    tau, tau_syn, c, h = 10.0, 0.5, 250.0, 0.1
    p21 = 1 / (c * (1 / tau_syn - 1 / tau)) * (np.exp(-h / tau) - np.exp(-h / tau_syn))
    membrane = MEMBRANES["microcircuit"][0]
    assert membrane.gains[0] * tau / c == pytest.approx(p21, rel=1e-12)
    p20 = tau / c * (1 - np.exp(-h / tau))
    assert membrane.neuron.bias == pytest.approx(p20 * 14.0 * c / tau, rel=1e-12)


@pytest.mark.parametrize("bad", [0.0, -1.0, np.inf, np.nan])
@pytest.mark.parametrize("which", ["tau_mem_ms", "tau_syn_ms", "dt_ms"])
def test_times_are_checked(bad: float, which: str) -> None:
    times = {"tau_mem_ms": 10.0, "tau_syn_ms": (5.0,), "dt_ms": 0.1}
    times[which] = (bad,) if which == "tau_syn_ms" else bad
    with pytest.raises(ParameterError, match=rf"{which}: got {bad}; allowed is > 0 ms"):
        ExactMembrane(**times, v_rest_mv=0.0, v_reset_mv=0.0, v_th_mv=1.0)  # type: ignore[arg-type]


def test_steps_are_rounded_and_checked() -> None:
    assert steps_of(1.5, 0.1) == 15
    with pytest.raises(ParameterError, match=r"dt_ms: got 0; allowed is > 0 ms"):
        steps_of(1.5, 0)
