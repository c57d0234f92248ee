"""CUBA."""

from __future__ import annotations

import numpy as np
import pytest

from neurosparse.errors import ParameterError
from neurosparse.models import cuba
from neurosparse.simulate import simulate


def test_populations_and_connections(rng: np.random.Generator) -> None:
    model = cuba(rng=rng)
    sizes = {name: population.size for name, population in model.network.populations.items()}
    assert sizes == {"E": 3200, "I": 800}
    # 80 expected per neuron; six standard deviations of the binomial
    sd = np.sqrt(16_000_000 * 0.02 * 0.98)
    assert abs(model.network.n_synapses - 320_000) < 6 * sd
    for projection in model.network.projections:
        assert projection.delay == 1
        assert projection.receptor == "EI".index(projection.source)
        assert projection.synapses.weights.strides == (0,)  # one weight, stored once
        assert (projection.synapses.weights[0] > 0) == (projection.source == "E")


def test_membranes_start_between_reset_and_threshold(rng: np.random.Generator) -> None:
    v = cuba(4000, rng=rng).state.v["E"]
    assert 0 <= v.min() < 0.1
    assert 9.9 < v.max() <= 10
    assert v.mean() == pytest.approx(5, abs=0.3)


def test_same_seed_same_network() -> None:
    one, other = (cuba(400, rng=np.random.default_rng(3)) for _ in range(2))
    assert one.state == other.state
    pairs = zip(one.network.projections, other.network.projections, strict=True)
    assert all(a.synapses == b.synapses for a, b in pairs)


def test_rate(rng: np.random.Generator) -> None:
    """``python -m benchmarks cuba`` measures 5.5 spikes per second, here and in Brian2."""
    model = cuba(rng=rng)
    run = simulate(model.network, model.inputs, model.steps(600), state=model.state)
    late = {name: counts[model.steps(100) :].sum() for name, counts in run.counts.items()}
    assert 4.5 < sum(late.values()) / 4000 / 0.5 < 7


def test_arguments_are_checked(rng: np.random.Generator) -> None:
    with pytest.raises(ParameterError, match=r"n_neurons: got 79; allowed is a whole number >= 80"):
        cuba(79, rng=rng)
    with pytest.raises(ParameterError, match=r"dt_ms: got 0.0; allowed is > 0 ms"):
        cuba(80, rng=rng, dt_ms=0.0)
