"""Moments of the prior and of the thermal noise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurosparse.errors import ParameterError
from neurosparse.sparsify import Langevin
from tests.sparsify.layers import make_layer


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("eta", "l1", "temperature"), [(0.1, 0.5, 0.02), (0.01, 3.0, 1.0)])
def test_mean_and_variance_of_a_move(eta: float, l1: float, temperature: float, dtype: Any) -> None:
    n = 40_000
    layer = make_layer(400, 400, n, np.random.default_rng(1), learning_rate=eta)
    layer.weights = layer.weights.astype(dtype)
    before = layer.weights.copy()
    held = layer.weights
    Langevin(l1, temperature)(layer, np.random.default_rng(2))
    assert layer.weights is held  # in place
    moved = (layer.weights - before).astype(np.float64) * layer.signs
    variance = 2 * eta * temperature
    # five standard errors of a mean and of a variance
    assert abs(moved.mean() + eta * l1) < 5 * np.sqrt(variance / n)
    assert abs(moved.var() / variance - 1) < 5 * np.sqrt(2 / n)
    excess = ((moved - moved.mean()) ** 4).mean() / moved.var() ** 2 - 3
    assert abs(excess) < 5 * np.sqrt(24 / n)  # normal, not uniform


def test_the_prior_alone_is_exact_and_draws_nothing() -> None:
    layer = make_layer(5, 5, 10, np.random.default_rng(1), learning_rate=0.25)
    before = layer.weights.copy()
    rng = np.random.default_rng(2)
    Langevin(l1=0.5, temperature=0)(layer, rng)
    np.testing.assert_array_equal(layer.weights, before - np.float32(0.125) * layer.signs)
    assert rng.random() == np.random.default_rng(2).random()


@pytest.mark.parametrize("name", ["l1", "temperature"])
@pytest.mark.parametrize("bad", [-1e-9, np.nan, np.inf])
def test_bad_parameters(name: str, bad: float) -> None:
    with pytest.raises(ParameterError, match=f"{name}: got {bad!r}; allowed is >= 0"):
        Langevin(**{name: bad})
