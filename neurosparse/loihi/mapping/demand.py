"""Demand of cores, counted from a placement: the typed side of `demand_kernels`."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from neurosparse.jit import compile_notice
from neurosparse.loihi.mapping.demand_kernels import (
    add_outputs,
    count,
    demand_of,
    fill,
    fits,
    follow,
)
from neurosparse.loihi.mapping.rules import NO_LIMIT, RESOURCES, CoreRules
from neurosparse.loihi.mapping.wiring import Wiring

__all__ = ["FLOWS", "Counted", "Counter", "core_places"]

SERIAL_BELOW = 1 << 22  # synapses; counting fewer is not worth starting threads

COLUMNS = (*RESOURCES, "synapses")

# Per core and step, in the order of the columns of `Counter.follow`.
FLOWS = (
    "synaptic_events",
    "spikes",
    "messages_out",
    "messages_to_itself",
    "messages_in",
    "messages_from_outside",
    "hops",
)


class _Rules(NamedTuple):
    """`CoreRules` as kernels read them."""

    limits: NDArray[np.int64]
    index_widths: NDArray[np.int64]
    table: NDArray[np.int64]
    neuron_bits: int
    input_bits: int
    output_bits: int


class _Scratch(NamedTuple):
    """Working memory: what carries the tick of the present core belongs to it."""

    tick: NDArray[np.int32]
    mark: NDArray[np.int32]  # (n_slots, 2): tick, and which list of the core the slot is
    number: NDArray[np.int32]  # by list: synapses, largest target, projection, source
    top: NDArray[np.int32]
    owner: NDArray[np.int32]
    origin: NDArray[np.int32]
    source_tick: NDArray[np.int32]
    sources: NDArray[np.int32]
    members: NDArray[np.int32]
    population_tick: NDArray[np.int32]
    block: NDArray[np.int32]
    profile_tick: NDArray[np.int32]
    threshold_tick: NDArray[np.int32]
    format_tick: NDArray[np.int32]
    key_tick: NDArray[np.int32]


@dataclass(frozen=True)
class Counted:
    """Demand of the cores of a placement.

    Parameters
    ----------
    demand : (n_cores, 9) int64
        Columns as `RESOURCES`, then synapses.
    outputs : (n_neurons,) int64
        Cores that each neuron sends to.
    """

    demand: NDArray[np.int64]
    outputs: NDArray[np.int64]


def core_places(n_cores: int, rules: CoreRules) -> NDArray[np.int64]:
    """Return the tile of every core, (n_cores, 2) int64: column and row.

    Cores fill tiles, tiles fill a chip's mesh row by row, and chips stand side by side.
    """
    chip, core = np.divmod(np.arange(n_cores), rules.cores_per_chip)
    row, column = np.divmod(core // rules.cores_per_tile, rules.mesh_columns)
    return np.stack([column + chip * rules.mesh_columns, row], axis=1).astype(np.int64)


def _table(rules: CoreRules, widest: int) -> NDArray[np.int64]:
    """Return the bits of a group by width and number of its synapses."""
    numbers = range(rules.group_synapses + 1)
    return np.array([[rules.group_bits(n, width) for n in numbers] for width in range(widest + 1)])


def _scratch_for(wiring: Wiring, rules: CoreRules) -> _Scratch:
    topology = wiring.topology
    n_slots, n_keys = int(topology.first_slot[-1]), int(topology.key.max(initial=-1)) + 1

    def ticks(n: int) -> NDArray[np.int32]:
        return np.zeros(n, dtype=np.int32)

    def numbers(n: int) -> NDArray[np.int32]:
        return np.empty(n, dtype=np.int32)

    return _Scratch(
        ticks(1),
        np.zeros((n_slots, 2), dtype=np.int32),
        numbers(n_slots),
        numbers(n_slots),
        numbers(n_slots),
        numbers(n_slots),
        ticks(wiring.n_neurons),
        numbers(wiring.n_neurons),
        numbers(wiring.placed.size),
        ticks(len(wiring.names)),
        ticks(len(wiring.names)),
        ticks(int(topology.profile.max()) + 1),
        ticks(int(topology.threshold.max()) + 1),
        ticks(n_keys * (len(rules.index_widths) + 1)),
        ticks(n_keys),
    )


class Counter:
    """Counts what groups of neurons of one network need of one kind of core.

    Parameters
    ----------
    wiring : Wiring
        The network.
    rules : CoreRules
        The core.
    rates : (n_neurons,) float64
        Spikes per neuron and step.

    Notes
    -----
    Large networks are counted by as many threads as numba has; what cores need does not depend on
    it, sums of rates do in their last digits.
    """

    def __init__(self, wiring: Wiring, rules: CoreRules, rates: NDArray[np.float64]) -> None:
        self.wiring, self.rules, self.rates = wiring, rules, rates
        topology = wiring.topology
        limits = [NO_LIMIT if value is None else value for value in rules.limits.values()]
        self.limits = np.array(limits, dtype=np.int64)
        self._rules = _Rules(
            self.limits,
            np.array(rules.index_widths, dtype=np.int64),
            _table(rules, int(topology.width.max(initial=0)) + rules.index_widths[-1]),
            rules.bits_per_neuron,
            rules.bits_per_input_axon,
            rules.bits_per_output_axon,
        )
        n_threads = numba.get_num_threads() if topology.slots.size > SERIAL_BELOW else 1
        self._scratches = [_scratch_for(wiring, rules) for _ in range(n_threads)]

    def fill(
        self, sequence: NDArray[np.int32], is_break: NDArray[np.bool_], outputs: NDArray[np.int64]
    ) -> NDArray[np.int64] | int:
        """Cut a sequence of neurons into cores, each as full as it can be.

        Parameters
        ----------
        sequence : (n_placed,) int32
            Neurons.
        is_break : (n_placed,) bool
            Where a core must begin.
        outputs : (n_neurons,) int64
            Cores that each neuron sends to.

        Returns
        -------
        (n_cores + 1,) int64 or int
            Where cores begin, and the end; or a neuron that fits on no core.
        """
        cuts = np.empty(sequence.size + 1, dtype=np.int64)
        row = np.empty(len(COLUMNS), dtype=np.int64)
        topology, rules, scratch = self.wiring.topology, self._rules, self._scratches[0]
        with compile_notice(fill):
            n_cores = fill(sequence, is_break, topology, rules, outputs, scratch, row, cuts)
        return int(sequence[-1 - n_cores]) if n_cores < 0 else cuts[: n_cores + 1].copy()

    def count(self, order: NDArray[np.int32], cuts: NDArray[np.int64]) -> Counted:
        """Count the cores ``order[cuts[c] : cuts[c + 1]]``, neurons ascending in each."""
        demand = np.zeros((cuts.size - 1, len(COLUMNS)), dtype=np.int64)
        n_neurons, topology = self.wiring.n_neurons, self.wiring.topology

        def part(first: int, last: int, scratch: _Scratch) -> NDArray[np.int64]:
            outputs = np.zeros(n_neurons, dtype=np.int64)
            count(order, cuts, first, last, topology, self._rules, scratch, demand, outputs)
            return outputs

        with compile_notice(count):
            outputs: NDArray[np.int64] = np.sum(self._share_out(part, cuts), axis=0)
        add_outputs(order, cuts, outputs, self._rules, demand)
        return Counted(demand, outputs)

    def follow(self, order: NDArray[np.int32], cuts: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return what happens on these cores per step, (n_cores, 7), columns as `FLOWS`."""
        n_cores = cuts.size - 1
        core_of = np.full(self.wiring.n_neurons, -1, dtype=np.int64)
        core_of[order] = np.repeat(np.arange(n_cores), np.diff(cuts))
        places = core_places(n_cores, self.rules)
        topology, rules, rates = self.wiring.topology, self._rules, self.rates

        def part(first: int, last: int, scratch: _Scratch) -> NDArray[np.float64]:
            flow = np.zeros((n_cores, len(FLOWS)))
            follow(order, cuts, first, last, core_of, rates, places, topology, rules, scratch, flow)
            return flow

        with compile_notice(follow):
            flow: NDArray[np.float64] = np.sum(self._share_out(part, cuts), axis=0)
        return flow

    def _share_out(
        self, part: Callable[[int, int, _Scratch], NDArray[Any]], cuts: NDArray[np.int64]
    ) -> list[NDArray[Any]]:
        """Count parts of the cores, of about as many neurons each, at the same time."""
        n = len(self._scratches)
        edges = np.searchsorted(cuts, np.linspace(0, cuts[-1], n + 1)[1:-1]).tolist()
        if n == 1:
            return [part(0, cuts.size - 1, self._scratches[0])]
        bounds = [0, *edges, cuts.size - 1]
        with ThreadPoolExecutor(n) as pool:
            return list(pool.map(part, bounds[:-1], bounds[1:], self._scratches))

    def fit_together(self, members: NDArray[np.int32], outputs: NDArray[np.int64]) -> bool:
        """Return whether these neurons, ascending, fit on one core."""
        row = np.empty(len(COLUMNS), dtype=np.int64)
        demand_of(members, self.wiring.topology, self._rules, outputs, self._scratches[0], row)
        return bool(fits(row, self.limits))

    def exceeding(self, demand: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return where a core needs more than there is, (n_cores, 8) bool."""
        return demand[:, : len(RESOURCES)] > self.limits
