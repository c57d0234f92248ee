"""Run a Network event by event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import ParameterError
from neurosparse.network import Activity, Network, Spikes
from neurosparse.network.checks import check_count, check_generator
from neurosparse.simulate.arithmetic import engine_dtype
from neurosparse.simulate.between import Between, Hook
from neurosparse.simulate.checkpoint import Checkpoint
from neurosparse.simulate.checks import MAX_STEP, as_path, check_kind
from neurosparse.simulate.inputs import Inputs, InputSpec
from neurosparse.simulate.intervals import interval, is_due, next_due
from neurosparse.simulate.overflows import Overflow, warn_of_overflows
from neurosparse.simulate.plan import MAX_THREADS
from neurosparse.simulate.probes import Probe, check_probes, check_recorded
from neurosparse.simulate.progress import Progress
from neurosparse.simulate.recording import Layout, MemorySink, Recorded, Sink
from neurosparse.simulate.session import Session
from neurosparse.simulate.state import State
from neurosparse.simulate.stream import StreamSink
from neurosparse.simulate.wires import has_signs

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
    overflows : dict of str to Overflow
        Of every population of integer neurons: how often ``u`` and ``v`` left their 24 bits.
    """

    start: int
    n_steps: int
    spikes: dict[str, Spikes]
    counts: dict[str, NDArray[np.int64]]
    traces: dict[Probe, NDArray[Any]]
    activity: Activity
    state: State
    network: Network
    overflows: dict[str, Overflow]


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
    arithmetic, bit for bit; where ``u`` or ``v`` leave their 24 bits, a `RegisterOverflowWarning`
    says so at the end.

    Parameters
    ----------
    network : Network
        What to run.
    inputs : mapping of str to stimulus or list of stimuli
        In absolute time: step 0 is the begin of the experiment, also where a run is continued.
        For a spike source: Spikes, a raster (n_steps, size) of zeros and ones, `Poisson`, or, if it
        sends messages (`SynapseFormat.num_message_bits`), integers (n_steps, size). For a
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
        Save the state here at the end; with a hook the network as well, to
        ``<checkpoint>.network``.
    checkpoint_every : int, optional [steps]
        Save also whenever the steps since the begin of the experiment are a multiple of it.
    between : callable, optional
        Hook that may rewire (see `Between`).
    between_every : int, optional [steps]
        Needed with ``between``, which is called whenever the steps since the begin of the
        experiment are a multiple of it, however a run is cut. The counts it is shown (`Moment`)
        begin with the run: where they matter, cut at such multiples (``checkpoint_every``).
    progress : bool
        Show a progress bar on stderr.

    Returns
    -------
    Run
        Spikes, traces, counted activity and the final state.

    Raises
    ------
    TopologyError, ShapeError, ParameterError
        If an argument is of another kind, or an input, probe or state does not fit the network.
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
    check_kind("network", network, Network, "a Network")
    threads = check_count("threads", threads, least=1, most=MAX_THREADS)
    reset_every = interval("reset_every", reset_every)
    checkpoint_every = interval("checkpoint_every", checkpoint_every, checkpoint is not None)
    between_every = interval("between_every", between_every, between is not None)
    if between is not None and between_every is None:
        raise ParameterError("between_every: needed with between; got None")
    recorded, probes = check_recorded(network, record), check_probes(probes)
    driven = Inputs(network, {} if inputs is None else inputs, dtype)
    state = State.at_rest(network, dtype=dtype) if state is None else state
    check_kind("state", state, State, "a State")
    state.check_fits(network, dtype)
    start = state.step
    n_steps = driven.n_steps(n_steps, start)
    stop = start + n_steps
    if stop > MAX_STEP:
        raise ParameterError(f"n_steps: got {n_steps} from step {start} on; steps end at 2^62")
    hook = None if between is None else Hook(between, network)
    session = Session(
        network,
        driven,
        state,
        dtype=dtype,
        threads=threads,
        probes=probes,
        # a hook is shown the spikes of all
        recorded=recorded if hook is None else tuple(network.populations),
        reset_every=min(reset_every or 0, MAX_STEP),
        key=_key(driven, state, rng),
    )
    sizes = {name: population.size for name, population in network.populations.items()}
    signed = tuple(name for name, p in network.populations.items() if has_signs(p.neuron))
    layout = Layout(sizes, recorded, probes, engine_dtype(network, dtype), signed)
    # all that may be missing or wrong is known before the first file is made
    bar = Progress("simulate", n_steps, progress)
    stream = None if stream is None else as_path("stream", stream)
    saved = _checkpoint(checkpoint, hook is not None, stream)
    with closing(_open_sink(stream, layout, start)) as sink, bar:
        while session.step < stop:
            until = next_due(session.step, stop, between_every, checkpoint_every)
            chunk = session.advance(until - session.step)
            sink.append(chunk)
            bar.advance(chunk.n_steps)
            if hook is not None:
                hook.watch(chunk)
                if is_due(session.step, between_every):
                    hook.call(session)
            if saved is not None and session.step < stop and is_due(session.step, checkpoint_every):
                saved.save(session)
    if saved is not None:
        saved.save(session)
    overflows = session.overflows()
    warn_of_overflows(overflows)
    kept = sink.recorded() if isinstance(sink, MemorySink) else Recorded({}, {}, [])
    return Run(
        start,
        n_steps,
        kept.spikes,
        kept.counts,
        dict(zip(probes, kept.traces, strict=False)),
        session.activity(),
        session.state(),
        session.network,
        overflows,
    )


def _key(inputs: Inputs, state: State, rng: np.random.Generator | None) -> int | None:
    """Return the key of the random streams: a new one where a generator is given."""
    if rng is not None:
        return int(check_generator(rng).integers(1 << 63))
    if inputs.is_random and state.key is None:
        raise ParameterError(
            "rng: needed to draw Poisson events or noise; pass numpy.random.default_rng(seed)"
        )
    return state.key


def _checkpoint(given: Any, rewires: bool, stream: Path | None) -> Checkpoint | None:
    if given is None:
        return None
    checkpoint = Checkpoint(as_path("checkpoint", given), rewires)
    if stream is not None and stream.resolve() in [file.resolve() for file in checkpoint.files]:
        raise ParameterError(f"stream: got {stream}; checkpoint writes to it as well")
    return checkpoint


def _open_sink(stream: Path | None, layout: Layout, start: int) -> Sink:
    if stream is None:
        return MemorySink(layout, start)
    if start > 0 and stream.exists():
        return StreamSink.resume(stream, layout, start)
    return StreamSink(stream, layout, start)
