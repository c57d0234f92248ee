"""What the quantiser refuses, and how it says so."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurosparse.errors import ExportLimitError, ParameterError, TopologyError
from neurosparse.loihi import IntegerGrid, quantise, scale_currents
from neurosparse.network import LIF, Network, Population, Projection, Synapses
from tests.loihi.quantising import network_of


@pytest.mark.parametrize(
    ("neuron", "projection", "message"),
    [
        (LIF(du=0.0), {}, "'out': du=0 rounds to 0 of 4096"),
        (LIF(du=(0.5, 0.2)), {}, "'out': 2 receptors; the integer LIF has 1"),
        (LIF(refractory=63), {}, "'out': refractory=63; the most is 62 steps"),
        (LIF(reset="subtract"), {}, "'out': reset='subtract'"),
        (LIF(v_reset=-1.0), {}, r"'out': v_reset=-1.0"),
        (LIF(dv=np.array([0.1, 0.2])), {}, "'out': dv per neuron"),
        (LIF(vth=1e-6), {}, "'out': vth=1e-06 rounds to 0"),
        (LIF(), {"delay": 64}, "'in->out': delay of 64 steps; the most is 63"),
    ],
)
def test_refused(neuron: LIF, projection: dict[str, Any], message: str) -> None:
    with pytest.raises(ExportLimitError, match=message):
        quantise(network_of([[1.0, -1.0], [0.5, 1.0]], neuron, **projection))


def test_one_long_delay_of_many() -> None:
    synapses = Synapses.from_edges(
        [0, 1], [0, 0], np.ones(2), n_pre=2, n_post=1, delays=np.array([1, 70])
    )
    net = Network(
        {"in": Population(2), "out": Population(1, LIF())}, [Projection("in", "out", synapses)]
    )
    with pytest.raises(ExportLimitError, match="'in->out': delay of 70 steps; the most is 63"):
        quantise(net)


def test_a_bit_of_mixed_sign_holds_no_positive_weight() -> None:
    net = network_of([[1.0, -1.0, 0.5]])
    with pytest.raises(ExportLimitError, match="holds 0 and -256 only, but 2 of 3 weights are pos"):
        quantise(net, num_weight_bits=1)


@pytest.mark.parametrize(("mode", "sign"), [("excitatory", "negative"), ("inhibitory", "positive")])
def test_sign_mode_against_the_signs(mode: Any, sign: str) -> None:
    with pytest.raises(ExportLimitError, match=f"sign mode {mode}, but 1 of 2 weights are {sign}"):
        quantise(network_of([[1.0, -1.0]]), sign_mode=mode)


def test_current_that_cannot_fit() -> None:
    net = network_of(np.ones((1, 40)), LIF(du=1 / 4096, vth=1000.0))
    with pytest.raises(ExportLimitError, match="u can leave its 24 bits even with the smallest"):
        quantise(net, keep_small=True)


def test_all_violations_come_together() -> None:
    net = network_of([[1.0, -1.0]], LIF(du=(0.0, 0.5), refractory=99, reset="subtract"), delay=99)
    with pytest.raises(ExportLimitError) as caught:
        quantise(net, sign_mode="excitatory")
    text = str(caught.value)
    assert len(caught.value.violations) == 6
    for part in ("du=0", "2 receptors", "refractory=99", "subtract", "delay of 99", "sign mode"):
        assert part in text


def test_network_of_sources_only() -> None:
    with pytest.raises(ExportLimitError, match="holds spike sources only"):
        quantise(Network({"in": Population(3)}))


def test_integer_network_is_not_quantised_again() -> None:
    q = quantise(network_of([[1.0]]))
    with pytest.raises(ParameterError, match="network: holds integers already"):
        quantise(q.network)


def test_unknown_sign_mode() -> None:
    with pytest.raises(ParameterError, match="sign_mode: got 'both'; allowed is 'mixed'"):
        quantise(network_of([[1.0]]), sign_mode="both")  # type: ignore[arg-type]
    with pytest.raises(TopologyError, match="sign_mode: no projection 'x'; there are 'in->out'"):
        quantise(network_of([[1.0]]), sign_mode={"x": "mixed"})
    with pytest.raises(TopologyError, match="num_weight_bits: no projection 'x'; there are"):
        quantise(network_of([[1.0]]), num_weight_bits={"x": 4})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_weight_bits": 0}, "num_weight_bits: got 0; allowed is a whole number, 1 to 8"),
        (
            {"num_weight_bits": {"in->out": 9}},
            "num_weight_bits: got 9; allowed is a whole number, 1 to 8",
        ),
        ({"num_weight_bits": 2.5}, "num_weight_bits: got 2.5"),
        ({"scale": "layer"}, "scale: got 'layer'; allowed is 'population' or 'projection'"),
        ({"shift": "chip"}, "shift: got 'chip'; allowed is 'sum' or 'synapse'"),
        ({"percentile": 0}, "percentile: got 0; allowed is 0 < value <= 100"),
        ({"percentile": 101.0}, "percentile: got 101.0; allowed is 0 < value <= 100"),
        ({"percentile": float("nan")}, "percentile: got nan"),
        ({"percentile": "all"}, "percentile: got 'all'"),
        ({"percentile": [50, 99]}, r"percentile: got \[50, 99\]"),
        ({"keep_small": "yes"}, "keep_small: got 'yes'; expected True or False"),
    ],
)
def test_options_out_of_range(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        quantise(network_of([[1.0]]), **options)
    with pytest.raises(ParameterError, match=message):
        IntegerGrid(**options)


def test_currents_are_checked() -> None:
    q = quantise(network_of([[1.0]]))
    with pytest.raises(TopologyError, match="currents: 'in' is no population of neurons"):
        scale_currents(q, {"in": np.zeros((1, 1))})
    with pytest.raises(ParameterError, match="allowed is 131072"):
        scale_currents(q, {"out": np.array([[1000.0]])})
    with pytest.raises(ParameterError, match="not finite"):
        scale_currents(q, {"out": np.array([[np.nan]])})


@pytest.mark.parametrize("scale", ["population", "projection"])
def test_weights_that_no_scale_fits(scale: Any) -> None:
    edges = ([0, 1, 2, 3], [0, 0, 0, 0], np.full(4, 1e308))
    synapses = Synapses.from_edges(*edges, n_pre=4, n_post=1, dtype=np.float64)
    neuron = LIF(du=1 / 4096)
    network = Network(
        {"in": Population(4), "out": Population(1, neuron)}, [Projection("in", "out", synapses)]
    )
    with pytest.raises(ExportLimitError, match="'out'"):
        quantise(network, scale=scale)
