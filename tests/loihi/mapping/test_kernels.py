"""Known numbers of lava.md, encodings by hand, widths and profiles."""

from __future__ import annotations

import numpy as np
import pytest

from neurosparse.hardware import load_chip
from neurosparse.loihi.mapping import CoreRules, map_network
from neurosparse.loihi.mapping.demand_kernels import bits_of_list
from neurosparse.network import LIF, Network, Population, Projection, Synapses
from tests.loihi.mapping.networks import with_limits

RULES = CoreRules.of_chip(load_chip("loihi1"))


@pytest.mark.parametrize(
    ("n", "width", "bits"),
    [
        (64, 18, 1216),
        (4, 18, 128),
        (0, 18, 0),
        (1, 14, 64),
        (3, 18, 64),
        (128, 8, 1152),
        (65, 8, 640),
    ],
)
def test_lists_of_synapses(n: int, width: int, bits: int) -> None:
    assert RULES.group_bits(n, width) == bits
    table = np.array([[RULES.group_bits(k, w) for k in range(65)] for w in range(width + 1)])
    assert bits_of_list.py_func(n, width, table) == bits
    assert bits_of_list(n, width, table) == bits


@pytest.mark.parametrize(
    ("weight_bits", "max_delay", "width"),
    [(8, 1, 8), (7, 1, 8), (5, 2, 6), (1, 63, 7), (8, 255, 16)],
)
def test_widths_of_synapses(weight_bits: int, max_delay: int, width: int) -> None:
    assert RULES.synapse_width(weight_bits, max_delay) == width


def one_axon(targets: list[int], n_post: int) -> Network:
    zeros = [0] * len(targets)
    synapses = Synapses.from_edges(zeros, targets, np.ones(len(zeros)), n_pre=1, n_post=n_post)
    return Network(
        {"in": Population(1), "a": Population(n_post, LIF())}, [Projection("in", "a", synapses)]
    )


@pytest.mark.parametrize(
    ("targets", "n_post", "bits", "formats"),
    [
        # sparse: 8 bits and 10 of index, for 4 synapses; dense would store 1000
        ([1, 2, 3, 999], 1000, 128, 1),
        # the same with targets below 64: 6 bits of index
        ([1, 2, 3, 63], 1000, 128, 1),
        # 40 of 50: dense stores 50 x 8 + 10 = 410 bits, sparse 40 x 14 + 10 = 570
        (list(range(40)), 50, 448, 1),
        # 20 of 50: sparse 20 x 14 + 10 = 290
        (list(range(20)), 50, 320, 1),
    ],
)
def test_the_cheaper_encoding_is_taken(
    targets: list[int], n_post: int, bits: int, formats: int
) -> None:
    mapping = map_network(one_axon(targets, n_post), "loihi1")
    assert mapping.totals["synapse_bits"] == bits
    assert mapping.totals["synapse_formats"] == formats


def test_index_widths_follow_the_place_on_the_core() -> None:
    """The second block begins at 600, so that its synapses need 10 bits of index."""
    first, second = (
        Synapses.from_edges([0] * 20, np.arange(20), np.ones(20), n_pre=1, n_post=n)
        for n in (600, 50)
    )
    network = Network(
        {"in": Population(1), "a": Population(600, LIF()), "b": Population(50, LIF())},
        [Projection("in", "a", first), Projection("in", "b", second)],
    )
    mapping = map_network(network, "loihi1")
    assert mapping.n_cores == 1
    assert mapping.totals["input_axons"] == 1  # one axon, two lists
    assert mapping.totals["synapse_bits"] == 320 + 384  # 20 x 14 + 10, 20 x 18 + 10
    assert mapping.totals["synapse_formats"] == 2
    # too few formats: both lists with 10 bits
    tight = map_network(network, with_limits("loihi1", synapse_formats_per_core=1), method="greedy")
    assert tight.totals["synapse_bits"] == 2 * 384
    assert (tight.n_cores, tight.totals["synapse_formats"]) == (1, 1)


def test_multapses_are_never_dense() -> None:
    synapses = Synapses.from_edges(
        [0] * 50, [*range(49), 0], np.ones(50), n_pre=1, n_post=49, multapses=True
    )
    network = Network(
        {"in": Population(1), "a": Population(49, LIF())}, [Projection("in", "a", synapses)]
    )
    assert map_network(network, "loihi1").totals["synapse_bits"] == 768  # 50 x 14 + 10
    merged = network.with_synapses({"in->a": synapses.merged()})
    assert map_network(merged, "loihi1").totals["synapse_bits"] == 448  # 49 x 8 + 10


def test_shared_memory_counts_everything() -> None:
    mapping = map_network(one_axon([0, 1], 10), "loihi2")
    rules = mapping.rules
    need = 64 + 10 * rules.bits_per_neuron + rules.bits_per_input_axon
    assert mapping.totals["memory_bits"] == need
    assert set(mapping.utilisation) == {"neurons", "memory_bits"}
    assert mapping.cores[0].utilisation["memory_bits"] == need / rules.limits["memory_bits"]


def test_profiles_are_shared_across_populations() -> None:
    def lif(dv: float, vth: object, bias: object = 0.0) -> LIF:
        return LIF(dv=dv, vth=vth, bias=bias)  # type: ignore[arg-type]

    network = Network(
        {
            "a": Population(3, lif(0.1, np.array([1.0, 2.0, 1.0]))),
            "b": Population(2, lif(0.1, 2.0, np.array([0.1, 0.2]))),
            "c": Population(2, lif(0.2, 3.0)),
        }
    )
    totals = map_network(network, "loihi1").totals
    assert (totals["neuron_profiles"], totals["threshold_profiles"]) == (2, 3)
