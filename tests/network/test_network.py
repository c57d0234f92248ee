from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given

from neurosparse.errors import NeurosparseError, ParameterError, ShapeError, TopologyError
from neurosparse.network import LIF, FixedPointLIF, Network, Population, Projection, Synapses
from tests.strategies.exact import feed_forward_networks, integer_networks, recurrent_networks


def full(n_pre: int, n_post: int, dtype: Any = np.float32, delays: Any = None) -> Synapses:
    pre, post = np.meshgrid(np.arange(n_pre), np.arange(n_post))
    return Synapses.from_edges(
        pre.ravel(), post.ravel(), 1.0, n_pre=n_pre, n_post=n_post, dtype=dtype, delays=delays
    )


def chain(*delays: int) -> Network:
    """Build a source and one neuron after another, one for each delay."""
    populations = {"l0": Population(1)}
    populations |= {f"l{i + 1}": Population(1, LIF()) for i in range(len(delays))}
    projections = [
        Projection(f"l{i}", f"l{i + 1}", full(1, 1), delay=delay) for i, delay in enumerate(delays)
    ]
    return Network(populations, projections)


# ---------------------------------------------------------------------- what a network knows


def test_inputs_and_outputs_by_default() -> None:
    net = Network(
        {"a": Population(2), "b": Population(3, LIF()), "c": Population(1, LIF())},
        [Projection("a", "b", full(2, 3)), Projection("b", "b", full(3, 3))],
    )
    assert net.inputs == ("a", "c")  # nothing projects to them
    assert net.outputs == ("c",)  # b projects to itself
    assert (net.n_neurons, net.n_synapses, net.n_potential_synapses) == (4, 15, 15)
    assert net.n_bytes == sum(p.synapses.n_bytes for p in net.projections)
    assert "a(2), b(3 LIF), c(1 LIF); 15 of 15 synapses in 2 projections" in repr(net)


def test_inputs_and_outputs_by_name_may_have_no_synapses_between_them() -> None:
    net = Network({"a": Population(1), "b": Population(1, LIF())}, inputs=["a"], outputs=["b"])
    assert net.depths == {"a": 0, "b": 0}
    assert net.latency == 0


def test_latency_is_the_sum_of_delays_in_a_row() -> None:
    net = chain(1, 3, 2)
    assert net.depths == {"l0": 0, "l1": 1, "l2": 4, "l3": 6}
    assert net.latency == 6


def test_depth_is_the_shortest_way_also_around_loops() -> None:
    populations = {"in": Population(1)} | {name: Population(1, LIF()) for name in "abc"}
    net = Network(
        populations,
        [
            Projection("b", "c", full(1, 1), delay=1),  # later ways listed first
            Projection("in", "c", full(1, 1), delay=9),
            Projection("a", "b", full(1, 1), delay=2),
            Projection("in", "a", full(1, 1), delay=3),
            Projection("c", "a", full(1, 1), delay=1),
        ],
        inputs=["in"],
        outputs=["c", "a"],
    )
    assert net.depths == {"in": 0, "a": 3, "b": 5, "c": 6}
    assert net.latency == 6  # of the output that is farthest away


def test_own_delays_override_the_projections() -> None:
    projection = Projection("a", "b", full(2, 1, delays=[4, 7]), delay=9)
    assert (projection.min_delay, projection.max_delay) == (4, 7)
    assert (Projection("a", "b", full(1, 1), delay=9)).min_delay == 9
    empty = Synapses.from_edges([], [], 1.0, n_pre=1, n_post=1, delays=[])
    assert (Projection("a", "b", empty, delay=9)).max_delay == 9


@given(feed_forward_networks(max_delay=4))
def test_depths_of_rows_add_up(net: Network) -> None:
    expected = 0
    for projection in net.projections:
        expected += projection.min_delay
        assert net.depths[projection.target] == expected
    assert net.latency == expected


@given(recurrent_networks())
def test_no_way_is_shorter_than_the_depth(net: Network) -> None:
    depths = net.depths
    reached = {"in"}
    for _ in net.projections:
        reached |= {p.target for p in net.projections if p.source in reached}
    for projection in net.projections:
        if projection.source in reached and projection.target != "in":
            assert depths[projection.target] <= depths[projection.source] + projection.min_delay
    assert all((depths[name] > 0) == (name in reached - {"in"}) for name in net.populations)


@given(integer_networks())
def test_integer_networks_know_that_they_are(net: Network) -> None:
    assert net.is_integer
    assert all(p.synapses.weights.dtype == np.int16 for p in net.projections)


def test_equal_networks_are_equal() -> None:
    assert chain(1, 2) == chain(1, 2)
    assert chain(1, 2) != chain(2, 1)


