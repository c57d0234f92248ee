from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosparse.errors import ExportLimitError
from neurosparse.loihi import quantise, scale_currents
from neurosparse.network import (
    LIF,
    Network,
    Population,
    Projection,
    SynapseFormat,
    Synapses,
    choose_sign_mode,
)
from tests.loihi.quantising import fixed, integers, lava_truncate, network_of

# ---------------------------------------------------------------------- numbers


def test_largest_weight_takes_the_end_of_the_grid() -> None:
    q = quantise(network_of([[1.0, -0.5, 0.25]]))
    assert q.scales == {"out": 254.0}
    assert integers(q) == [254, -128, 64]  # 63.5 is nearer to 64 than to 62
    assert fixed(q).vth == 254
    assert q.error == {"in->out": 1.0}
    assert q.pruned == {"in->out": 0}


def test_negative_side_reaches_further_than_the_positive() -> None:
    assert integers(quantise(network_of([[-1.0, 0.5]]))) == [-256, 128]


@pytest.mark.parametrize(
    ("mode", "weights", "expected"),
    [
        ("excitatory", [1.0, 0.5], [255, 128]),
        ("inhibitory", [-1.0, -0.5], [-255, -128]),
        ("mixed", [1.0, 0.5], [254, 128]),
    ],
)
def test_sign_mode_sets_the_grid(mode: Any, weights: list[float], expected: list[int]) -> None:
    q = quantise(network_of([weights]), sign_mode=mode)
    assert integers(q) == expected
    assert q.network.projections[0].format.sign_mode == mode


@pytest.mark.parametrize(
    ("weights", "mode"),
    [([0.5, 1.0], "excitatory"), ([-0.5, -1.0], "inhibitory"), ([0.5, -1.0], "mixed")],
)
def test_auto_follows_the_signs(weights: list[float], mode: str) -> None:
    assert (
        quantise(network_of([weights]), sign_mode="auto").network.projections[0].format.sign_mode
        == mode
    )
    named = quantise(network_of([weights]), sign_mode={"in->out": "auto"})
    assert named.network.projections[0].format.sign_mode == mode


def test_small_weights_are_removed_and_counted() -> None:
    q = quantise(network_of([[1.0, 0.003, -0.003, 0.0]]))
    assert integers(q) == [254]
    assert q.pruned == {"in->out": 3}
    assert q.network.projections[0].synapses.indices.tolist() == [0]


def test_keep_small_raises_them_with_their_sign() -> None:
    q = quantise(network_of([[1.0, 0.003, -0.003, 0.0]]), keep_small=True)
    assert integers(q) == [254, 2, -2]  # a weight of exactly 0 has no sign
    assert q.pruned == {"in->out": 1}


def test_decays() -> None:
    q = quantise(network_of([[1.0]], LIF(du=0.25, dv=0.1)))
    assert (fixed(q).du, fixed(q).dv) == (1023, 410)
    q = quantise(network_of([[1.0]], LIF(du=1.0, dv=1.0)))
    assert (fixed(q).du, fixed(q).dv) == (4095, 4095)  # dv of 4096 does not fit 12 bits


@pytest.mark.parametrize(
    ("bias", "mantissa", "exponent"),
    [
        (0.0, 0, 0),
        (0.125, 2032, 0),
        (-0.25, -4064, 0),
        (0.5, 4064, 1),
        (-16.0, -4064, 6),
        (20.0, 2540, 7),
    ],
)
def test_bias_takes_the_least_exponent_that_fits(bias: float, mantissa: int, exponent: int) -> None:
    neuron = fixed(quantise(network_of([[1.0]], LIF(bias=bias))))
    assert (neuron.bias_mant, neuron.bias_exp) == (mantissa, exponent)
    assert mantissa * 2**exponent == bias * 254 * 64


def test_bias_too_large_for_its_register_lowers_the_scale() -> None:
    q = quantise(network_of([[1.0]], LIF(bias=100.0, vth=50.0)))
    assert (fixed(q).bias_mant, fixed(q).bias_exp) == (4095, 7)
    assert q.scales["out"] == pytest.approx(4095 * 128 / 6400)


def test_threshold_too_large_for_its_register_lowers_the_scale() -> None:
    q = quantise(network_of([[1.0]], LIF(vth=1000.0)))
    assert fixed(q).vth == 131071
    assert q.scales["out"] == pytest.approx(131.071)


def test_projections_onto_one_population_share_the_scale() -> None:
    def synapse(weight: float) -> Synapses:
        return Synapses.from_edges([0], [0], weight, n_pre=1, n_post=1)

    net = Network(
        {"a": Population(1), "b": Population(1), "out": Population(1, LIF())},
        [
            Projection("a", "out", synapse(1.0)),
            Projection("b", "out", synapse(4.0)),
        ],
    )
    q = quantise(net)
    assert q.scales == {"out": 63.5}
    assert [p.synapses.weights.tolist() for p in q.network.projections] == [[64], [254]]


