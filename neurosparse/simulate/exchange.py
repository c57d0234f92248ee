"""Between the State one sees and the arrays the kernels run on."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.network import Spikes
from neurosparse.simulate.arithmetic import engine_dtype
from neurosparse.simulate.engine_arrays import FixedNeurons
from neurosparse.simulate.layout_kernels import list_population
from neurosparse.simulate.plan import Plan
from neurosparse.simulate.state import State
from neurosparse.simulate.under_way import n_recent, pending_targets

__all__ = ["History", "history_of", "list_spikes", "load_state", "take_state"]

History = tuple[NDArray[np.int64], NDArray[np.int32]]
"""``starts`` (n_steps + 1, n_populations + 1) and the spikes they divide, by global number."""


def history_of(plan: Plan, state: State) -> History:
    """Lay out the spikes that are still under way.

    After a run that rewired, the state may hold more or fewer steps than are looked back at now;
    what lies before it is silent.
    """
    n_steps = n_recent(plan.network)
    n_populations = len(plan.rows)
    if not n_steps:
        return np.zeros((1, n_populations + 1), dtype=np.int64), np.zeros(0, dtype=np.int32)
    recent = {name: _last(spikes, n_steps) for name, spikes in state.recent.items()}
    steps = [spikes.steps for spikes in recent.values()]
    rows = [plan.rows[name] for name in recent]
    owner = np.repeat(rows, [part.size for part in steps]).astype(np.int64)
    place = np.concatenate(steps) * n_populations + owner
    neurons = np.concatenate(
        [_numbers(plan, plan.rows[name], spikes) for name, spikes in recent.items()]
    )
    order = np.argsort(place, kind="stable")
    counts = np.bincount(place, minlength=n_steps * n_populations)
    ends = np.cumsum(counts)
    starts = np.zeros((n_steps + 1, n_populations + 1), dtype=np.int64)
    starts[:-1, 1:] = ends.reshape(n_steps, n_populations)
    starts[1:, 0] = starts[:-1, -1]
    return starts, neurons[order].astype(np.int32)


def _last(spikes: Spikes, n_steps: int) -> Spikes:
    """Return the last steps of a recording, silent ones before it if it is too short."""
    missing = n_steps - spikes.n_steps
    if missing == 0:
        return spikes
    if missing < 0:
        return spikes.window(-missing, spikes.n_steps)
    return Spikes.of_engine(
        spikes.steps + missing, spikes.neurons, n_steps, spikes.n_neurons, spikes.signs
    )


def _numbers(plan: Plan, row: int, spikes: Spikes) -> NDArray[np.int64]:
    """Return the global numbers by which the engine knows spikes."""
    numbers: NDArray[np.int64] = spikes.neurons + plan.populations.first[row]
    if spikes.signs is not None:
        numbers += np.where(spikes.signs < 0, plan.populations.minus[row], 0)
    return numbers


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
    neurons.until[cells] = step + wait[waiting]
    if isinstance(neurons, FixedNeurons):
        neurons.v[cells] = 0
        return
    neurons.held[cells] = neurons.v[cells]
    neurons.v[cells] = np.nan
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
    dtype = engine_dtype(plan.network, plan.dtype)
    for name, row in plan.rows.items():
        size = int(populations.size[row])
        cell, slot = int(populations.cell[row]), int(populations.slot[row])
        if cell < 0:
            continue
        n_receptors, stride = int(populations.n_receptors[row]), int(populations.stride[row])
        slots = slot + np.arange(n_receptors)[:, None] * stride + np.arange(size)
        u[name] = neurons.u[slots].astype(dtype)
        until = neurons.until[cell : cell + size]
        v[name] = neurons.v[cell : cell + size].astype(dtype)
        if populations.refractory[row]:
            # freed in the very next step, or later; 0 marks those that never fired
            bound = (until >= step) & (until > 0)
            v[name][bound] = neurons.held[cell : cell + size][bound]
        wait[name] = np.maximum(until - step, 0)
        if name in targets:
            at = (step + np.arange(neurons.ring.shape[0])) % neurons.ring.shape[0]
            pending[name] = neurons.ring[at[:, None, None], slots].astype(dtype)
    return State(step, u, v, wait, _recent(plan, history), pending, key)


def _recent(plan: Plan, history: History) -> dict[str, Spikes]:
    starts, spikes = history
    return {name: list_spikes(plan, row, starts[:-1], spikes) for name, row in plan.rows.items()}


def list_spikes(
    plan: Plan, row: int, starts: NDArray[np.int64], spikes: NDArray[np.int32]
) -> Spikes:
    """Return the spikes of one population; ``starts`` has one row per step."""
    first, size = int(plan.populations.first[row]), int(plan.populations.size[row])
    minus = int(plan.populations.minus[row])
    n_spikes = int((starts[:, row + 1] - starts[:, row]).sum())
    steps = np.empty(n_spikes, dtype=np.int64)
    neurons = np.empty(n_spikes, dtype=np.int32)
    signs = np.empty(n_spikes if minus else 0, dtype=np.int8)
    list_population(starts, spikes, row, first, minus, steps, neurons, signs)
    return Spikes.of_engine(steps, neurons, starts.shape[0], size, signs if minus else None)
