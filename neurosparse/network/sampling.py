"""Draw distinct positions out of a huge population in memory proportional to the draw."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import ParameterError

__all__ = ["sample_distinct"]


def sample_distinct(rng: np.random.Generator, n_population: int, n_draw: int) -> NDArray[np.int64]:
    """Draw ``n_draw`` distinct integers uniformly from ``range(n_population)``.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    n_population : int
        Size of the population; never allocated unless the draw is more than half of it.
    n_draw : int
        How many, ``0 <= n_draw <= n_population``.

    Returns
    -------
    (n_draw,) int64
        Sorted ascending. Every subset of this size is equally likely.

    Raises
    ------
    ParameterError
        If more is asked for than there is.

    Notes
    -----
    ``Generator.choice(replace=False)`` allocates the population when the draw exceeds 2 % of it;
    here memory and time are O(n_draw). Draws with replacement, keeps the distinct ones and tops
    up; by symmetry the subset is uniform.
    """
    if not 0 <= n_draw <= n_population:
        raise ParameterError(f"n_draw: got {n_draw}; allowed is 0 to {n_population}")
    if n_draw > n_population // 2:
        left_out = sample_distinct(rng, n_population, n_population - n_draw)
        keep = np.ones(n_population, dtype=bool)  # <= 2 * n_draw entries
        keep[left_out] = False
        return np.flatnonzero(keep)
    drawn = np.unique(rng.integers(0, n_population, size=n_draw, dtype=np.int64))
    while drawn.size < n_draw:
        more = rng.integers(0, n_population, size=n_draw - drawn.size, dtype=np.int64)
        drawn = np.union1d(drawn, more)
    return drawn
