"""A network split by its mapping spikes as it did whole."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosparse.errors import ExportLimitError, ParameterError, ShapeError
from neurosparse.hardware import Chip
from neurosparse.loihi import lava_available, run_lava, write_bundle
from neurosparse.loihi.mapping import (
    block_names,
    map_network,
    merge_spikes,
    split_inputs,
    split_network,
)
from neurosparse.network import (
    LIF,
    FixedPointLIF,
    Network,
    Population,
    Projection,
    Spikes,
    SynapseFormat,
    Synapses,
)
from neurosparse.simulate import simulate
from tests.loihi.mapping.networks import chips, layered, networks, with_limits

N_STEPS = 25


def drive(network: Network, seed: int) -> dict[str, Any]:
    """Spikes for the source and currents for the neurons."""
    rng = np.random.default_rng(seed)
    inputs: dict[str, Any] = {}
    for name, population in network.populations.items():
        shape = (N_STEPS, population.size)
        if population.neuron is None:
            inputs[name] = Spikes.from_raster(rng.random(shape) < 0.4)
        elif network.is_integer:
            inputs[name] = rng.integers(-20, 60, shape)
        else:
            inputs[name] = rng.integers(-2, 5, shape) / 8
    return inputs


@settings(deadline=None)
@given(networks(most=25), chips(), st.integers(0, 2**32))
def test_split_networks_spike_alike(network: Network, chip: Chip, seed: int) -> None:
    try:
        mapping = map_network(network, chip)
    except ExportLimitError:
        return
    inputs = drive(network, seed)
    whole = simulate(network, inputs, dtype=np.float64)
    parts = split_network(network, mapping)
    assert parts.n_synapses == network.n_synapses
    assert len(parts.populations) == len(mapping.blocks) + 1  # and the source
    run = simulate(parts, split_inputs(mapping, inputs), dtype=np.float64)
    assert merge_spikes(mapping, run.spikes) == whole.spikes
    events, updates = run.activity.total_synaptic_events, run.activity.total_neuron_updates
    assert events == whole.activity.total_synaptic_events
    assert updates == whole.activity.total_neuron_updates


def test_names_tell_the_blocks() -> None:
    network = layered(5, 6, 4, density=1.0)
    mapping = map_network(network, with_limits("loihi1", neurons_per_core=4), method="greedy")
    parts = split_network(network, mapping)
    assert block_names(mapping)["l1"] == ("l1[0]", "l1[1]")
    assert list(parts.populations) == ["l0", "l1[0]", "l1[1]", "l2[0]", "l2[1]"]
    assert [projection.name for projection in parts.projections] == [
        "l0->l1 [0->0]",
        "l0->l1 [0->1]",
        *(f"l1->l2 [{i}->{j}]" for i in (0, 1) for j in (0, 1)),
    ]
    assert parts.inputs == ("l0",)
    assert parts.outputs == ("l2[0]", "l2[1]")
    assert parts.populations["l1[1]"].size == 2


def test_a_population_with_the_name_of_a_block() -> None:
    one = Synapses.fixed_fan_in(2, 2, fan_in=2, rng=np.random.default_rng(0))
    populations = {"a[0]": Population(2), "a": Population(2, LIF())}
    network = Network(populations, [Projection("a[0]", "a", one)])
    with pytest.raises(ParameterError, match=r"blocks and populations are both called 'a\[0\]'"):
        split_network(network, map_network(network, "loihi1"))


def test_what_stays_whole_keeps_its_synapses() -> None:
    network = layered(5, 6, density=0.5)
    parts = split_network(network, map_network(network, "loihi1"))
    assert parts.projections[0].name == "l0->l1"
    assert parts.projections[0].synapses == network.projections[0].synapses


def integer_pair(shift: str, exponent: int) -> Network:
    weights = np.full(16, 32, dtype=np.int16)
    post, pre = np.divmod(np.arange(16), 4)
    synapses = Synapses.from_edges(pre, post, weights, n_pre=4, n_post=4, dtype=np.int16)
    given_format = SynapseFormat("mixed", 8, exponent, shift)  # type: ignore[arg-type]
    neuron = FixedPointLIF(du=4095, dv=0, vth=20)
    return Network(
        {"in": Population(4), "a": Population(4, neuron), "b": Population(4, neuron)},
        [
            Projection("in", "a", synapses, format=given_format),
            Projection("a", "b", synapses, format=given_format),
        ],
    )


def test_sums_that_are_rounded_as_one_are_not_taken_apart() -> None:
    chip = with_limits("loihi1", neurons_per_core=2)
    network = integer_pair("sum", -2)
    mapping = map_network(network, chip)
    with pytest.raises(ExportLimitError) as caught:
        split_network(network, mapping)
    assert len(caught.value.violations) == 1  # the source "in" stays whole
    assert "'a->b': weight_exp=-2 with shift='sum'" in caught.value.violations[0]
    for fine in (integer_pair("synapse", -2), integer_pair("sum", 1)):
        assert len(split_network(fine, map_network(fine, chip)).populations) == 5


def test_bad_inputs_and_spikes() -> None:
    network = layered(5, 6, density=1.0)
    mapping = map_network(network, with_limits("loihi1", neurons_per_core=4))
    with pytest.raises(ParameterError, match="inputs: no population 'x'"):
        split_inputs(mapping, {"x": np.zeros((3, 5))})
    with pytest.raises(ShapeError, match=r"inputs\['l1'\]: got shape \(3, 5\)"):
        split_inputs(mapping, {"l1": np.zeros((3, 5))})
    with pytest.raises(ShapeError, match=r"inputs\['l0'\]: got Spikes"):
        split_inputs(mapping, {"l0": Spikes([], [], 3, 4)})
    with pytest.raises(ParameterError, match=r"spikes: those of l1\[1\] are missing"):
        merge_spikes(mapping, {"l1[0]": Spikes([0], [1], 3, 4)})
    with pytest.raises(ParameterError, match="mapping: is of populations"):
        split_network(layered(5, 7, density=1.0), mapping)


@pytest.mark.lava
@pytest.mark.slow
def test_split_networks_spike_alike_in_lava(tmp_path: Any) -> None:
    if not lava_available():
        pytest.skip("no lava-nc (see docs/lava.md)")
    rng = np.random.default_rng(1)

    def draw(rng: np.random.Generator, n: int) -> Any:
        return (rng.integers(-20, 60, n) * 2).astype(np.int16)

    def wired(n_pre: int, n_post: int) -> Synapses:
        return Synapses.random(
            n_pre, n_post, density=0.4, weights=draw, rng=rng, dtype=np.int16
        ).without_zeros()

    neuron = FixedPointLIF(du=3000, dv=300, vth=150)
    network = Network(
        {"in": Population(12), "a": Population(14, neuron), "b": Population(6, neuron)},
        [
            Projection("in", "a", wired(12, 14)),
            Projection("a", "a", wired(14, 14)),
            Projection("a", "b", wired(14, 6)),
        ],
    )
    mapping = map_network(network, with_limits("loihi1", neurons_per_core=8))
    parts = split_network(network, mapping)
    assert len(mapping.blocks) >= 3
    inputs = {"in": Spikes.from_raster(rng.random((40, 12)) < 0.3)}
    whole = simulate(network, inputs)
    assert whole.activity.spikes["b"] > 20
    bundle = write_bundle(tmp_path / "bundle", parts)
    run = run_lava(bundle, split_inputs(mapping, inputs), tag="fixed_pt")
    merged = merge_spikes(mapping, run.spikes)
    assert {name: merged[name] for name in ("a", "b")} == {
        name: whole.spikes[name] for name in ("a", "b")
    }
