"""Sign rules: the sign a potential synapse has."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import ParameterError
from neurosparse.network.checks import check_count
from neurosparse.sparsify.philox import draw_key
from neurosparse.sparsify.signs_kernels import draw_signs

__all__ = ["DaleSigns", "FixedSigns", "RandomSigns", "SignRule"]


class SignRule(Protocol):
    """Gives newborn synapses their signs."""

    def __call__(
        self, keys: NDArray[np.int64], n_pre: int, rng: np.random.Generator
    ) -> NDArray[np.int8]:
        """Return (n,) int8 of -1 and +1 for synapses ``keys``."""
        ...


class RandomSigns:
    """Draw the sign when a synapse is born, each with probability one half.

    In law equal to signs fixed once for every potential synapse, as long as growth is uniform.
    """

    def __call__(
        self, keys: NDArray[np.int64], n_pre: int, rng: np.random.Generator
    ) -> NDArray[np.int8]:
        """Return the signs."""
        signs = np.empty(keys.size, dtype=np.int8)
        draw_signs(draw_key(rng), signs)
        return signs


class FixedSigns:
    """Fix the sign of every potential synapse once, as in the paper, without storing any.

    The sign is the lowest bit of a hash of seed and key (splitmix64, Steele et al. 2014).

    Parameters
    ----------
    seed : int
        Which assignment of signs, >= 0.

    Raises
    ------
    ParameterError
        If the seed is not a whole number in the range.
    """

    def __init__(self, seed: int = 0) -> None:
        self.seed = check_count("seed", seed, most=2**63)

    def __call__(
        self, keys: NDArray[np.int64], n_pre: int, rng: np.random.Generator
    ) -> NDArray[np.int8]:
        """Return the signs."""
        with np.errstate(over="ignore"):
            z = keys.astype(np.uint64) + np.uint64(self.seed + 1) * np.uint64(0x9E3779B97F4A7C15)
            z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            z ^= z >> np.uint64(31)
        return (2 * (z & np.uint64(1)).astype(np.int8) - 1).astype(np.int8)


class DaleSigns:
    """Give all synapses of a presynaptic neuron its sign (Dale's law).

    Parameters
    ----------
    signs : (n_pre,) int
        -1 or +1 for every presynaptic neuron, of all layers under the scheme: other widths are
        refused.

    Raises
    ------
    ParameterError
        If an entry is neither.
    """

    def __init__(self, signs: Any) -> None:
        given = np.asarray(signs)
        if not np.isin(given, (-1, 1)).all():  # before the cast, which would cut 1.7 to 1
            raise ParameterError("signs: every entry must be -1 or +1")
        self.signs = given.astype(np.int8)

    def __call__(
        self, keys: NDArray[np.int64], n_pre: int, rng: np.random.Generator
    ) -> NDArray[np.int8]:
        """Return the signs."""
        if self.signs.size != n_pre:
            raise ParameterError(f"signs: got {self.signs.size} entries for {n_pre} sources")
        return self.signs[keys % n_pre]