def test_parameters_per_neuron_stay_per_neuron() -> None:
    neuron = LIF(vth=np.array([0.5, 1.0]), bias=np.array([0.0, 0.125]))
    q = quantise(network_of([[1.0], [1.0]], neuron))
    assert np.asarray(fixed(q).vth).tolist() == [127, 254]
    assert np.asarray(fixed(q).bias_mant).tolist() == [0, 2032]


def test_population_without_synapses_gets_a_threshold_of_4096() -> None:
    q = quantise(Network({"out": Population(2, LIF(vth=0.5))}))
    assert fixed(q).vth == 4096
    scaled = scale_currents(q, {"out": np.array([[0.25, -0.5]])})
    assert scaled["out"].tolist() == [[2048, -4096]]


def test_worst_case_current_lowers_the_scale() -> None:
    """With du = 1/64 and 100 equal weights, 254 would let u reach 12 times its range."""
    q = quantise(network_of(np.full((1, 100), 1.0), LIF(du=1 / 64, vth=10.0)))
    weights = integers(q)
    assert 100 * weights[0] * 64 * 64 < 2**23 <= 100 * (weights[0] + 2) * 64 * 64
    assert fixed(q).vth == round(10 * q.scales["out"])


def test_text_is_a_table_of_scales_and_losses() -> None:
    lines = str(quantise(network_of([[1.0, 0.001]]))).splitlines()
    assert lines[1].split()[:2] == ["population", "scale"]
    assert lines[2].split()[:6] == ["out", "254", "254", "4095", "410", "0"]
    assert lines[4].split()[:7] == ["in->out", "mixed", "8", "0", "1", "1", "0"]
    assert len({len(line) for line in lines[1:3]}) == len({len(line) for line in lines[3:]}) == 1


# ---------------------------------------------------------------------- properties

weights_of_a_network = st.lists(
    st.floats(-50, 50, allow_nan=False).filter(lambda w: w == 0 or abs(w) > 1e-6),
    min_size=1,
    max_size=30,
)


@settings(deadline=None)
@given(
    weights=weights_of_a_network,
    du=st.floats(0.001, 1.0),
    vth=st.floats(0.5, 100.0),
    bias=st.floats(-100.0, 100.0),
    mode=st.sampled_from(["mixed", "auto"]),
)
def test_integers_fit_and_err_by_half_a_step(
    weights: list[float], du: float, vth: float, bias: float, mode: Any
) -> None:
    net = network_of([weights], LIF(du=du, vth=vth, bias=bias))
    try:
        q = quantise(net, sign_mode=mode)
    except ExportLimitError as error:
        refused = error.violations
    else:
        refused = ()
    if refused:
        assert len(refused) == 1
        assert "rounds to 0" in refused[0]
        return
    grid = q.network.projections[0].format.grid
    exact = np.array(weights) * q.scales["out"]
    synapses = q.network.projections[0].synapses
    dense = np.zeros(len(weights), dtype=np.int64)
    dense[synapses.indices] = synapses.weights
    assert np.abs(dense - exact).max() <= grid.step / 2 * (1 + 1e-9)
    assert q.error["in->out"] == pytest.approx(np.abs(dense - exact).max())
    assert q.pruned["in->out"] == int((dense == 0).sum())
    assert grid.holds(synapses.weights)
    mode_used = q.network.projections[0].format.sign_mode
    assert np.array_equal(lava_truncate(synapses.weights, mode_used), synapses.weights)
    neuron = fixed(q)
    bias_now = int(neuron.bias_mant) * 2**neuron.bias_exp
    assert abs(bias_now - bias * q.scales["out"] * 64) <= 2**neuron.bias_exp / 2 * (1 + 1e-9)
    most = max(dense[dense > 0].sum(), -dense[dense < 0].sum())
    assert most * 64 * 4096 / (neuron.du + 1) < 2**23


@given(
    weights=st.lists(st.integers(-300, 300), min_size=1, max_size=20),
    mode=st.sampled_from(["mixed", "excitatory", "inhibitory"]),
)
def test_a_grid_holds_exactly_what_lava_leaves_alone(weights: list[int], mode: Any) -> None:
    array = np.array(weights)
    assert SynapseFormat(mode).grid.holds(array) == np.array_equal(
        lava_truncate(array, mode), array
    )
    chosen = choose_sign_mode(array)
    assert chosen is None or np.array_equal(lava_truncate(array, chosen), array)


@given(weights=weights_of_a_network)
def test_keep_small_loses_no_synapse(weights: list[float]) -> None:
    q = quantise(network_of([weights], LIF(vth=50.0)), keep_small=True)
    assert q.network.n_synapses == sum(weight != 0 for weight in weights)
    assert (np.sign(integers(q)) == np.sign([w for w in weights if w])).all()
