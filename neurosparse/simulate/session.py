"""Drive the kernels chunk by chunk: a plan, what is under way, and the step that comes next."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from neurosparse.jit import compile_notice
from neurosparse.network import Network, Spikes
from neurosparse.simulate.engine_arrays import Record
from neurosparse.simulate.engine_kernels import run_parallel, run_serial
from neurosparse.simulate.exchange import (
    History,
    history_of,
    list_spikes,
    load_state,
    take_state,
)
from neurosparse.simulate.inputs import Inputs
from neurosparse.simulate.parts import parts_for
from neurosparse.simulate.plan import make_plan
from neurosparse.simulate.probes import Probe, place_probes
from neurosparse.simulate.recording import Chunk
from neurosparse.simulate.state import State, pending_depth

__all__ = ["Session"]

_ROOM = 1 << 22  # entries; bounds the memory of a chunk of steps
_MOST_STEPS = 1 << 12


class Session:
    """A network laid out and running.

    Parameters
    ----------
    network : Network
        What runs.
    inputs : Inputs
        What drives it.
    state : State
        Where it begins; it must fit.
    dtype : dtype
        Arithmetic of a float network.
    threads : int
        How many work at once.
    probes : sequence of Probe
        What is sampled.
    recorded : sequence of str
        Populations whose spikes are handed out.
    reset_every : int
        Steps of a sample; 0 for none.
    key : int
        Of the random streams.
    """

    def __init__(
        self,
        network: Network,
        inputs: Inputs,
        state: State,
        *,
        dtype: Any,
        threads: int,
        probes: tuple[Probe, ...],
        recorded: tuple[str, ...],
        reset_every: int,
        key: int,
    ) -> None:
        self._threads = threads
        sent = [pending.shape[0] for pending in state.pending.values()]
        depth = max([pending_depth(network), *sent])
        n_parts = parts_for(network, dtype, threads, depth)
        self.plan = make_plan(network, dtype, inputs.current_columns, n_parts, depth)
        self.step = state.step
        self.events = np.zeros(len(network.projections), dtype=np.int64)
        self._inputs = inputs
        self._probes = probes
        self._places = place_probes(network, self.plan.populations, probes)
        self._recorded = recorded
        self._reset_every = reset_every
        self._key = key
        load_state(self.plan, state)
        self._history: History = history_of(self.plan, state)
        width = max(1, inputs.n_columns, self._places.slots.size, self._places.cells.size)
        self._most_steps = max(1, min(_MOST_STEPS, _ROOM // width, 8 * _ROOM // self.n_neurons))

    @property
    def n_neurons(self) -> int:
        """Neurons and sources."""
        return self.plan.n_neurons

    def state(self, has_key: bool) -> State:
        """Return the state before the next step."""
        return take_state(self.plan, self.step, self._history, self._key if has_key else None)

    def advance(self, n_steps: int) -> Chunk:
        """Run up to ``n_steps`` steps and return what they gave."""
        n_steps = min(n_steps, self._most_steps)
        start = self.step
        plan = self.plan
        record = self._record(n_steps)
        n_history = self._history[0].shape[0] - 1
        run: Any = run_serial if self._threads == 1 else run_parallel
        threads = min(self._threads, numba.config.NUMBA_NUM_THREADS)
        before = numba.get_num_threads()
        numba.set_num_threads(threads)
        try:
            with compile_notice(run):
                done = run(
                    plan.n_parts,
                    start,
                    n_steps,
                    plan.window,
                    n_history,
                    self._reset_every,
                    plan.populations,
                    plan.projections,
                    plan.neurons,
                    plan.parts,
                    self._inputs.chunk(start, start + n_steps, self._key),
                    record,
                )
        finally:
            numba.set_num_threads(before)
        self.step += done
        chunk = self._chunk(start, done, record, n_history)
        self._keep_history(record, n_history, done)
        return chunk

    def _record(self, n_steps: int) -> Record:
        starts, spikes = self._history
        n_history = starts.shape[0] - 1
        table = np.zeros((n_history + n_steps + 1, starts.shape[1]), dtype=np.int64)
        table[: n_history + 1] = starts
        most = n_steps * self.n_neurons
        room = np.empty(
            spikes.size + min(most, max(_ROOM, 2 * self.plan.window * self.n_neurons)) + 1,
            dtype=np.int32,
        )
        room[: spikes.size] = spikes
        places = self._places
        dtype = self.plan.neurons.v.dtype
        return Record(
            starts=table,
            spikes=room,
            events=self.events,
            probe_slot=places.slots,
            probe_slot_population=places.slot_population,
            probe_cell=places.cells,
            probe_cell_population=places.cell_population,
            trace_u=np.zeros((n_steps, places.slots.size), dtype=dtype),
            trace_v=np.zeros((n_steps, places.cells.size), dtype=dtype),
        )

    def _keep_history(self, record: Record, n_history: int, done: int) -> None:
        starts = record.starts[done : done + n_history + 1].copy()
        low, high = starts[0, 0], starts[-1, 0]
        self._history = starts - low, record.spikes[low:high].copy()

    def _chunk(self, start: int, done: int, record: Record, n_history: int) -> Chunk:
        starts = record.starts[n_history : n_history + done]
        spikes: dict[str, Spikes] = {}
        counts: dict[str, NDArray[np.int64]] = {}
        for name, row in self.plan.rows.items():
            begin = starts[:, row]
            counts[name] = starts[:, row + 1] - begin
            if name not in self._recorded:
                continue
            spikes[name] = list_spikes(
                starts,
                record.spikes,
                row,
                int(self.plan.populations.first[row]),
                int(self.plan.populations.size[row]),
            )
        traces = {"u": record.trace_u[:done], "v": record.trace_v[:done]}
        return Chunk(start, done, spikes, counts, self._places.samples(self._probes, start, traces))
