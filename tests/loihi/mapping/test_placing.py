"""No limit is exceeded, every synapse has one place, and never more cores than the rule takes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosparse.errors import BackendMissingError, ExportLimitError, ParameterError
from neurosparse.hardware import Chip, load_board, load_chip
from neurosparse.loihi.mapping import Mapping, map_network
from neurosparse.loihi.mapping.partition import metis_available
from neurosparse.loihi.mapping.rules import RESOURCES
from neurosparse.network import (
    LIF,
    FixedPointLIF,
    Network,
    Population,
    Projection,
    SynapseFormat,
    Synapses,
)
from tests.loihi.mapping.networks import chips, layered, networks, with_limits
from tests.loihi.mapping.recount import recount

METHODS = ["greedy", "sequential", "auto"] + (["metis"] if metis_available() else [])


def all_of(n_pre: int, n_post: int) -> Synapses:
    return Synapses.fixed_fan_in(n_pre, n_post, fan_in=n_pre, rng=np.random.default_rng(0))


def check_against_recount(mapping: Mapping, network: Network) -> None:
    """Hold the mapping against plain counting; every neuron must have exactly one place."""
    counted = recount(network, mapping.blocks, mapping.rules)
    assert len(counted) == mapping.n_cores
    for core, expected in zip(mapping.cores, counted, strict=True):
        assert core.demand == expected
        for resource in RESOURCES:
            limit = mapping.rules.limits[resource]
            assert limit is None or expected[resource] <= limit
    for name, population in network.populations.items():
        if population.neuron is not None:
            numbers = np.concatenate([block.neurons for block in mapping.blocks_of[name]])
            assert sorted(numbers.tolist()) == list(range(population.size))
    assert sum(core["synapses"] for core in counted) == network.n_synapses


@settings(deadline=None)
@given(networks(), chips(), st.sampled_from(METHODS), st.booleans())
def test_limits_hold_and_every_synapse_has_one_place(
    network: Network, chip: Chip, method: str, sources_on_cores: bool
) -> None:
    try:
        mapping = map_network(network, chip, method=method, sources_on_cores=sources_on_cores)
    except ExportLimitError:
        return  # what is refused is tested below
    check_against_recount(mapping, network)
    mapping.verify(network)
    placed = set(mapping.blocks_of)
    assert ("in" in placed) == sources_on_cores


@settings(deadline=None)
@given(networks(), chips())
def test_never_more_cores_than_the_sequential_rule(network: Network, chip: Chip) -> None:
    try:
        ruled = map_network(network, chip, method="sequential")
    except ExportLimitError:
        return
    assert map_network(network, chip).n_cores <= ruled.n_cores


@settings(deadline=None)
@given(networks(), chips())
def test_large_networks_keep_all_promises(network: Network, chip: Chip) -> None:
    """As above 2 million synapses and 2,048 cores: cut from above, nothing packed."""
    try:
        ruled = map_network(network, chip, method="sequential")
    except ExportLimitError:
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("neurosparse.loihi.mapping.search.LARGEST_GRAPH", 0)
        patch.setattr("neurosparse.loihi.mapping.search.MOST_CORES_TO_PACK", 0)
        mapping = map_network(network, chip)
    check_against_recount(mapping, network)
    assert mapping.n_cores <= ruled.n_cores


@settings(deadline=None, max_examples=10)
@given(networks(), chips())
def test_the_same_again(network: Network, chip: Chip) -> None:
    try:
        one, other = map_network(network, chip), map_network(network, chip)
    except ExportLimitError:
        return
    assert np.array_equal(one.demand, other.demand)
    assert np.array_equal(one.flow, other.flow)
    for mine, theirs in zip(one.blocks, other.blocks, strict=True):
        assert mine[:3] == theirs[:3]
        assert np.array_equal(mine.neurons, theirs.neurons)


@settings(deadline=None)
@given(networks(), chips())
def test_a_refusal_is_right(network: Network, chip: Chip) -> None:
    """With room for every single neuron there is nothing to refuse."""
    try:
        map_network(network, chip, method="greedy")
    except ExportLimitError:
        roomy = with_limits(chip, neurons_per_core=4096)
        for limit in ("input_axons_per_core", "output_axons_per_core", "synapse_bits_per_core"):
            if roomy.limit_or_none(limit) is not None:
                roomy = with_limits(roomy, **{limit: 10**8})
        if roomy.limit_or_none("memory_bits_per_core") is not None:
            roomy = with_limits(roomy, memory_bits_per_core=10**9)
        if roomy.limit_or_none("synapse_formats_per_core") is not None:
            roomy = with_limits(roomy, synapse_formats_per_core=1000)
        mapping = map_network(network, roomy, method="greedy")
        assert mapping.n_cores > 0
        check_against_recount(mapping, network)


def test_threads_count_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    network = layered(40, 60, 50, density=0.2)
    chip = with_limits("loihi1", neurons_per_core=9)
    one = map_network(network, chip)
    monkeypatch.setattr("neurosparse.loihi.mapping.demand.SERIAL_BELOW", -1)
    monkeypatch.setattr("numba.get_num_threads", lambda: 3)
    three = map_network(network, chip)
    assert np.array_equal(one.demand, three.demand)
    assert np.array_equal(one.flow, three.flow)
    check_against_recount(three, network)


def test_small_populations_share_a_core() -> None:
    network = layered(60, 50, 30, 10, density=0.1)
    ruled = map_network(network, "loihi1", method="sequential")
    ours = map_network(network, "loihi1")
    assert (ruled.n_cores, ours.n_cores) == (3, 1)
    assert [block.population for block in ours.blocks] == ["l1", "l2", "l3"]
    assert [block.start for block in ours.blocks] == [0, 50, 80]
    assert ours.messages["between_cores"] == 0
    assert ours.dense.n_cores == 1


def test_large_populations_are_split() -> None:
    network = layered(20, 2500, density=0.1)
    mapping = map_network(network, "loihi1")
    assert mapping.n_cores == 3
    assert mapping.limiting == {"neurons": 3}
    assert mapping.blocks_of["l1"][0].neurons.size == 1024


def clustered(n: int, n_clusters: int, seed: int = 0) -> Network:
    """Neurons in shuffled clusters, synapses within a cluster only."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, n_clusters, n)
    post, pre = np.nonzero((label[:, None] == label) & (rng.random((n, n)) < 0.5))
    synapses = Synapses.from_edges(pre, post, np.ones(pre.size), n_pre=n, n_post=n)
    return Network({"a": Population(n, LIF())}, [Projection("a", "a", synapses)])


