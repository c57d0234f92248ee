"""The integer engine against the slow integer reference: u, v and spikes bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosparse.network import FixedPointLIF, Network, Population, Projection, Synapses
from neurosparse.simulate import Probe
from tests.simulate.agreement import assert_agrees, run_and_reference
from tests.strategies.exact import drives, integer_networks

N_STEPS = 12


@given(st.data(), integer_networks(max_delay=4), st.one_of(st.none(), st.integers(1, 5)))
def test_networks(data: st.DataObject, network: Network, every: int | None) -> None:
    inputs = data.draw(drives(network, N_STEPS))
    run, slow = run_and_reference(network, inputs, N_STEPS, reset_every=every)
    assert_agrees(run, slow)


@given(st.data(), integer_networks(max_delay=2), st.integers(1, 31), st.integers(0, 2**32 - 1))
def test_currents_of_any_size(data: st.DataObject, network: Network, bits: int, seed: int) -> None:
    """Up to all of int32: u wraps, v saturates, and both sides do it alike."""
    rng = np.random.default_rng(seed)
    inputs: dict[str, Any] = dict(data.draw(drives(network, N_STEPS)))
    for name, population in network.populations.items():
        if population.neuron is not None:
            shape = (data.draw(st.integers(1, N_STEPS)), population.size)
            inputs[name] = rng.integers(-(2**bits), 2**bits, shape)
    run, slow = run_and_reference(network, inputs, N_STEPS)
    assert_agrees(run, slow)


def one_neuron(
    neuron: FixedPointLIF, currents: list[int]
) -> tuple[list[int], list[int], list[int]]:
    """Return steps of spikes, u and v of one neuron under currents."""
    network = Network({"n": Population(1, neuron)})
    table = np.array(currents)[:, None]
    run, slow = run_and_reference(network, {"n": table}, len(currents))
    assert_agrees(run, slow)
    u, v = (run.traces[Probe("n", variable)][:, 0].tolist() for variable in "uv")
    return run.spikes["n"].steps.tolist(), u, v


def test_u_wraps_beyond_24_bits() -> None:
    """+2^23 itself stands, one unit more turns over; -2^23 turns over."""
    neuron = FixedPointLIF(du=4095, dv=4095, vth=131071)
    _, u, _ = one_neuron(neuron, [2**17, 2**17 + 1, -(2**17) + 1, -(2**17), -(2**17) - 1])
    assert u == [2**23, -(2**23) + 64, -(2**23) + 64, 2**23, 2**23 - 64]


def test_v_saturates_at_24_bits() -> None:
    neuron = FixedPointLIF(du=4095, dv=0, vth=131071)
    steps, _, v = one_neuron(neuron, [-100_000, -100_000, 131_071, 131_071, 131_071])
    assert v[:2] == [-6_400_000, -(2**23 - 1)]
    # the highest threshold is one unit below saturation: v = 2^23 - 1 > 131071 * 64
    assert steps == [4]
    assert v[2:] == [-(2**23 - 1) + 131_071 * 64, -63 + 131_071 * 64, 0]


def test_decay_rounds_toward_zero() -> None:
    neuron = FixedPointLIF(du=2047, dv=4095, vth=131071)
    assert one_neuron(neuron, [1, 0, 0, 0, 0, 0, 0, 0])[1] == [64, 32, 16, 8, 4, 2, 1, 0]
    assert one_neuron(neuron, [-1, 0, 0, 0, 0, 0, 0, 0])[1] == [-64, -32, -16, -8, -4, -2, -1, 0]


def test_threshold_is_strict() -> None:
    neuron = FixedPointLIF(du=4095, dv=4095, vth=10)
    assert one_neuron(neuron, [10, 11, 10])[0] == [1]


def test_bias_is_not_scaled_as_weights_are() -> None:
    neuron = FixedPointLIF(du=4095, dv=0, vth=2, bias_mant=1, bias_exp=6)
    steps, _, v = one_neuron(neuron, [0] * 6)
    assert steps == [2, 5]
    assert v == [64, 128, 0, 64, 128, 0]


@pytest.mark.parametrize("weight", [254, -256])
def test_a_large_fan_in_wraps_and_saturates(weight: int) -> None:
    """Spikes alone can leave 24 bits: 800 synapses of the largest weight at once."""
    n_pre = 800
    synapses = Synapses.all_to_all(np.full((2, n_pre), weight), dtype=np.int16)
    neuron = FixedPointLIF(du=4000, dv=7, vth=131071)
    network = Network(
        {"in": Population(n_pre), "out": Population(2, neuron)}, [Projection("in", "out", synapses)]
    )
    raster = np.zeros((12, n_pre), np.uint8)
    raster[:, :400] = 1  # u stays inside, v meets its bound
    raster[6:] = 1  # u leaves 24 bits
    run, slow = run_and_reference(network, {"in": raster}, 14)
    assert_agrees(run, slow)
    assert slow.n_wraps > 0
    assert slow.n_clips > 0
