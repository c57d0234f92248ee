"""Brunel's network."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurosparse.errors import ParameterError
from neurosparse.models import Model, brunel
from neurosparse.simulate import simulate


def test_in_degrees_and_weights(rng: np.random.Generator) -> None:
    model = brunel(1000, rng=rng, g=4.5)
    for projection in model.network.projections:
        synapses = projection.synapses
        assert set(synapses.fan_in.tolist()) == {80 if projection.source == "E" else 20}
        assert projection.delay == 15
        expected = 0.1 if projection.source == "E" else -0.45
        assert synapses.weights.strides == (0,)
        assert synapses.weights[0] == np.float32(expected)
        if projection.source == projection.target:
            rows = synapses.by_pre
            sources = np.repeat(np.arange(synapses.n_pre), np.diff(rows.indptr))
            assert not (sources == rows.post).any()


def test_both_drives_have_one_mean(rng: np.random.Generator) -> None:
    poisson = brunel(100, rng=rng, eta=2.0)
    constant = brunel(100, rng=rng, eta=2.0, drive="constant")
    stimulus = poisson.inputs["E"]
    assert stimulus.rate == pytest.approx(2.0)
    assert not constant.inputs
    lifs = [model.network.populations["E"].neuron for model in (poisson, constant)]
    per_step = lifs[1].bias - lifs[0].bias  # type: ignore[union-attr, operator]
    # 40 mV in the long run, 0.2 mV per step; Poisson jumps act at grid points, not in between
    assert per_step == pytest.approx(40 * -np.expm1(-0.1 / 20), rel=1e-12)
    assert per_step == pytest.approx(2.0 * stimulus.weight, rel=3e-3)


def rate_hz(model: Model, rng: np.random.Generator, warm_ms: float, ms: float) -> float:
    run = simulate(
        model.network, model.inputs, model.steps(warm_ms + ms), state=model.state, rng=rng
    )
    spikes = sum(counts[model.steps(warm_ms) :].sum() for counts in run.counts.values())
    return float(spikes / model.network.n_neurons / ms * 1000)


@pytest.mark.slow
@pytest.mark.parametrize("drive", ["poisson", "constant"])
def test_rate(drive: Any, rng: np.random.Generator) -> None:
    """``python examples/brunel.py`` prints 37.3 to 37.7; the benchmark compares with Brian2."""
    assert rate_hz(brunel(rng=rng, drive=drive), rng, 50, 200) == pytest.approx(37.4, abs=1.5)


def test_small_network_is_driven(rng: np.random.Generator) -> None:
    assert 10 < rate_hz(brunel(500, rng=rng), rng, 50, 100) < 200
    assert rate_hz(brunel(500, rng=rng, eta=0.0), rng, 50, 100) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_neurons": 49}, r"n_neurons: got 49; allowed is a whole number >= 50"),
        ({"g": -1.0}, r"g: got -1.0; allowed is >= 0, finite"),
        ({"eta": np.nan}, r"eta: got nan; allowed is >= 0, finite"),
        ({"drive": "dc"}, r"drive: got 'dc'; allowed is 'poisson' or 'constant'"),
        ({"dt_ms": -0.1}, r"dt_ms: got -0.1; allowed is > 0 ms"),
    ],
)
def test_arguments_are_checked(
    arguments: dict[str, Any], message: str, rng: np.random.Generator
) -> None:
    with pytest.raises(ParameterError, match=message):
        brunel(**({"n_neurons": 100} | arguments), rng=rng)