@pytest.mark.skipif(not metis_available(), reason="pymetis is not installed")
def test_metis_finds_clusters() -> None:
    network = clustered(300, 6)
    chip = with_limits("loihi1", neurons_per_core=64, input_axons_per_core=150)
    greedy = map_network(network, chip, method="greedy")
    metis = map_network(network, chip, method="metis")
    ours = map_network(network, chip)
    assert ours.n_cores <= metis.n_cores < greedy.n_cores
    assert metis.messages["between_cores"] < 0.5 * greedy.messages["between_cores"]
    check_against_recount(metis, network)


def test_without_pymetis(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neurosparse.loihi.mapping.search.metis_available", lambda: False)
    monkeypatch.setattr("neurosparse.loihi.mapping.partition.metis_available", lambda: False)
    network = layered(20, 30, density=0.2)
    mapping = map_network(network, "loihi1")
    assert any("pymetis is not installed" in text for text in mapping.remarks)
    with pytest.raises(BackendMissingError, match=r"pip install 'neurosparse\[map\]'"):
        map_network(network, "loihi1", method="metis")


def test_neurons_of_one_threshold_stay_together() -> None:
    """Eight thresholds a core, 40 in all, mixed: sorted they take a core each, mixed many."""
    rng = np.random.default_rng(0)
    vth = rng.permutation(np.repeat(np.arange(1, 41) / 8, 10))
    network = Network({"a": Population(400, LIF(vth=vth))})
    mapping = map_network(network, with_limits("loihi1", threshold_profiles_per_core=8))
    assert mapping.n_cores == 5
    assert (mapping.demand[:, 6] == 8).all()
    check_against_recount(mapping, network)


def test_rates_decide_what_is_kept_together() -> None:
    network = layered(30, 40, 40, density=0.3)
    chip = with_limits("loihi1", neurons_per_core=50)
    plain = map_network(network, chip)
    silent = map_network(network, chip, rates={"l0": 0.5})
    assert plain.weighted is False
    assert silent.weighted is True
    assert silent.messages["between_cores"] == 0
    n_axons = silent.totals["input_axons"]
    assert 0 < silent.messages["from_outside"] < n_axons
    quiet = map_network(network, chip, rates={"l0": np.full(30, 0.5)})
    assert np.array_equal(quiet.flow, silent.flow)


def test_flow_is_counted_from_the_wiring() -> None:
    """Three neurons in a chain, a core each, and one source: every number by hand."""
    chain = Synapses.from_edges([0, 1, 0], [1, 2, 2], [1.0, 1.0, 1.0], n_pre=3, n_post=3)
    network = Network(
        {"in": Population(1), "a": Population(3, LIF())},
        [
            Projection("in", "a", Synapses.from_edges([0], [0], [1.0], n_pre=1, n_post=3)),
            Projection("a", "a", chain),
        ],
    )
    chip = with_limits("loihi1", neurons_per_core=1)
    mapping = map_network(network, chip, method="greedy", rates={"in": 0.5, "a": [0.1, 0.2, 0.4]})
    events, spikes, out, itself, received, outside, hops = mapping.flow.T.round(9)
    assert events.tolist() == [0.5, 0.1, 0.3]
    assert spikes.tolist() == [0.1, 0.2, 0.4]
    assert out.tolist() == [0.2, 0.2, 0.0]
    assert itself.tolist() == [0.0, 0.0, 0.0]
    assert received.tolist() == [0.5, 0.1, 0.3]
    assert outside.tolist() == [0.5, 0.0, 0.0]
    assert hops.tolist() == [0.0, 0.0, 0.0]  # one tile holds four cores
    far = map_network(network, with_limits(chip, cores_per_tile=1), method="greedy")
    assert far.flow[:, 6].tolist() == [1 + 2, 1, 0]


def test_boards() -> None:
    network = layered(4, 300, density=0.5)
    mapping = map_network(network, with_limits("loihi1", neurons_per_core=1))
    assert (mapping.n_cores, mapping.n_chips) == (300, 3)
    assert mapping.boards_needed(load_board("nahuku-8")) == 1
    assert mapping.boards_needed(load_board("kapoho-bay")) > 1
    board = load_board("nahuku-32")
    assert map_network(network, board).rules.chip == board.chip.name


def test_every_neuron_that_fits_nowhere_is_named() -> None:
    rng = np.random.default_rng(0)
    wide = Synapses.fixed_fan_in(100, 9, fan_in=50, rng=rng)
    network = Network(
        {"in": Population(100), "a": Population(9, LIF()), "b": Population(1, LIF())},
        [
            Projection("in", "a", wide),
            Projection("in", "b", all_of(100, 1)),
            Projection("a", "b", all_of(9, 1)),
        ],
    )
    chip = with_limits("loihi1", input_axons_per_core=49)
    with pytest.raises(ExportLimitError) as caught:
        map_network(network, chip)
    several, one = caught.value.violations
    assert several == (
        "population 'a': neurons 0, 1, 2, 3, 4 and 4 more need 50 input axons each; a core of "
        "loihi1 has 49"
    )
    assert one == "population 'b': neuron 0 needs 109 input axons; a core of loihi1 has 49"
    chip = with_limits("loihi1", output_axons_per_core=1, neurons_per_core=1)
    with pytest.raises(ExportLimitError, match="more output axons than the 1 it has"):
        map_network(layered(1, 2, 5, density=1.0), chip)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"method": "best"}, "method: got 'best'; allowed is 'auto', 'greedy'"),
        ({"rates": {"x": 1.0}}, "rates: no population 'x'"),
        ({"rates": {"l1": [1.0, 2.0]}}, r"rates\['l1'\]: got shape \(2,\)"),
        ({"rates": {"l1": -1.0}}, r"rates\['l1'\]: must be finite numbers >= 0"),
    ],
)
def test_bad_arguments(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        map_network(layered(3, 4, density=1.0), "loihi1", **arguments)  # type: ignore[arg-type]


def test_what_cannot_be_placed_on() -> None:
    with pytest.raises(ParameterError, match="cmos-45nm states no cores or no encoding"):
        map_network(layered(3, 4, density=1.0), load_chip("cmos-45nm"))
    with pytest.raises(ParameterError, match="there is nothing to place"):
        map_network(Network({"in": Population(3)}), "loihi1")


def test_late_delays_and_float_weights_are_remarked() -> None:
    synapses = all_of(2, 2)
    network = Network(
        {"in": Population(2), "a": Population(2, LIF())},
        [Projection("in", "a", synapses, delay=100)],
    )
    remarks = map_network(network, "loihi1").remarks
    assert any("delays beyond the 62 steps that loihi1 has: 'in->a' (99)" in r for r in remarks)
    assert any("float weights are counted as 8 bits" in r for r in remarks)


def test_what_a_chip_does_not_have_is_remarked() -> None:
    weights = np.array([1000, 3], dtype=np.int16)
    odd = Synapses.from_edges([0, 1], [0, 1], weights, n_pre=2, n_post=2, dtype=np.int16)
    graded = odd.with_weights(np.array([2, 4], dtype=np.int16))
    network = Network(
        {"in": Population(2), "a": Population(2, FixedPointLIF())},
        [
            Projection("in", "a", odd, name="odd"),
            Projection("in", "a", graded, name="graded", format=SynapseFormat(num_message_bits=24)),
        ],
    )
    remarks = "; ".join(map_network(network, "loihi1").remarks)
    assert "values of more than the 0 bits that loihi1 has: 'graded' (24)" in remarks
    assert "weights that 8 bits cannot hold: 'odd'" in remarks
    waits = Network(
        {"in": Population(2), "a": Population(2, LIF(refractory=63))},
        [Projection("in", "a", all_of(2, 2))],
    )
    remarks = "; ".join(map_network(waits, "loihi1").remarks)
    assert "refractory periods beyond the 62 steps that loihi1 has: 'a' (63)" in remarks
