"""Integer neurons beyond the plain one, and the format of integer synapses."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosparse.errors import ParameterError
from neurosparse.network import (
    LIF,
    FixedPointLIF,
    FixedPointTernaryLIF,
    Network,
    Population,
    Projection,
    SignMode,
    SynapseFormat,
    Synapses,
    choose_sign_mode,
)


def truncated(weight: int, mode: str, bits: int) -> int:
    """One weight as lava-nc 0.10.0 clips and truncates it (``lava.utils.weightutils``)."""
    sign = -1 if mode == "inhibitory" else 1
    low = -256 if mode == "mixed" else 0
    cut = 8 - bits + (mode == "mixed")
    return sign * ((min(max(sign * weight, low), 255) >> cut) << cut)


@given(
    st.integers(-400, 400),
    st.sampled_from(["mixed", "excitatory", "inhibitory"]),
    st.integers(1, 8),
)
def test_a_grid_holds_exactly_what_lava_leaves_alone(
    weight: int, mode: SignMode, bits: int
) -> None:
    grid = SynapseFormat(mode, num_weight_bits=bits).grid
    assert grid.holds(np.array([weight])) == (truncated(weight, mode, bits) == weight)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sign_mode": "auto"}, "sign_mode: got 'auto'; allowed is 'mixed', 'excitatory' or"),
        ({"num_weight_bits": 0}, "num_weight_bits: got 0; allowed is a whole number, 1 to 8"),
        ({"num_weight_bits": 9}, "num_weight_bits: got 9"),
        ({"weight_exp": -8}, "weight_exp: got -8; allowed is a whole number, -7 to 7"),
        ({"weight_exp": 8}, "weight_exp: got 8"),
        ({"weight_exp": 0.5}, "weight_exp: got 0.5"),
        ({"weight_exp": True}, "weight_exp: got True"),
        ({"shift": "both"}, "shift: got 'both'; allowed is 'sum' or 'synapse'"),
        ({"num_message_bits": 25}, "num_message_bits: got 25; allowed is a whole number, 0 to 24"),
    ],
)
def test_formats_out_of_range(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        SynapseFormat(**arguments)


@pytest.mark.parametrize(
    ("weights", "mode"),
    [([2, -4], "mixed"), ([1, 3], "excitatory"), ([-1, -3], "inhibitory"), ([1, -3], None)],
)
def test_the_sign_mode_that_fits(weights: list[int], mode: str | None) -> None:
    assert choose_sign_mode(np.array(weights)) == mode


def network(weights: Any, synapse_format: SynapseFormat | None, neuron: Any = None) -> Network:
    edges = ([0, 1], [0, 0], weights)
    synapses = Synapses.from_edges(*edges, n_pre=2, n_post=1, dtype=weights.dtype)
    populations = {"in": Population(2), "out": Population(1, neuron or FixedPointLIF())}
    return Network(populations, [Projection("in", "out", synapses, format=synapse_format)])


def test_weights_have_to_fit_their_format() -> None:
    weights = np.array([3, 5], dtype=np.int16)
    assert network(weights, SynapseFormat("excitatory")).projections[0].format is not None
    with pytest.raises(ParameterError, match=r"'in->out': format: weights from 3 to 5; mixed ones"):
        network(weights, SynapseFormat())
    with pytest.raises(ParameterError, match="format: got 'mixed'; expected SynapseFormat or None"):
        network(weights, "mixed")  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match=r"'in->out': format: float32 weights"):
        network(np.array([3, 5], dtype=np.float32), SynapseFormat(), LIF())


def test_formats_and_ternary_neurons_are_saved(tmp_path: Path) -> None:
    neuron = FixedPointTernaryLIF(vth_lo=np.array([-7]), vth_hi=9, bias_mant=-3, bias_exp=2)
    synapse_format = SynapseFormat("mixed", 4, -3, "synapse", 24)
    net = network(np.array([32, -64], dtype=np.int16), synapse_format, neuron)
    net.save(tmp_path / "net.npz")
    loaded = Network.load(tmp_path / "net.npz")
    assert loaded == net
    assert loaded.projections[0].format == synapse_format
    assert loaded.populations["out"].neuron == neuron
    assert loaded.is_integer


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"vth_lo": 2, "vth_hi": 1}, "vth_lo: got 2; allowed is <= vth_hi=1"),
        ({"vth_lo": np.array([0, 5]), "vth_hi": 4}, "vth_lo: got .*; allowed is <= vth_hi=4"),
        ({"vth_lo": -131072}, "vth_lo: got -131072; allowed is -131071 to 131071"),
        ({"vth_hi": 131072}, "vth_hi: got 131072"),
        ({"vth_hi": 0.5}, "vth_hi: got 0.5; expected a whole number"),
        ({"du": 4096}, "du: got 4096"),
        ({"bias_mant": 4096}, "bias_mant: got 4096"),
    ],
)
def test_ternary_neurons_out_of_range(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        FixedPointTernaryLIF(**arguments)


def test_refractory_periods_are_those_of_the_chip() -> None:
    assert FixedPointLIF(refractory=62).refractory == 62
    with pytest.raises(ParameterError, match="refractory: got 63; allowed is a whole number, 0 to"):
        FixedPointLIF(refractory=63)
    assert FixedPointLIF(refractory=1) != FixedPointLIF()


def test_kinds_of_integer_neurons_may_be_mixed_but_not_with_float_ones() -> None:
    populations = {
        "a": Population(1, FixedPointLIF()),
        "b": Population(1, FixedPointTernaryLIF()),
    }
    assert Network(populations).is_integer
    neuron = populations["b"].neuron
    assert isinstance(neuron, FixedPointTernaryLIF)
    assert dataclasses.replace(neuron, vth_hi=3) != neuron
