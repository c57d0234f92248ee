"""DEEP R samples: visited configurations have the frequencies of the posterior (contract 4).

The problem is small enough to list: a linear regression with 4 potential synapses of which 2 are
active, so 6 configurations. The posterior of a configuration is the integral of
``exp(-(E + l1 sum theta) / T)`` over its positive orthant (Bellec et al. 2018, theorem 1, uniform
prior over configurations), computed here by quadrature.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from neurosparse.sparsify import Context, DaleSigns, deep_r
from tests.sparsify.layers import layer_of, move

N_POTENTIAL, N_ACTIVE = 4, 2
SIGNS = np.array([1, 1, -1, -1], dtype=np.int8)
TEMPERATURE, L1 = 0.3, 0.2
CONFIGURATIONS = list(itertools.combinations(range(N_POTENTIAL), N_ACTIVE))

# 750,000 steps came within 0.006 of the quadrature at a rate of 0.02, within 0.009 at 0.04
LEARNING_RATE = 0.04
N_CHAINS, N_STEPS, N_SETTLE, BLOCK = 4, 40_000, 1_000, 3_000
TOLERANCE = 0.03


def regression() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return ``A`` and ``b`` of the energy ``w A w / 2 - b w`` of a mean squared error."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(30, N_POTENTIAL))
    x[:, 1] = 0.6 * x[:, 0] + 0.8 * x[:, 1]  # explaining away: two inputs tell nearly the same
    y = x @ np.array([0.9, -0.2, -0.6, 0.3]) + 0.3 * rng.normal(size=30)
    return x.T @ x / 30, x.T @ y / 30


def posterior(l1: float, temperature: float) -> NDArray[np.float64]:
    """Integrate over the positive quadrant of every configuration (midpoint rule)."""
    a, b = regression()
    step = 0.01
    theta = np.arange(step / 2, 8, step)  # exp(-E / T) is below 1e-30 at the far edge
    theta_i, theta_j = theta[:, None], theta[None, :]
    masses = []
    for i, j in CONFIGURATIONS:
        w_i, w_j = SIGNS[i] * theta_i, SIGNS[j] * theta_j
        energy = (a[i, i] * w_i**2 + a[j, j] * w_j**2) / 2 + a[i, j] * w_i * w_j
        energy = energy - b[i] * w_i - b[j] * w_j + l1 * (theta_i + theta_j)
        masses.append(np.exp(-energy / temperature).sum())
    shares: NDArray[np.float64] = np.array(masses) / sum(masses)
    return shares


def visits(seed: int) -> NDArray[np.float64]:
    """Run a chain; return the share of each configuration in every block of steps."""
    a, b = regression()
    scheme = deep_r(l1=L1, temperature=TEMPERATURE, signs=DaleSigns(SIGNS))
    rng = np.random.default_rng(seed)
    keys = np.array(CONFIGURATIONS[seed % len(CONFIGURATIONS)])
    layer = layer_of(
        1, N_POTENTIAL, keys, np.zeros(N_ACTIVE), SIGNS[keys], learning_rate=LEARNING_RATE
    )
    inner, outer = a[np.ix_(keys, keys)], b[keys]
    number = {configuration: i for i, configuration in enumerate(CONFIGURATIONS)}
    now = number[tuple(keys.tolist())]
    visited = np.empty(N_STEPS, dtype=np.int64)
    for step in range(N_STEPS):
        layer.weights -= LEARNING_RATE * (inner @ layer.weights - outer)
        (rewiring,) = scheme.step([layer], Context(step, rng))
        if rewiring is not None:
            layer = move(layer, rewiring)
            keys = layer.indices
            inner, outer = a[np.ix_(keys, keys)], b[keys]
            now = number[tuple(keys.tolist())]
        visited[step] = now
    blocks = visited[N_SETTLE:].reshape(-1, BLOCK)
    shares: NDArray[np.float64] = np.mean(
        blocks[:, :, None] == np.arange(len(CONFIGURATIONS)), axis=1
    )
    return shares


@pytest.mark.slow
def test_visited_configurations_have_the_frequencies_of_the_posterior() -> None:
    blocks = np.concatenate([visits(seed) for seed in range(N_CHAINS)])
    frequency = blocks.mean(axis=0)
    # blocks are long against the correlation of the chain (hundreds of steps)
    error = blocks.std(axis=0, ddof=1) / np.sqrt(len(blocks))
    expected = posterior(L1, TEMPERATURE)
    assert frequency.sum() == pytest.approx(1)
    assert error.max() < TOLERANCE / 2  # sharp enough to tell
    assert np.abs(frequency - expected).max() < TOLERANCE
    bias = 0.01  # of steps that are not infinitely small
    assert (np.abs(frequency - expected) < 4 * error + bias).all()
    # and it does tell: what a faulty rule would sample is far off
    uniform = np.full(len(CONFIGURATIONS), 1 / len(CONFIGURATIONS))
    for wrong in (uniform, posterior(L1, 2 * TEMPERATURE), posterior(-L1, TEMPERATURE)):
        assert np.abs(frequency - wrong).max() > 2 * TOLERANCE


def test_the_quadrature_agrees_with_a_closed_form() -> None:
    """Without coupling the integral is a product of Gaussian tails."""
    from scipy.stats import norm

    a, b = regression()

    def tail(i: int) -> float:
        mean = (SIGNS[i] * b[i] - L1) / a[i, i]
        spread = np.sqrt(TEMPERATURE / a[i, i])
        return float(np.exp(mean**2 / (2 * spread**2)) * spread * norm.cdf(mean / spread))

    # of all pairs, 0 and 3 are nearly uncoupled
    ratio = posterior(L1, TEMPERATURE)[CONFIGURATIONS.index((0, 3))]
    others = posterior(L1, TEMPERATURE)[CONFIGURATIONS.index((1, 3))]
    assert abs(a[0, 3]) < 0.01
    assert abs(a[1, 3]) < 0.05
    assert ratio / others == pytest.approx(tail(0) / tail(1), rel=0.05)
