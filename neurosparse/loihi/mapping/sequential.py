"""nengo-loihi's rule, restated: equal blocks of each population, one block per core."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neurosparse.loihi.mapping.demand import Counter
from neurosparse.loihi.mapping.placement import Placement, Unplaceable

__all__ = ["place_by_rule"]


def place_by_rule(counter: Counter, *, give_up_above: int | None = None) -> Placement | None:
    """Place a network by nengo-loihi's sequential rule.

    Each population is split into blocks of ``ceil(size / n)`` neurons in the order of its neurons,
    each on a core of its own::

        n = max over limits of ceil(need of the whole population / limit)

    That rule does not look at the blocks again, although a block of half the neurons often needs
    more than half the axons. Where a block exceeds a limit, ``n`` is raised until none does.

    Parameters
    ----------
    counter : Counter
        Network and core.
    give_up_above : int, optional
        Stop as soon as more cores than this are needed.

    Returns
    -------
    Placement or None
        None if it gave up.

    Raises
    ------
    Unplaceable
        If a neuron on a core of its own needs more than it has.

    References
    ----------
    nengo-loihi 1.1, ``builder/split_blocks.py``, ``split_block``.
    """
    order = counter.wiring.placed
    firsts, sizes = _extents(counter)
    n_split = np.ones(firsts.size, dtype=np.int64)
    while True:
        lengths = -(-sizes // n_split)
        blocks = [
            np.arange(first, first + size, length)
            for first, size, length in zip(firsts, sizes, lengths, strict=True)
        ]
        cuts = np.append(np.concatenate(blocks), order.size)
        if give_up_above is not None and cuts.size - 1 > give_up_above:
            return None
        counted = counter.count(order, cuts)
        if not counter.exceeding(counted.demand).any():
            return Placement(counter, order, cuts, counted)
        needs = (counted.demand[:, : counter.limits.size] / np.maximum(counter.limits, 1)).max(1)
        alone = np.flatnonzero((np.diff(cuts) == 1) & (needs > 1))
        if alone.size:
            raise Unplaceable(int(order[cuts[alone[0]]]))
        begins = np.cumsum([0, *(block.size for block in blocks[:-1])])
        worst = np.maximum.reduceat(needs, begins)
        if (n_split == 1).all():  # the rule itself
            n_split = np.maximum(1, np.ceil(worst)).astype(np.int64)
        else:
            n_split = np.where(worst > 1, -(-sizes // _shorter(lengths, worst)), n_split)


def _extents(counter: Counter) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where each population begins among the placed neurons, and its size."""
    placed = counter.wiring.placed
    population = counter.wiring.topology.population[placed]
    firsts = np.flatnonzero(np.concatenate([[True], np.diff(population) != 0]))
    return firsts, np.append(firsts[1:], placed.size) - firsts


def _shorter(lengths: NDArray[np.int64], worst: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the next lengths of blocks to try, where the worst needs so many times what there is.

    What a block needs is at most the sum of what its pieces need, so that pieces longer than
    ``length / (worst - 1)`` cannot all fit. Below 3 times it is half of the way.
    """
    divisor = np.maximum(worst - 1, (worst + 1) / 2)
    shorter = np.minimum((lengths / divisor).astype(np.int64), lengths - 1)
    return np.maximum(1, shorter)
