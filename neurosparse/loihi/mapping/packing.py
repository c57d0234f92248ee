"""Put cores that are not full together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neurosparse.loihi.mapping.demand import Counter
from neurosparse.loihi.mapping.placement import Placement

__all__ = ["pack_cores"]

# Every attempt counts the synapses of two cores; all attempts together may count all synapses so
# many times.
PASSES = 30

# Columns of demand: what adds up when cores are put together (nothing else can be told without
# counting), and what says that trying is no use.
ADDING, FULL = [0, 2], [0, 1]


def pack_cores(counter: Counter, placement: Placement) -> Placement:
    """Put cores together where the chip allows, the fullest first, first fit.

    Parameters
    ----------
    counter : Counter
        Network and core.
    placement : Placement
        Of any number of cores.

    Returns
    -------
    Placement
        With as many cores or fewer. What is put together can only send to fewer cores than before,
        so that no other core comes to need more.
    """
    demand, limits = placement.counted.demand, counter.limits
    load = (demand[:, : limits.size] / np.maximum(limits, 1e-9)).max(axis=1)
    budget = PASSES * int(demand[:, -1].sum())
    bins: list[NDArray[np.int32]] = []
    needs: list[NDArray[np.int64]] = []
    for core in np.argsort(-load, kind="stable").tolist():
        members, need = placement.members(core), demand[core]
        chosen = None
        for index, held in enumerate(needs):
            if budget <= 0:
                break
            if ((held + need)[ADDING] > limits[ADDING]).any() or (held[FULL] >= limits[FULL]).any():
                continue
            together = np.union1d(bins[index], members)
            budget -= int(held[-1] + need[-1]) + 1
            if counter.fit_together(together, placement.counted.outputs):
                chosen = index
                break
        if chosen is None:
            bins.append(members)
            needs.append(need)
        else:
            bins[chosen] = np.union1d(bins[chosen], members)
            needs[chosen] = needs[chosen] + need
    if len(bins) == placement.n_cores:
        return placement
    bins.sort(key=lambda members: int(members[0]))
    cuts = np.concatenate([[0], np.cumsum([members.size for members in bins])])
    order = np.concatenate(bins)
    return Placement(counter, order, cuts, counter.count(order, cuts))
