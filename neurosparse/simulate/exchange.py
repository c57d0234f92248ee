"""Between the State one sees and the arrays the kernels run on."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.network import Spikes
from neurosparse.simulate.layout_kernels import list_population
from neurosparse.simulate.plan import Plan
from neurosparse.simulate.state import State, n_recent, pending_targets

__all__ = ["History", "history_of", "list_spikes", "load_state", "take_state"]

History = tuple[NDArray[np.int64], NDArray[np.int32]]
"""``starts`` (n_steps + 1, n_populations + 1) and the spikes they divide, by global number."""


def history_of(plan: Plan, state: State) -> History:
    """Lay out the spikes that are still under way."""
    n_steps = n_recent(plan.network)
    n_populations = len(plan.rows)
    if not n_steps:
        return np.zeros((1, n_populations + 1), dtype=np.int64), np.zeros(0, dtype=np.int32)
    steps = [spikes.steps for spikes in state.recent.values()]
    rows = [plan.rows[name] for name in state.recent]
    owner = np.repeat(rows, [part.size for part in steps]).astype(np.int64)
    place = np.concatenate(steps) * n_populations + owner
    neurons = np.concatenate(
        [
            spikes.neurons + plan.populations.first[plan.rows[name]]
            for name, spikes in state.recent.items()
        ]
    )
    order = np.argsort(place, kind="stable")
    counts = np.bincount(place, minlength=n_steps * n_populations)
    ends = np.cumsum(counts)
    starts = np.zeros((n_steps + 1, n_populations + 1), dtype=np.int64)
    starts[:-1, 1:] = ends.reshape(n_steps, n_populations)
    starts[1:, 0] = starts[:-1, -1]
    return starts, neurons[order].astype(np.int32)


def load_state(plan: Plan, state: State) -> None:
    """Write a state that fits into the arrays of ``plan``."""
    neurons, populations, parts = plan.neurons, plan.populations, plan.parts
    neurons.ring[:] = 0
    parts.waiting[:] = 0
    parts.head[:] = 0
    neurons.until[:] = 0
    for name, v in state.v.items():
        row = plan.rows[name]
        size = int(populations.size[row])
        cell, slot = int(populations.cell[row]), int(populations.slot[row])
        neurons.v[cell : cell + size] = v
        for receptor, u in enumerate(state.u[name]):
            begin = slot + receptor * int(populations.stride[row])
            neurons.u[begin : begin + size] = u
            if name in state.pending:
                arriving = state.pending[name][:, receptor]
                at = (state.step + np.arange(arriving.shape[0])) % neurons.ring.shape[0]
                neurons.ring[at, begin : begin + size] = arriving
        _load_waiting(plan, row, state.wait[name], state.step)


def _load_waiting(plan: Plan, row: int, wait: NDArray[np.int64], step: int) -> None:
    waiting = np.flatnonzero(wait)
    if not waiting.size:
        return
    neurons, parts = plan.neurons, plan.parts
    cell = int(plan.populations.cell[row])
    cells = cell + waiting
    neurons.held[cells] = neurons.v[cells]
    neurons.v[cells] = np.nan
    neurons.until[cells] = step + wait[waiting]
    for part in range(plan.n_parts):
        low, high = parts.low[part, row], parts.high[part, row]
        own = waiting[(waiting >= low) & (waiting < high)]
        own = own[np.argsort(wait[own], kind="stable")]
        neurons.queue[cell + low : cell + low + own.size] = cell + own
        parts.waiting[part, row] = own.size


def take_state(plan: Plan, step: int, history: History, key: int | None) -> State:
    """Read the state before step ``step``; ``history`` are the spikes still under way."""
    neurons, populations = plan.neurons, plan.populations
    u: dict[str, NDArray[Any]] = {}
    v: dict[str, NDArray[Any]] = {}
    wait: dict[str, NDArray[np.int64]] = {}
    pending: dict[str, NDArray[Any]] = {}
    targets = pending_targets(plan.network)
    for name, row in plan.rows.items():
        size = int(populations.size[row])
        cell, slot = int(populations.cell[row]), int(populations.slot[row])
        if cell < 0:
            continue
        n_receptors, stride = int(populations.n_receptors[row]), int(populations.stride[row])
        slots = slot + np.arange(n_receptors)[:, None] * stride + np.arange(size)
        u[name] = neurons.u[slots]
        until = neurons.until[cell : cell + size]
        v[name] = neurons.v[cell : cell + size].copy()
        if populations.refractory[row]:
            # freed in the very next step, or later; 0 marks those that never fired
            bound = (until >= step) & (until > 0)
            v[name][bound] = neurons.held[cell : cell + size][bound]
        wait[name] = np.maximum(until - step, 0)
        if name in targets:
            at = (step + np.arange(neurons.ring.shape[0])) % neurons.ring.shape[0]
            pending[name] = neurons.ring[at[:, None, None], slots]
    return State(step, u, v, wait, _recent(plan, history), pending, key)


def _recent(plan: Plan, history: History) -> dict[str, Spikes]:
    starts, spikes = history
    return {name: list_spikes(plan, row, starts[:-1], spikes) for name, row in plan.rows.items()}


def list_spikes(
    plan: Plan, row: int, starts: NDArray[np.int64], spikes: NDArray[np.int32]
) -> Spikes:
    """Return the spikes of one population; ``starts`` has one row per step."""
    first, size = int(plan.populations.first[row]), int(plan.populations.size[row])
    n_spikes = int((starts[:, row + 1] - starts[:, row]).sum())
    steps = np.empty(n_spikes, dtype=np.int64)
    neurons = np.empty(n_spikes, dtype=np.int32)
    list_population(starts, spikes, row, first, steps, neurons)
    return Spikes.of_engine(steps, neurons, starts.shape[0], size)
