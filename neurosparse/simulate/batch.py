"""Run many independent samples through one network and count their spikes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.jit import compile_notice
from neurosparse.network import Activity, Network
from neurosparse.network.checks import check_count
from neurosparse.simulate.arithmetic import engine_dtype
from neurosparse.simulate.batch_inputs import BatchInputs
from neurosparse.simulate.batch_kernels import run_samples
from neurosparse.simulate.checks import check_kind
from neurosparse.simulate.engine_arrays import Drive, Record, Samples
from neurosparse.simulate.machine_kernels import LANE_BITS, LANES
from neurosparse.simulate.overflows import (
    Overflow,
    count_overflows,
    named_overflows,
    warn_of_overflows,
)
from neurosparse.simulate.plan import MAX_THREADS, Plan, make_plan
from neurosparse.simulate.probes import check_recorded
from neurosparse.simulate.under_way import n_recent, pending_depth

__all__ = ["BatchRun", "simulate_batch"]

_ROOM = 1 << 22  # entries of spikes that a thread keeps at a time
_LANES_BYTES = 1 << 26  # of state that samples side by side may take in a thread
_SHARES = 4  # per thread, so that they end at about the same time


@dataclass(frozen=True)
class BatchRun:
    """What a batch of samples gave.

    Parameters
    ----------
    n_steps : int
        Steps of a sample.
    counts : dict of str to (batch, size) int32
        Spikes of every neuron of the counted populations.
    activity : Activity
        Counted over all samples, including the steps in which deeper populations lag behind.
    overflows : dict of str to Overflow
        Of every population of integer neurons, in all samples and the same steps: how often ``u``
        and ``v`` left their 24 bits.
    """

    n_steps: int
    counts: dict[str, NDArray[np.int32]]
    activity: Activity
    overflows: dict[str, Overflow]


def simulate_batch(
    network: Network,
    inputs: Mapping[str, Any] | NDArray[Any],
    *,
    record: Sequence[str] | None = None,
    dtype: Any = np.float32,
    threads: int = 1,
) -> BatchRun:
    """Run many independent samples through one network and count their spikes.

    Every sample starts from rest. A population at depth ``d`` (`Network.depths`) starts at step
    ``d``, when the sample reaches it, and its spikes are counted in the ``n_steps`` steps from then
    on; so a network of several layers sees all of the sample. For the same network, a sample's
    spikes are those of `simulate` with ``reset_every``.

    Parameters
    ----------
    network : Network
        What to run.
    inputs : mapping of str to (batch, n_steps, size) array, or the array of the only input
        Rasters of zeros and ones for spike sources (or messages, see `simulate`), currents for
        populations of neurons.
    record : sequence of str, optional
        Populations whose spikes are counted; default the network's outputs.
    dtype : {numpy.float32, numpy.float64}
        Arithmetic of a float network.
    threads : int
        How many threads share the samples. Results are the same for any number.

    Returns
    -------
    BatchRun

    Raises
    ------
    TopologyError, ShapeError, ParameterError
        If an input does not fit the network.

    Examples
    --------
    >>> import numpy as np
    >>> from neurosparse import LIF, Network, Population, Projection, Synapses
    >>> synapses = Synapses.from_edges([0], [0], 1.5, n_pre=1, n_post=1)
    >>> net = Network(
    ...     {"in": Population(1), "out": Population(1, LIF())}, [Projection("in", "out", synapses)]
    ... )
    >>> rasters = np.array([[[1], [1], [0]], [[0], [0], [1]]])
    >>> simulate_batch(net, rasters).counts["out"].tolist()
    [[2], [1]]
    """
    check_kind("network", network, Network, "a Network")
    threads = check_count("threads", threads, least=1, most=MAX_THREADS)
    engine = engine_dtype(network, dtype)
    given = BatchInputs(network, inputs, engine)
    counted = check_recorded(network, network.outputs if record is None else record)
    edges = np.cumsum([0, *(network.populations[name].size for name in counted)]).tolist()
    column = dict(zip(counted, edges, strict=False))
    columns = [column.get(name, -1) for name in network.populations]
    table = np.zeros((given.batch, edges[-1]), dtype=np.int32)
    n_steps = given.n_steps + max(network.depths.values())
    shares = _shares(given.batch, threads, _has_room_for_lanes(network, engine))
    waiting = iter(shares)
    taking = Lock()

    def work(_: int) -> _Worker:
        """Take shares until none is left."""
        worker = _Worker(network, given, dtype, n_steps, table, np.array(columns, dtype=np.int64))
        while True:
            with taking:
                share = next(waiting, None)
            if share is None:
                return worker
            worker.run(*share)

    n_workers = min(threads, max(1, len(shares)))
    with compile_notice(run_samples):
        if n_workers == 1:
            workers = [work(0)]
        else:
            with ThreadPoolExecutor(n_workers) as pool:
                workers = list(pool.map(work, range(n_workers)))
    spikes = np.sum([worker.n_spikes for worker in workers], axis=0)
    events = np.sum([worker.n_events for worker in workers], axis=0)
    overflows = named_overflows(network, np.sum([w.overflows() for w in workers], axis=0))
    warn_of_overflows(overflows)
    return BatchRun(
        given.n_steps,
        {
            name: table[:, low:high].copy()
            for name, (low, high) in zip(counted, pairwise(edges), strict=True)
        },
        Activity(
            n_steps * given.batch,
            dict(zip(network.populations, spikes.tolist(), strict=True)),
            {p.name: int(n) for p, n in zip(network.projections, events, strict=True)},
            {
                name: population.size * n_steps * given.batch
                for name, population in network.populations.items()
                if population.neuron is not None
            },
        ),
        overflows,
    )


def _shares(batch: int, threads: int, may_use_lanes: bool) -> list[tuple[int, int, int]]:
    """Cut the samples into shares ``(first, last, lane_bits)`` that threads take in turn."""
    n_groups = batch // LANES if may_use_lanes else 0
    shares = []
    for first, last, lane_bits in ((0, n_groups, LANE_BITS), (n_groups * LANES, batch, 0)):
        if first == last:
            continue
        n_shares = min(last - first, _SHARES * threads if threads > 1 else 1)
        edges = [first + (last - first) * share // n_shares for share in range(n_shares + 1)]
        shares += [
            (low << lane_bits, high << lane_bits, lane_bits) for low, high in pairwise(edges)
        ]
    return shares


def _has_room_for_lanes(network: Network, engine: np.dtype[Any]) -> bool:
    """Whether the neurons of several samples are few enough to lie side by side."""
    n_slots = sum(
        population.size * (population.neuron.n_receptors + 1)
        for population in network.populations.values()
        if population.neuron is not None
    )
    n_bytes = (1 + pending_depth(network)) * n_slots * engine.itemsize
    return bool(n_bytes * LANES <= _LANES_BYTES)


class _Worker:
    """One thread's neurons and what it has counted."""

    def __init__(
        self,
        network: Network,
        given: BatchInputs,
        dtype: Any,
        n_steps: int,
        counts: NDArray[np.int32],
        count_column: NDArray[np.int64],
    ) -> None:
        self._network, self._given, self._dtype, self._n_steps = network, given, dtype, n_steps
        self._samples = Samples(
            given.rasters,
            np.zeros(-(-given.rasters.shape[2] // 8), dtype=np.uint64),
            given.raster_column,
            given.currents,
            given.messages,
            counts,
            count_column,
        )
        self._ready: dict[int, tuple[Plan, Drive, Record]] = {}
        self.n_spikes = np.zeros(len(network.populations), dtype=np.int64)
        self.n_events = np.zeros(len(network.projections), dtype=np.int64)

    def run(self, first: int, last: int, lane_bits: int) -> None:
        """Run samples ``first`` to ``last - 1``, ``1 << lane_bits`` at a time."""
        if lane_bits not in self._ready:
            self._ready[lane_bits] = self._prepare(lane_bits)
        plan, drive, record = self._ready[lane_bits]
        run_samples(
            first,
            last,
            self._n_steps,
            plan.window,
            n_recent(self._network),
            plan.populations,
            plan.projections,
            plan.neurons,
            plan.parts,
            drive,
            record,
            self._samples,
            self.n_spikes,
        )

    def _prepare(self, lane_bits: int) -> tuple[Plan, Drive, Record]:
        currents, messages = (
            {name: at << lane_bits for name, at in columns.items()}
            for columns in (self._given.current_columns, self._given.message_columns)
        )
        plan = make_plan(
            self._network, self._dtype, currents, lane_bits=lane_bits, message_columns=messages
        )
        n_columns = self._given.currents.shape[2] << lane_bits
        n_messages = self._given.messages.shape[2] << lane_bits
        return (
            plan,
            _drive(plan, n_columns, n_messages, self._n_steps),
            _record(plan, self._n_steps, self.n_events),
        )

    def overflows(self) -> NDArray[np.int64]:
        """Return how often neurons left their 24 bits, (n_populations, 2)."""
        nothing = np.zeros((len(self._network.populations), 2), dtype=np.int64)
        return sum((count_overflows(plan) for plan, _, _ in self._ready.values()), nothing)


def _drive(plan: Plan, n_columns: int, n_messages: int, n_steps: int) -> Drive:
    n_sources = int(plan.populations.size[plan.populations.cell < 0].sum())
    nothing = np.zeros(0, dtype=np.int64)
    dtype = engine_dtype(plan.network, plan.dtype)
    n_rows = n_recent(plan.network) + n_steps
    return Drive(
        spike_ptr=np.zeros(n_steps + 1, dtype=np.int64),
        spike_neuron=np.zeros(n_steps * n_sources + 1, dtype=np.int32),
        currents=np.zeros((n_steps, n_columns), dtype=dtype),
        poisson_ptr=np.zeros(plan.populations.size.size + 1, dtype=np.int64),
        poisson_stream=nothing,
        poisson_receptor=nothing,
        poisson_weight=np.zeros(0, dtype=dtype),
        poisson_rate=nothing,
        poisson_by_step=nothing,
        poisson_by_neuron=nothing,
        rates=np.zeros(0),
        messages=np.zeros((n_rows, max(1, n_messages)), dtype=np.int32),
        key=np.uint64(0),
    )


def _record(plan: Plan, n_steps: int, events: NDArray[np.int64]) -> Record:
    n_history = n_recent(plan.network)
    dtype = engine_dtype(plan.network, plan.dtype)
    nothing = np.zeros(0, dtype=np.int64)
    most = (n_steps + n_history) * plan.n_neurons
    least = (2 * plan.window + n_history) * plan.n_neurons
    return Record(
        starts=np.zeros((n_history + n_steps + 1, plan.populations.size.size + 1), dtype=np.int64),
        spikes=np.empty(min(most, max(_ROOM, least)) + 1, dtype=np.int32),
        events=events,
        probe_slot=nothing,
        probe_slot_population=nothing,
        probe_cell=nothing,
        probe_cell_population=nothing,
        trace_u=np.zeros((n_steps, 0), dtype=dtype),
        trace_v=np.zeros((n_steps, 0), dtype=dtype),
    )
