"""Statistics of spike trains, and whether two simulators agree in them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["STATISTICS", "Estimate", "spike_statistics"]

STATISTICS = {"rate": "Hz", "CV of inter-spike intervals": "1", "pairwise correlation": "1"}
BIN_MS = 5.0
LEAST_INTERVALS = 3  # a coefficient of variation of fewer says little
N_CORRELATED = 500  # neurons drawn for the correlations; all their pairs are taken


@dataclass(frozen=True)
class Estimate:
    """Mean over independent networks, and its standard error."""

    mean: float
    error: float

    @classmethod
    def of(cls, samples: ArrayLike) -> Estimate:
        """Estimate from one number per network; at least two.

        Raises
        ------
        ValueError
            If there are fewer.
        """
        values = np.asarray(samples, dtype=np.float64)
        if values.size < 2:
            raise ValueError(f"samples: got {values.size}; a standard error needs at least 2")
        return cls(float(values.mean()), float(values.std(ddof=1) / np.sqrt(values.size)))

    def difference(self, other: Estimate) -> float:
        """Return the difference in units of its standard error [1]."""
        return (self.mean - other.mean) / float(np.hypot(self.error, other.error))


def spike_statistics(
    step: NDArray[np.integer],
    neuron: NDArray[np.integer],
    *,
    n_neurons: int,
    n_steps: int,
    dt_ms: float,
    rng: np.random.Generator,
) -> dict[str, float]:
    """Describe the spikes of one run.

    Parameters
    ----------
    step, neuron : (n_spikes,) integer
        When, in ``[0, n_steps)``, and who, in ``[0, n_neurons)``; in any order.
    n_neurons, n_steps : int
        What was recorded.
    dt_ms : float [ms]
        Length of a step.
    rng : numpy.random.Generator
        Draws the neurons whose correlations are taken.

    Returns
    -------
    dict of str to float
        By the names of `STATISTICS`: spikes per second and neuron; standard deviation over mean
        of the intervals, averaged over neurons with at least ``LEAST_INTERVALS``; Pearson's
        correlation of spike counts in bins of ``BIN_MS``, averaged over all pairs of
        ``N_CORRELATED`` neurons that fire. NaN where there are no such neurons.
    """
    rate = step.size / n_neurons / (n_steps * dt_ms / 1000)
    return dict(
        zip(
            STATISTICS,
            (rate, _interval_cv(step, neuron), _correlation(step, neuron, n_steps, dt_ms, rng)),
            strict=True,
        )
    )


def _interval_cv(step: NDArray[np.integer], neuron: NDArray[np.integer]) -> float:
    order = np.lexsort((step, neuron))
    same = np.diff(neuron[order]) == 0
    interval = np.diff(step[order])[same].astype(np.float64)
    owner = neuron[order][1:][same]
    if not owner.size:
        return float("nan")
    count = np.bincount(owner)
    kept = count >= LEAST_INTERVALS
    mean = np.bincount(owner, interval)[kept] / count[kept]
    square = np.bincount(owner, interval**2)[kept] / count[kept]
    if not mean.size:
        return float("nan")
    return float(np.mean(np.sqrt(np.maximum(square - mean**2, 0.0)) / mean))


def _correlation(
    step: NDArray[np.integer],
    neuron: NDArray[np.integer],
    n_steps: int,
    dt_ms: float,
    rng: np.random.Generator,
) -> float:
    steps_per_bin = max(1, round(BIN_MS / dt_ms))
    n_bins = n_steps // steps_per_bin
    firing = np.unique(neuron)
    chosen = np.sort(rng.permutation(firing)[:N_CORRELATED])
    if chosen.size < 2:
        return float("nan")
    inside = np.isin(neuron, chosen) & (step < n_bins * steps_per_bin)
    row = np.searchsorted(chosen, neuron[inside])
    flat = row * n_bins + step[inside] // steps_per_bin
    counts = np.bincount(flat, minlength=chosen.size * n_bins).reshape(chosen.size, n_bins)
    counts = counts[counts.std(axis=1) > 0]
    if len(counts) < 2:
        return float("nan")
    matrix = np.corrcoef(counts)
    return float(matrix[np.triu_indices(len(matrix), 1)].mean())
