"""Drive the kernels chunk by chunk: a plan, what is under way, and the step that comes next."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from neurosparse.jit import compile_notice
from neurosparse.network import Activity, Network, Spikes
from neurosparse.simulate.arithmetic import engine_dtype
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
from neurosparse.simulate.overflows import Overflow, count_overflows, named_overflows
from neurosparse.simulate.parts import parts_for
from neurosparse.simulate.plan import make_plan
from neurosparse.simulate.probes import Probe, place_probes
from neurosparse.simulate.recording import Chunk
from neurosparse.simulate.state import State
from neurosparse.simulate.under_way import pending_depth

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
    key : int, optional
        Of the random streams; not needed where nothing is random.

    Attributes
    ----------
    network : Network
        What runs now.
    step : int
        Next step (absolute).
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
        key: int | None,
    ) -> None:
        self._inputs, self._dtype, self._threads = inputs, dtype, threads
        self._probes, self._recorded = probes, recorded
        self._reset_every, self._key = reset_every, key
        self._start = state.step
        self._n_spikes = np.zeros(len(network.populations), dtype=np.int64)
        self._n_events = np.zeros(len(network.projections), dtype=np.int64)
        self._n_overflows = np.zeros((len(network.populations), 2), dtype=np.int64)
        self._begin(network, state)

    def _begin(self, network: Network, state: State) -> None:
        sent = [pending.shape[0] for pending in state.pending.values()]
        depth = max([pending_depth(network), *sent])
        n_parts = parts_for(network, self._dtype, self._threads, depth)
        self.network = network
        self.step = state.step
        self._plan = make_plan(
            network,
            self._dtype,
            self._inputs.current_columns,
            n_parts,
            depth,
            message_columns=self._inputs.message_columns,
        )
        self._places = place_probes(network, self._plan.populations, self._probes)
        load_state(self._plan, state)
        self._history: History = history_of(self._plan, state)
        columns = max(self._inputs.n_columns, self._inputs.n_message_columns)
        width = max(1, columns, self._places.slots.size, self._places.cells.size)
        self._most_steps = max(
            1, min(_MOST_STEPS, _ROOM // width, 8 * _ROOM // self._plan.n_neurons)
        )

    def rewire(self, network: Network) -> None:
        """Go on from here with other synapses between the same populations."""
        self._n_overflows += count_overflows(self._plan)
        self._begin(network, self.state())

    def state(self) -> State:
        """Return the state before the next step."""
        return take_state(self._plan, self.step, self._history, self._key)

    def activity(self) -> Activity:
        """Return what has been counted since the session began."""
        n_steps = self.step - self._start
        populations = self.network.populations
        return Activity(
            n_steps,
            dict(zip(populations, self._n_spikes.tolist(), strict=True)),
            {
                projection.name: int(n)
                for projection, n in zip(self.network.projections, self._n_events, strict=True)
            },
            {name: p.size * n_steps for name, p in populations.items() if p.neuron is not None},
        )

    def overflows(self) -> dict[str, Overflow]:
        """Return how often integer neurons left their 24 bits since the session began."""
        return named_overflows(self.network, self._n_overflows + count_overflows(self._plan))

    def advance(self, n_steps: int) -> Chunk:
        """Run up to ``n_steps`` steps and return what they gave."""
        n_steps = min(n_steps, self._most_steps)
        start = self.step
        plan = self._plan
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
                    self._inputs.chunk(start, start + n_steps, self._key, n_history),
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
        n_neurons = self._plan.n_neurons
        most = n_steps * n_neurons
        room = np.empty(
            spikes.size + min(most, max(_ROOM, 2 * self._plan.window * n_neurons)) + 1,
            dtype=np.int32,
        )
        room[: spikes.size] = spikes
        places = self._places
        dtype = engine_dtype(self.network, self._dtype)
        return Record(
            starts=table,
            spikes=room,
            events=self._n_events,
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
        for name, row in self._plan.rows.items():
            counts[name] = starts[:, row + 1] - starts[:, row]
            self._n_spikes[row] += counts[name].sum()
            if name in self._recorded:
                spikes[name] = list_spikes(self._plan, row, starts, record.spikes)
        traces = {"u": record.trace_u[:done], "v": record.trace_v[:done]}
        return Chunk(start, done, spikes, counts, self._places.samples(self._probes, start, traces))
