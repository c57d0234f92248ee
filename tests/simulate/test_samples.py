"""reset_every: samples run back to back are exactly those run one at a time."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosparse.network import Network, Spikes
from neurosparse.simulate import simulate
from tests.simulate.agreement import all_probes
from tests.strategies.exact import feed_forward_networks, rasters


@given(
    st.data(),
    st.one_of(feed_forward_networks(), feed_forward_networks(integer=True)),
    st.integers(1, 6),
    st.integers(1, 4),
    st.sampled_from((np.float32, np.float64)),
)
def test_samples_are_independent(
    data: st.DataObject, network: Network, length: int, n_samples: int, dtype: Any
) -> None:
    # paths of one length, but not of one step per layer
    network = Network(
        network.populations,
        [
            dataclasses.replace(projection, delay=data.draw(st.integers(1, 4)))
            for projection in network.projections
        ],
    )
    probes = all_probes(network)
    size = network.populations["l0"].size
    samples = [data.draw(rasters(length, size)) for _ in range(n_samples)]

    def run(raster: Any) -> Any:
        return simulate(
            network,
            {"l0": raster},
            len(raster) + network.latency,
            probes=probes,
            reset_every=length,
            dtype=dtype,
        )

    together = run(np.concatenate(samples))
    for k, sample in enumerate(samples):
        alone = run(sample)
        for name, depth in network.depths.items():
            begin = depth + k * length
            window = together.spikes[name].window(begin, begin + length)
            assert window == alone.spikes[name].window(depth, depth + length)
        for probe in probes:
            depth = network.depths[probe.population]
            begin = depth + k * length
            np.testing.assert_array_equal(
                together.traces[probe][begin : begin + length],
                alone.traces[probe][depth : depth + length],
            )


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 1, 0], [1, 1, 1]])
def test_a_sample_does_not_know_its_place(order: list[int]) -> None:
    """Counts per sample, as a classifier reads them, follow the sample and not its position."""
    from tests.golden.network import golden_network

    network, _ = golden_network(recurrent=False)
    rng = np.random.default_rng(8)
    size = network.populations["in"].size
    samples = [rng.random((20, size)) < p for p in (0.05, 0.2, 0.5)]
    raster = np.concatenate([samples[k] for k in order])
    run = simulate(network, {"in": raster}, 60 + network.latency, reset_every=20)
    counts = run.spikes["exc"].counts_per_window(20, start=network.depths["exc"])[:3]
    for k, own in zip(order, counts, strict=True):
        alone = simulate(network, {"in": Spikes.from_raster(samples[k])}, 20 + network.latency)
        depth = network.depths["exc"]
        expected = alone.spikes["exc"].window(depth, depth + 20).counts()
        assert expected.sum() > 0
        np.testing.assert_array_equal(own, expected)
