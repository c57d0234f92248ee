"""Run a Network event by event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import ParameterError, StorageError
from neurosparse.network import Activity, Network, Spikes
from neurosparse.network.checks import check_count, check_generator
from neurosparse.simulate.between import Between, Moment, rewired
from neurosparse.simulate.inputs import Inputs, InputSpec
from neurosparse.simulate.plan import MAX_THREADS, check_dtype
from neurosparse.simulate.probes import Probe, check_population
from neurosparse.simulate.progress import Progress
from neurosparse.simulate.recording import Chunk, Layout, MemorySink, Sink
from neurosparse.simulate.session import Session
from neurosparse.simulate.state import State
from neurosparse.simulate.stream import StreamSink

__all__ = ["Run", "simulate"]


@dataclass(frozen=True)
class Run:
    """What a simulation gave.

    Parameters
    ----------
    start : int
        First step that was run (0 unless a run was continued).
    n_steps : int
        Steps that were run.
    spikes : dict of str to Spikes
        Of the recorded populations, sources included; steps count from ``start``. Empty where the
        run was streamed to a file.
    counts : dict of str to (n_steps,) int64
        Spikes per step of every population; empty where streamed.
    traces : dict of Probe to (n_samples, n_probed) array
        In the dtype of the engine (int64 for integer networks); empty where streamed.
    activity : Activity
        Counted over all populations, recorded or not.
    state : State
        After the last step; hand it to the next run to go on.
    network : Network
        As it was after the last step: another one than was given if the run rewired it.
    """

    start: int
    n_steps: int
    spikes: dict[str, Spikes]
    counts: dict[str, NDArray[np.int64]]
    traces: dict[Probe, NDArray[Any]]
    activity: Activity
    state: State
    network: Network


def simulate(
    network: Network,
    inputs: Mapping[str, InputSpec] | None = None,
    n_steps: int | None = None,
    *,
    probes: Sequence[Probe] = (),
    record: Sequence[str] | None = None,
    dtype: Any = np.float32,
    reset_every: int | None = None,
    state: State | None = None,
    rng: np.random.Generator | None = None,
    threads: int = 1,
    stream: str | PathLike[str] | None = None,
    checkpoint: str | PathLike[str] | None = None,
    checkpoint_every: int | None = None,
    between: Between | None = None,
    between_every: int | None = None,
    progress: bool = False,
) -> Run:
    r"""Simulate a network event by event.

    One step, in this order (``r`` numbers the receptors; float networks)::

        u_r[t] = (1 - du_r) u_r[t-1]
        u_r[t] += what synapses with delays of their own have sent for this step (one sum)
        u_r[t] += w             for every spike that arrives: projections in the order of the
                                network, sources ascending
        u_r[t] += k weight      for every Poisson stimulus, in the order given
        u_0[t] += current       the sum of all currents given
        v[t]    = (1 - dv) v[t-1] + (u_0[t] + u_1[t] + ...) + bias     unless refractory
        s[t]    = v[t] > vth    and then the reset (see `LIF`)

    In float32 the additions to ``u`` are made one by one, in float64 what arrives in a step is
    summed in this order and then added, as Lava does: a float64 run of float32 weights agrees with
    Lava's ``floating_pt`` models bit for bit.
    A spike of step ``t`` arrives ``delay`` steps later, 1 to 255. Time is paid per spike and
    synapse, plus a small price per neuron and step. An integer network runs in Lava's fixed-point
    arithmetic, bit for bit.

    Parameters
    ----------
    network : Network
        What to run.
    inputs : mapping of str to stimulus or list of stimuli
        In absolute time: step 0 is the begin of the experiment, also where a run is continued.
        For a spike source: Spikes, a raster (n_steps, size) of zeros and ones, or `Poisson`. For a
        population of neurons: currents (n_steps, size), added to receptor 0 (integers for an
        integer network), `StepCurrent`, `NoiseCurrent` or `Poisson`. Populations left out, and
        steps after the end of an input, are silent.
    n_steps : int, optional [steps]
        Steps to run now; default up to the end of the longest input.
    probes : sequence of Probe
        Traces of ``u`` or ``v`` to record.
    record : sequence of str, optional
        Populations whose spikes are kept; default all.
    dtype : {numpy.float32, numpy.float64}
        Arithmetic of a float network.
    reset_every : int, optional [steps]
        Run samples back to back: at the steps ``d + k * reset_every`` a population at depth ``d``
        (`Network.depths`) starts from ``u = v = 0``. In a feed-forward network whose paths to a
        population all have the same length, samples are then exactly independent.
        `simulate_batch` runs independent samples of any network.
    state : State, optional
        Where to begin; default at rest, step 0.
    rng : numpy.random.Generator, optional
        Seed of `Poisson` and `NoiseCurrent`; needed for them unless ``state`` comes from a run
        that had one. Without it such a run goes on with the same streams.
    threads : int
        How many work at once, each on neurons of its own (as far as the machine has them). Results
        are the same for any number.
    stream : path, optional
        Write spikes, counts and traces to this HDF5 file instead of keeping them (see
        `Recording`). A run that is continued (``state.step > 0``) continues an existing file.
    checkpoint : path, optional
        Save the state here every ``checkpoint_every`` steps and at the end; if the run rewires,
        the network as well, to ``<checkpoint>.network``.
    checkpoint_every : int, optional [steps]
        Default: at the end only.
    between : callable, optional
        Hook called every ``between_every`` steps that may rewire (see `Between`).
    between_every : int, optional [steps]
        Needed with ``between``.
    progress : bool
        Show a progress bar on stderr.

    Returns
    -------
    Run
        Spikes, traces, counted activity and the final state.

    Raises
    ------
    TopologyError, ShapeError, ParameterError
        If an input, probe or state does not fit the network.
    StorageError, BackendMissingError
        If a file cannot be written, or the library that writes it is not installed.

    Notes
    -----
    Bit-repeatable. The first call on a machine compiles the kernels (a notice says so; cached on
    disk afterwards). Numbers too small to be normal are set to zero every 64 steps, as arithmetic
    on them is slow. Oracles: ``tests/reference/dense.py``, ``tests/reference/fixed_point.py``, and
    Lava.

    Examples
    --------
    >>> import numpy as np
    >>> from neurosparse import LIF, Network, Population, Projection, Synapses
    >>> synapses = Synapses.from_edges([0], [0], 1.5, n_pre=1, n_post=1)
    >>> net = Network(
    ...     {"in": Population(1), "out": Population(1, LIF())}, [Projection("in", "out", synapses)]
    ... )
    >>> simulate(net, {"in": np.eye(4, 1)}).spikes["out"].steps.tolist()
    [1]
    """
    check_dtype(dtype)
    every = 0 if reset_every is None else check_count("reset_every", reset_every, least=1)
    threads = check_count("threads", threads, least=1, most=MAX_THREADS)
    recorded = _recorded(network, record)
    probes = tuple(probes)
    driven = Inputs(network, inputs if inputs is not None else {}, dtype)
    state = State.at_rest(network, dtype=dtype) if state is None else state
    state.check_fits(network, dtype)
    start = state.step
    n_steps = driven.n_steps(n_steps, start)
    key = _key(driven, state, rng)
    between_every = _interval("between", between, between_every)
    checkpoint_every = _interval("checkpoint", checkpoint, checkpoint_every, n_steps)

    def session_of(network: Network, state: State) -> Session:
        return Session(
            network,
            driven,
            state,
            dtype=dtype,
            threads=threads,
            probes=probes,
            # a hook is shown the spikes of all
            recorded=recorded if between is None else tuple(network.populations),
            reset_every=every,
            key=key or 0,
        )

    session = session_of(network, state)
    layout = Layout(
        {name: population.size for name, population in network.populations.items()},
        recorded,
        probes,
        session.plan.neurons.v.dtype,
    )
    sink = _open_sink(stream, layout, start)
    counted = _Counted(network)
    budget = network.n_synapses
    stop = start + n_steps
    try:
        with Progress("simulate", n_steps, progress) as bar:
            while session.step < stop:
                until = min(
                    stop,
                    _next(session.step, between_every, start),
                    _next(session.step, checkpoint_every, start),
                )
                chunk = session.advance(until - session.step)
                sink.append(chunk)
                counted.add(chunk, by_neuron=between is not None)
                bar.advance(chunk.n_steps)
                if between is not None and _is_due(session.step, between_every, start):
                    now = session.state(key is not None)
                    moment = Moment(
                        session.step, between_every, counted.take(), session.plan.network, now
                    )
                    changes = between(moment)
                    if changes:
                        counted.add_events(session)
                        network = rewired(network, changes, budget)
                        session = session_of(network, now)
                if checkpoint is not None and _is_due(session.step, checkpoint_every, start):
                    _save(checkpoint, session, key is not None, between is not None)
    finally:
        sink.close()
    if checkpoint is not None:
        _save(checkpoint, session, key is not None, between is not None)
    counted.add_events(session)
    kept = sink.recorded() if isinstance(sink, MemorySink) else None
    return Run(
        start,
        n_steps,
        {} if kept is None else kept.spikes,
        {} if kept is None else kept.counts,
        {} if kept is None else dict(zip(probes, kept.traces, strict=True)),
        counted.activity(n_steps),
        session.state(key is not None),
        network,
    )


class _Counted:
    """Adds up what the chunks of a run say."""

    def __init__(self, network: Network) -> None:
        self._sizes = {name: population.size for name, population in network.populations.items()}
        self._neurons = {name for name, p in network.populations.items() if p.neuron is not None}
        self._spikes = dict.fromkeys(self._sizes, 0)
        self._events = {projection.name: 0 for projection in network.projections}
        self._since = self._nothing()

    def _nothing(self) -> dict[str, NDArray[np.int64]]:
        return {name: np.zeros(size, dtype=np.int64) for name, size in self._sizes.items()}

    def add(self, chunk: Chunk, *, by_neuron: bool) -> None:
        """Count a chunk; ``by_neuron`` for the hook between steps."""
        for name, counts in chunk.counts.items():
            self._spikes[name] += int(counts.sum())
        if by_neuron:
            for name, spikes in chunk.spikes.items():
                self._since[name] += np.bincount(spikes.neurons, minlength=spikes.n_neurons)

    def take(self) -> dict[str, NDArray[np.int64]]:
        """Return the spikes per neuron since the last call."""
        since, self._since = self._since, self._nothing()
        return since

    def add_events(self, session: Session) -> None:
        """Take over the events of a session that ends."""
        for projection, n in zip(session.plan.network.projections, session.events, strict=True):
            self._events[projection.name] += int(n)

    def activity(self, n_steps: int) -> Activity:
        """Return all counts."""
        updates = {
            name: self._sizes[name] * n_steps for name in self._sizes if name in self._neurons
        }
        return Activity(n_steps, self._spikes, self._events, updates)


def _recorded(network: Network, record: Sequence[str] | None) -> tuple[str, ...]:
    if record is None:
        return tuple(network.populations)
    for name in record:
        check_population(network, "record", name)
    return tuple(name for name in network.populations if name in record)


def _key(inputs: Inputs, state: State, rng: np.random.Generator | None) -> int | None:
    """Return the key of the random streams: a new one where a generator is given."""
    if rng is not None:
        return int(check_generator(rng).integers(1 << 63))
    if inputs.is_random and state.key is None:
        raise ParameterError(
            "rng: needed to draw Poisson events or noise; pass numpy.random.default_rng(seed)"
        )
    return state.key


def _interval(name: str, wanted: Any, every: int | None, default: int | None = None) -> int:
    """Return every how many steps something is done; 0 for never."""
    if wanted is None:
        if every is not None:
            raise ParameterError(f"{name}_every: got {every}, but {name} was not given")
        return 0
    if every is None:
        if default is None:
            raise ParameterError(f"{name}_every: needed with {name}; got None")
        return default
    return check_count(f"{name}_every", every, least=1)


def _next(step: int, every: int, start: int) -> int:
    """Return the next step at which something due every so often is due."""
    return step + every - (step - start) % every if every else step + (1 << 62)


def _is_due(step: int, every: int, start: int) -> bool:
    return every > 0 and (step - start) % every == 0


def _open_sink(stream: str | PathLike[str] | None, layout: Layout, start: int) -> Sink:
    if stream is None:
        return MemorySink(layout, start)
    if start > 0 and Path(stream).exists():
        return StreamSink.resume(stream, layout, start)
    return StreamSink(stream, layout, start)


def _save(path: str | PathLike[str], session: Session, has_key: bool, rewires: bool) -> None:
    try:
        # the network first: a state whose network is newer can still be run, the other way is lost
        if rewires:
            session.plan.network.save(f"{path}.network")
        session.state(has_key).save(path)
    except OSError as error:
        raise StorageError(f"{path}: cannot be written: {error.strerror or error}") from error
