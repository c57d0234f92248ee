from __future__ import annotations

import numpy as np
import pytest

from benchmarks.harness.statistics import STATISTICS, Estimate, spike_statistics

N_NEURONS, N_STEPS, DT_MS = 300, 100_000, 0.1


def described(raster_events: tuple[np.ndarray, np.ndarray]) -> dict[str, float]:
    rng = np.random.default_rng(1)
    step, neuron = raster_events
    return spike_statistics(
        step, neuron, n_neurons=N_NEURONS, n_steps=N_STEPS, dt_ms=DT_MS, rng=rng
    )


def poisson(rng: np.random.Generator, rate_hz: float) -> tuple[np.ndarray, np.ndarray]:
    n = rng.poisson(rate_hz * N_STEPS * DT_MS / 1000 * N_NEURONS)
    return rng.integers(N_STEPS, size=n), rng.integers(N_NEURONS, size=n)


def test_independent_poisson_trains(rng: np.random.Generator) -> None:
    result = described(poisson(rng, 20.0))
    assert tuple(result) == tuple(STATISTICS)
    assert result["rate"] == pytest.approx(20.0, rel=0.03)
    # some 200 intervals per neuron: the estimate is a little low
    assert result["CV of inter-spike intervals"] == pytest.approx(1.0, abs=0.03)
    assert result["pairwise correlation"] == pytest.approx(0.0, abs=0.003)


def test_a_common_train_shows_as_correlation(rng: np.random.Generator) -> None:
    step, neuron = poisson(rng, 10.0)
    common = rng.integers(N_STEPS, size=100)  # 10 Hz in every neuron: half of the variance
    step = np.concatenate([step, np.repeat(common, N_NEURONS)])
    neuron = np.concatenate([neuron, np.tile(np.arange(N_NEURONS), common.size)])
    assert described((step, neuron))["pairwise correlation"] == pytest.approx(0.5, abs=0.02)


def test_a_clock_has_no_variation() -> None:
    step = np.tile(np.arange(0, N_STEPS, 500), N_NEURONS)
    neuron = np.repeat(np.arange(N_NEURONS), N_STEPS // 500)
    result = described((step, neuron))
    assert result["rate"] == pytest.approx(20.0)
    assert result["CV of inter-spike intervals"] == pytest.approx(0.0, abs=1e-6)


def test_silence_has_a_rate_only() -> None:
    nobody = np.empty(0, dtype=np.int64)
    result = described((nobody, nobody))
    assert result["rate"] == 0.0
    assert np.isnan([result[name] for name in list(STATISTICS)[1:]]).all()


def test_differences_are_counted_in_standard_errors(rng: np.random.Generator) -> None:
    one = Estimate.of([1.0, 2.0, 3.0])
    assert (one.mean, one.error) == pytest.approx((2.0, 1 / np.sqrt(3)))
    assert one.difference(Estimate(1.0, 1.0)) == pytest.approx(1 / np.hypot(1, one.error))
    # the same distribution twice: differences have about unit variance
    z = [Estimate.of(a).difference(Estimate.of(b)) for a, b in rng.normal(size=(200, 2, 20))]
    assert 0.8 < np.std(z) < 1.3
    with pytest.raises(ValueError, match="needs at least 2"):
        Estimate.of([1.0])