# ---------------------------------------------------------------------- messages


def test_population_messages() -> None:
    with pytest.raises(ParameterError, match="size: got 0; allowed is a whole number, 1 to"):
        Population(0)
    with pytest.raises(ParameterError, match=r"neuron: got 'LIF'; expected LIF, FixedPointLIF"):
        Population(1, "LIF")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"delay": 0}, ParameterError, r"projection 'a->b': delay: got 0; allowed is .* 1 to 255"),
        ({"delay": 256}, ParameterError, "delay: got 256"),
        ({"delay": 1.0}, ParameterError, "delay: got 1.0"),
        ({"receptor": -1}, ParameterError, "projection 'a->b': receptor: got -1"),
        ({"synapses": np.ones((1, 1))}, ParameterError, "synapses is a ndarray; expected Synapses"),
        ({"name": "a\nb"}, TopologyError, "projection name: got .*; expected printable text"),
    ],
)
def test_projection_messages(
    change: dict[str, Any], error: type[NeurosparseError], message: str
) -> None:
    arguments: dict[str, Any] = {"source": "a", "target": "b", "synapses": full(1, 1)}
    with pytest.raises(error, match=message):
        Projection(**(arguments | change))


A, B = Population(2), Population(3, LIF())
INT = Population(3, FixedPointLIF())


@pytest.mark.parametrize(
    ("populations", "projections", "options", "error", "message"),
    [
        ({}, [], {}, TopologyError, "populations: got none; a network has at least one"),
        ({"": A}, [], {}, TopologyError, "population name: got ''; expected printable text"),
        ({3: A}, [], {}, TopologyError, "population name: got 3; expected printable text"),
        ({"a": LIF()}, [], {}, TopologyError, "population 'a': got a LIF; expected Population"),
        (
            {"a": Population(2, LIF(vth=[1.0, 2.0, 3.0]))},
            [],
            {},
            ShapeError,
            "population 'a': vth has 3 entries; expected one number or 2",
        ),
        (
            {"a": A, "b": B},
            2 * [Projection("a", "b", full(2, 3))],
            {},
            TopologyError,
            "projections: 'a->b' stand twice; name them apart",
        ),
        (
            {"a": A, "b": B},
            [Projection("a", "c", full(2, 3))],
            {},
            TopologyError,
            "projection 'a->c': no population 'c'; there are 'a', 'b'",
        ),
        (
            {"a": A, "b": B},
            [Projection("x", "b", full(2, 3))],
            {},
            TopologyError,
            "projection 'x->b': no population 'x'",
        ),
        (
            {"a": A, "b": B},
            [Projection("b", "a", full(3, 2))],
            {},
            TopologyError,
            "projection 'b->a': target 'a' is a spike source",
        ),
        (
            {"a": A, "b": B},
            [Projection("a", "b", full(3, 2))],
            {},
            ShapeError,
            r"synapses have shape \(2, 3\); expected \(3, 2\) = \(size of target, size of source\)",
        ),
        (
            {"a": A, "b": B},
            [Projection("a", "b", full(2, 3), receptor=1)],
            {},
            TopologyError,
            r"receptor 1, but 'b' has 1 \(numbered from 0\)",
        ),
        ({"a": A, "b": B}, [], {"inputs": ["z"]}, TopologyError, "inputs: no population 'z'"),
        ({"a": A, "b": B}, [], {"outputs": ["z"]}, TopologyError, "outputs: no population 'z'"),
        ({"a": A}, [], {"inputs": ["a", "a"]}, TopologyError, "inputs: got .* each .* once"),
        (
            {"b": B, "i": INT},
            [],
            {},
            TopologyError,
            "populations: float and integer neurons mixed; use one kind",
        ),
        (
            {"a": A, "b": B},
            [Projection("a", "b", full(2, 3, np.int16))],
            {},
            TopologyError,
            r"int16 weights in a float network; .*\(loihi.quantise converts\)",
        ),
        (
            {"a": A, "i": INT},
            [Projection("a", "i", full(2, 3))],
            {},
            TopologyError,
            "float32 weights in an integer network",
        ),
    ],
)
def test_network_messages(
    populations: Any,
    projections: Any,
    options: Any,
    error: type[NeurosparseError],
    message: str,
) -> None:
    with pytest.raises(error, match=message):
        Network(populations, projections, **options)


def test_parallel_projections_need_names() -> None:
    net = Network(
        {"a": A, "b": B},
        [Projection("a", "b", full(2, 3)), Projection("a", "b", full(2, 3), name="again")],
    )
    assert [p.name for p in net.projections] == ["a->b", "again"]
