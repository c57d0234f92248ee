"""Sequences of neurons cut into cores, until no core needs more than it has."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from neurosparse.loihi.mapping.demand import Counted, Counter

__all__ = ["Placement", "Unplaceable", "place_as_cut", "place_in_sequence"]

# Splitting a core makes its sources send to one core more, which may split those: rounds in which
# all cores are cut anew with the output axons counted last, before single cores are halved.
ROUNDS = 6
# From above: another round where the neurons send to fewer cores than this share of the bound.
LOOSE = 0.95


@dataclass(frozen=True)
class Placement:
    """Neurons on cores that exceed no limit.

    Parameters
    ----------
    counter : Counter
        Network and core.
    order : (n_placed,) int32
        Neurons core by core, ascending in each.
    cuts : (n_cores + 1,) int64
        Where cores begin, and the end.
    counted : Counted
        What the cores need.
    """

    counter: Counter
    order: NDArray[np.int32]
    cuts: NDArray[np.int64]
    counted: Counted

    @property
    def n_cores(self) -> int:
        """Cores that hold neurons."""
        return self.cuts.size - 1

    @cached_property
    def flow(self) -> NDArray[np.float64]:
        """What happens on the cores per step, (n_cores, 7), columns as `FLOWS`."""
        return self.counter.follow(self.order, self.cuts)

    @property
    def rank(self) -> tuple[int, float, float]:
        """What is to be small: cores, then messages between them, then those from outside."""
        totals = self.flow.sum(axis=0)
        return self.n_cores, float(totals[2] - totals[3]), float(totals[5])

    def members(self, core: int) -> NDArray[np.int32]:
        """Return the neurons of a core, ascending."""
        return self.order[self.cuts[core] : self.cuts[core + 1]]


class Unplaceable(Exception):  # noqa: N818 - reads as what it is
    """A neuron needs more than a core has, in this placement; callers inside the room catch it."""

    def __init__(self, neuron: int) -> None:
        self.neuron = neuron
        super().__init__(neuron)


def place_as_cut(
    counter: Counter, sequence: NDArray[np.int32], cuts: NDArray[np.int64]
) -> Placement | None:
    """Place a sequence with given cuts; None if a core would need more than it has."""
    placement = _count(counter, sequence, cuts)
    return None if _over(placement).size else placement


def place_in_sequence(
    counter: Counter,
    sequence: NDArray[np.int32],
    is_break: NDArray[np.bool_],
    most_outputs: NDArray[np.int64] | None = None,
) -> Placement:
    """Give every core as many neurons of the sequence as fit.

    How many output axons a neuron needs is known once its targets have their cores. The first
    cores are cut as if it needed none and then, round by round, with what it needed last.

    Parameters
    ----------
    counter : Counter
        Network and core.
    sequence : (n_placed,) int32
        All neurons that need a place.
    is_break : (n_placed,) bool
        Where a core must begin.
    most_outputs : (n_neurons,) int64, optional
        Cores that each neuron sends to if every neuron has one of its own. With it the first cores
        are cut as if it needed all those, which takes one or two rounds and some more cores: for
        networks whose rounds are long.

    Raises
    ------
    Unplaceable
        If a neuron on a core of its own needs more than it has.
    """
    if most_outputs is not None:
        return _from_above(counter, sequence, is_break, most_outputs)
    outputs = np.zeros(counter.wiring.n_neurons, dtype=np.int64)
    for _ in range(ROUNDS):
        placement = _count(counter, sequence, _fill(counter, sequence, is_break, outputs))
        if not _over(placement).size:
            return placement
        outputs = np.maximum(outputs, placement.counted.outputs)
    return _mended(sequence, placement)


def _from_above(
    counter: Counter,
    sequence: NDArray[np.int32],
    is_break: NDArray[np.bool_],
    most_outputs: NDArray[np.int64],
) -> Placement:
    try:
        first = _count(counter, sequence, _fill(counter, sequence, is_break, most_outputs))
    except Unplaceable:  # alone it would not send that much
        return place_in_sequence(counter, sequence, is_break)
    outputs = first.counted.outputs
    if outputs.sum() > LOOSE * most_outputs.sum():
        return first
    second = _count(counter, sequence, _fill(counter, sequence, is_break, outputs))
    return min(first, _mended(sequence, second), key=lambda placement: placement.n_cores)


def _fill(
    counter: Counter,
    sequence: NDArray[np.int32],
    is_break: NDArray[np.bool_],
    outputs: NDArray[np.int64],
) -> NDArray[np.int64]:
    cuts = counter.fill(sequence, is_break, outputs)
    if isinstance(cuts, int):
        raise Unplaceable(cuts)
    return cuts


def _count(counter: Counter, sequence: NDArray[np.int32], cuts: NDArray[np.int64]) -> Placement:
    core = np.repeat(np.arange(cuts.size - 1), np.diff(cuts))
    order = sequence[np.lexsort((sequence, core))]
    return Placement(counter, order, cuts, counter.count(order, cuts))


def _over(placement: Placement) -> NDArray[np.int64]:
    """Return the cores that need more than they have."""
    exceeding = placement.counter.exceeding(placement.counted.demand)
    return np.flatnonzero(exceeding.any(axis=1))


def _mended(sequence: NDArray[np.int32], placement: Placement) -> Placement:
    """Halve the cores that need more than they have until none does."""
    while (cores := _over(placement)).size:
        cuts = placement.cuts
        sizes = np.diff(cuts)[cores]
        if sizes.min() == 1:
            raise Unplaceable(int(sequence[cuts[cores[np.argmin(sizes)]]]))
        halved = np.sort(np.concatenate([cuts, cuts[cores] + sizes // 2]))
        placement = _count(placement.counter, sequence, halved)
    return placement
