"""Lava's integer arithmetic, number by number, in the reference and in our engine."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosparse.network import FixedPointLIF, Network, Population, Projection, Synapses
from neurosparse.simulate import Probe, simulate
from tests.loihi.networks import N_STEPS, random_integer_network
from tests.reference.fixed_point import FixedPointRun, run_fixed_point

QUIET = 131071  # a threshold that is hard to reach


def driven(neuron: FixedPointLIF, currents: Any) -> tuple[list[int], list[int], list[int]]:
    """Run one neuron in the reference and in the engine; both must agree."""
    table = np.asarray(currents, dtype=np.int64).reshape(-1, 1)
    net = Network({"x": Population(1, neuron)})
    run = run_fixed_point(net, {"x": table}, len(table))
    assert_engine_agrees(net, {"x": table}, run)
    u, v, s = run.u["x"], run.v["x"], run.rasters["x"]
    return u[:, 0].tolist(), v[:, 0].tolist(), s[:, 0].tolist()


def assert_engine_agrees(
    net: Network, inputs: dict[str, Any], expected: FixedPointRun, reset_every: int | None = None
) -> None:
    neurons = [name for name, p in net.populations.items() if p.neuron is not None]
    probes = [Probe(name, variable) for name in neurons for variable in ("u", "v")]  # type: ignore[arg-type]
    n_steps = len(next(iter(expected.rasters.values())))
    run = simulate(net, inputs, n_steps, probes=probes, reset_every=reset_every)
    for name, raster in expected.rasters.items():
        assert np.array_equal(run.spikes[name].raster(), raster), name
    for probe, trace in run.traces.items():
        wanted = expected.u if probe.variable == "u" else expected.v
        assert np.array_equal(trace, wanted[probe.population]), probe


def test_a_weight_unit_is_64_units_of_u_and_v() -> None:
    u, v, _ = driven(FixedPointLIF(du=4095, dv=0, vth=QUIET), [1, 0, -3])
    assert u == [64, 0, -192]
    assert v == [64, 64, -128]


def test_du_has_an_offset_of_one_and_dv_has_none() -> None:
    u, v, _ = driven(FixedPointLIF(du=2047, dv=2048, vth=QUIET), [64, 0, 0])
    assert u == [4096, 2048, 1024]
    assert v == [4096, 4096, 3072]
    u, _, _ = driven(FixedPointLIF(du=0, dv=0, vth=QUIET), [64, 0])
    assert u == [4096, 4095]


def test_decay_rounds_toward_zero() -> None:
    u, _, _ = driven(FixedPointLIF(du=2047, dv=0, vth=QUIET), [1, 0, 0, 0, 0, 0, 0, 0])
    assert u == [64, 32, 16, 8, 4, 2, 1, 0]
    u, _, _ = driven(FixedPointLIF(du=2047, dv=0, vth=QUIET), [-1, 0, 0, 0, 0, 0, 0, 0])
    assert u == [-64, -32, -16, -8, -4, -2, -1, 0]  # a floor would stay at -1
    u, _, _ = driven(FixedPointLIF(du=1364, dv=0, vth=QUIET), [-1, 0])
    assert u == [-64, -42]  # -42.67


def test_threshold_is_strict() -> None:
    _, v, s = driven(FixedPointLIF(du=4095, dv=4095, vth=100), [100, 101])
    assert s == [0, 1]
    assert v == [6400, 0]


def test_reset_leaves_the_current() -> None:
    u, v, s = driven(FixedPointLIF(du=2047, dv=0, vth=10), [100, 0, 0])
    assert s == [1, 1, 1]
    assert (u, v) == ([6400, 3200, 1600], [0, 0, 0])


@pytest.mark.parametrize(("mantissa", "exponent", "bias"), [(3, 0, 3), (-3, 6, -192), (5, 7, 640)])
def test_bias_is_in_units_of_v(mantissa: int, exponent: int, bias: int) -> None:
    neuron = FixedPointLIF(du=4095, dv=0, vth=QUIET, bias_mant=mantissa, bias_exp=exponent)
    _, v, _ = driven(neuron, [0, 0])
    assert v == [bias, 2 * bias]


def test_current_wraps_just_beyond_24_bits() -> None:
    neuron = FixedPointLIF(du=4095, dv=4095, vth=QUIET)
    u, _, _ = driven(neuron, [131072, 131073, -131071, -131072, -131073])
    assert u == [2**23, -(2**23) + 64, -(2**23) + 64, 2**23, 2**23 - 64]


def test_current_wraps_once_only() -> None:
    u, _, _ = driven(FixedPointLIF(du=4095, dv=4095, vth=QUIET), [3 * 131072 + 1])
    assert u == [2**23 + 64]


def test_membrane_saturates() -> None:
    neuron = FixedPointLIF(du=4095, dv=0, vth=QUIET)
    _, v, s = driven(neuron, [-131071, -131071, 0])
    assert v == [-(2**23) + 64, -(2**23) + 1, -(2**23) + 1]
    _, v, s = driven(neuron, [131071, 0, 131071])
    assert (v, s) == ([131071 * 64] * 2 + [0], [0, 0, 1])  # clipped to 2^23 - 1, above vth


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("reset_every", [None, 11])
def test_engine_equals_reference_on_random_networks(seed: int, reset_every: int | None) -> None:
    net, inputs = random_integer_network(seed)
    run = run_fixed_point(net, inputs, N_STEPS, reset_every=reset_every)
    assert run.n_wraps > 100
    assert run.n_clips > 100
    assert_engine_agrees(net, inputs, run, reset_every)


@settings(deadline=None, max_examples=40)
@given(
    du=st.integers(0, 4095),
    dv=st.integers(0, 4095),
    vth=st.lists(st.integers(0, 131071), min_size=3, max_size=3),
    bias_mant=st.lists(st.integers(-4096, 4095), min_size=3, max_size=3),
    bias_exp=st.integers(0, 7),
    delays=st.lists(st.integers(1, 5), min_size=9, max_size=9),
    currents=st.lists(
        st.lists(st.integers(-131072, 131072), min_size=3, max_size=3), min_size=1, max_size=12
    ),
)
def test_engine_equals_reference(
    du: int,
    dv: int,
    vth: list[int],
    bias_mant: list[int],
    bias_exp: int,
    delays: list[int],
    currents: list[list[int]],
) -> None:
    """Three neurons onto themselves, every parameter anywhere in its range, delays as well."""
    post, pre = np.indices((3, 3)).reshape(2, -1)
    weights = np.array([254, -256, 2, 100, -100, 0, 4, 254, -2])
    synapses = Synapses.from_edges(
        pre, post, weights, n_pre=3, n_post=3, delays=np.array(delays), dtype=np.int16
    )
    neuron = FixedPointLIF(du, dv, np.array(vth), np.array(bias_mant), bias_exp)
    net = Network({"x": Population(3, neuron)}, [Projection("x", "x", synapses)])
    inputs = {"x": np.array(currents)}
    n_steps = len(currents) + 6
    assert_engine_agrees(net, inputs, run_fixed_point(net, inputs, n_steps))
