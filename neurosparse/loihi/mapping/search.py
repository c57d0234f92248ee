"""Ways to place a network, and the best one found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from neurosparse.loihi.mapping.demand import Counter
from neurosparse.loihi.mapping.mapping import Trial
from neurosparse.loihi.mapping.packing import pack_cores
from neurosparse.loihi.mapping.partition import MISSING, Affinity, metis_available
from neurosparse.loihi.mapping.placement import (
    Placement,
    Unplaceable,
    place_as_cut,
    place_in_sequence,
)
from neurosparse.loihi.mapping.sequential import place_by_rule

__all__ = ["Method", "Search"]

Method = Literal["auto", "greedy", "metis", "sequential"]

# Beyond so many synapses METIS takes minutes, and few rounds are made of all else; beyond so many
# cores nothing is packed.
LARGEST_GRAPH = 2_000_000
MOST_CORES_TO_PACK = 2048
# How much heavier than the mean a part may be: a loose bound gives a smaller cut, a tight one
# parts that fit.
IMBALANCES = (0.03, 0.1, 0.3)
FEWER_ATTEMPTS = 3
HOPELESS = 1.1  # cores per core asked for, above which METIS is not asked again


class Search:
    """Tries ways to place a network and keeps the best.

    Parameters
    ----------
    counter : Counter
        Network and core.
    load : (n_neurons,) float64
        Largest share of a limit that each neuron needs on a core of its own.
    most_outputs : (n_neurons,) int64
        Cores that each neuron sends to if every neuron has one of its own.

    Attributes
    ----------
    best : Placement or None
        The first of the best found.
    trials : list of Trial
        All that were found.
    obstacle : int
        The neuron at which the last failed attempt failed; -1 if none did.
    remarks : list of str
        What was left out.
    """

    def __init__(
        self, counter: Counter, load: NDArray[np.float64], most_outputs: NDArray[np.int64]
    ) -> None:
        self.counter, self._load = counter, load
        self._is_large = counter.wiring.topology.slots.size > LARGEST_GRAPH
        self._bound = most_outputs if self._is_large else None
        self.best: Placement | None = None
        self.trials: list[Trial] = []
        self.obstacle = -1
        self.remarks: list[str] = []

    def run(self, method: Method) -> None:
        """Try what belongs to a method."""
        natural = self.counter.wiring.placed
        if method == "sequential":
            self._try("sequential", lambda: place_by_rule(self.counter))
            return
        if method != "metis":
            self._try("greedy", lambda: self._in_sequence(natural))
        if method == "auto":
            self._try_orders()
            self._try_rule()
        if method == "metis" or (method == "auto" and self._may_use_metis()):
            self._try_metis()

    def _try(self, name: str, place: Callable[[], Placement | None]) -> Placement | None:
        try:
            found = place()
        except Unplaceable as error:
            self.obstacle = error.neuron
            return None
        if found is not None:
            self.trials.append(Trial.of(name, found))
            if self.best is None or found.rank < self.best.rank:
                self.best = found
        return found

    # ------------------------------------------------------------------ in the network's order

    def _try_orders(self) -> None:
        natural, topology = self.counter.wiring.placed, self.counter.wiring.topology
        # where a core has few thresholds, neurons that have their own would else scatter
        keys = (natural, topology.threshold[natural], topology.profile[natural])
        grouped = natural[np.lexsort((*keys, topology.population[natural]))]
        if not np.array_equal(grouped, natural):
            self._try("by profile", lambda: self._in_sequence(grouped))
        if self._too_many_to_pack():
            return
        population = topology.population[natural]
        self._try("by population", lambda: self._packed(self._in_sequence(natural, population)))

    def _too_many_to_pack(self) -> bool:
        return self.best is not None and self.best.n_cores > MOST_CORES_TO_PACK

    def _try_rule(self) -> None:
        # once it takes more cores than packing could save it is not worth the time to go on
        cap = max(self.best.n_cores, MOST_CORES_TO_PACK) if self.best else None
        found = self._try("sequential", lambda: place_by_rule(self.counter, give_up_above=cap))
        if found is not None:
            self._try("sequential, packed", lambda: self._packed(found))

    def _in_sequence(
        self, sequence: NDArray[np.int32], apart: NDArray[np.int32] | None = None
    ) -> Placement:
        """Place a sequence; where ``apart`` changes along it a core must begin."""
        is_break = np.zeros(sequence.size, dtype=np.bool_)
        if apart is not None:
            is_break[1:] = np.diff(apart) != 0
        return place_in_sequence(self.counter, sequence, is_break, self._bound)

    def _packed(self, placement: Placement) -> Placement:
        if placement.n_cores > MOST_CORES_TO_PACK:
            return placement
        return pack_cores(self.counter, placement)

    # ------------------------------------------------------------------ by a graph partitioner

    def _may_use_metis(self) -> bool:
        if not metis_available():
            self.remarks.append(f"{MISSING}: neurons stay in the order of the network")
            return False
        if self._is_large:
            self.remarks.append(
                f"METIS was left out: the network has more than {LARGEST_GRAPH:,} synapses"
            )
            return False
        return True

    def _try_metis(self) -> None:
        """Place METIS's parts: as many as the best has cores, then fewer while that many do."""
        graph = Affinity(self.counter, self._load)
        n_parts = self._known_cores()
        for wanted in range(n_parts, max(0, n_parts - FEWER_ATTEMPTS - 1), -1):
            reached = []
            for imbalance in IMBALANCES if wanted > 1 else IMBALANCES[:1]:
                parts = graph.parts(wanted, imbalance)
                found = self._try("metis", lambda parts=parts: self._of_parts(parts))  # type: ignore[misc]
                reached.append(found.n_cores if found else self.counter.wiring.placed.size)
                if reached[-1] > HOPELESS * wanted:
                    return
            if min(reached) > wanted:
                return

    def _known_cores(self) -> int:
        if self.best:
            return self.best.n_cores
        try:
            return self._in_sequence(self.counter.wiring.placed).n_cores
        except Unplaceable:
            return self.counter.wiring.placed.size

    def _of_parts(self, parts: NDArray[np.int32]) -> Placement:
        """Give every part a core; where one needs more, as many as it takes, packed."""
        order = np.argsort(parts, kind="stable")
        sequence, part = self.counter.wiring.placed[order], parts[order]
        begins = np.flatnonzero(np.concatenate([[True], np.diff(part) != 0]))
        whole = place_as_cut(self.counter, sequence, np.append(begins, part.size))
        if whole is not None:
            return whole
        filled = self._packed(self._in_sequence(sequence, part))
        return min(filled, self._in_sequence(sequence), key=lambda placement: placement.rank)
