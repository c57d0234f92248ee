"""Run a Network event by event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import ParameterError, TopologyError
from neurosparse.network import Activity, Network, Spikes
from neurosparse.network.checks import check_count, check_indices
from neurosparse.simulate.engine_kernels import Record, run_steps
from neurosparse.simulate.inputs import Inputs, InputSpec
from neurosparse.simulate.plan import Plan, make_plan

__all__ = ["Probe", "Run", "simulate"]

_SPIKE_BUFFER = 1 << 22  # entries; bounds the memory of a chunk of steps


@dataclass(frozen=True)
class Probe:
    """What to record besides spikes.

    Parameters
    ----------
    population : str
        Which population.
    variable : {"u", "v"}
        Synaptic current (receptor 0 unless given) or membrane, after reset.
    neurons : sequence or vector of int, optional
        Which neurons; default all. Kept as a tuple.
    receptor : int
        Receptor of ``u``.

    Raises
    ------
    ParameterError
        If ``neurons`` are not whole numbers.
    """

    population: str
    variable: Literal["u", "v"]
    neurons: tuple[int, ...] | None = None
    receptor: int = 0

    def __post_init__(self) -> None:
        if self.neurons is None:
            return
        given = np.asarray(self.neurons)
        if given.ndim != 1 or (given.size and given.dtype.kind not in "iu"):
            raise ParameterError(
                f"probe of {self.population!r}: neurons: got {self.neurons!r}; expected a sequence "
                "of whole numbers"
            )
        # hashable, as probes are the keys of Run.traces
        object.__setattr__(self, "neurons", tuple(int(neuron) for neuron in given))


@dataclass(frozen=True)
class Run:
    """What a simulation gave.

    Parameters
    ----------
    n_steps : int
        Steps that were run.
    spikes : dict of str to Spikes
        Of the recorded populations, sources included.
    traces : dict of Probe to (n_steps, n_probed) array
        In the dtype of the engine (int64 for integer networks).
    activity : Activity
        Counted over all populations, recorded or not.
    """

    n_steps: int
    spikes: dict[str, Spikes]
    traces: dict[Probe, NDArray[Any]]
    activity: Activity


def simulate(
    network: Network,
    inputs: Mapping[str, InputSpec],
    n_steps: int | None = None,
    *,
    probes: Sequence[Probe] = (),
    record: Sequence[str] | None = None,
    dtype: Any = np.float32,
    reset_every: int | None = None,
) -> Run:
    """Simulate a network event by event.

    In every step each population takes what arrives, updates ``u`` and ``v``, and compares with
    its threshold (see `LIF`); then the spikes of the step are delivered, one to 255 steps ahead.
    Time is paid per spike and synapse, plus a small price per neuron and step. An integer network
    runs in Lava's fixed-point arithmetic, bit for bit.

    Parameters
    ----------
    network : Network
        What to run.
    inputs : mapping of str to Spikes or array
        For a spike source: Spikes, or a raster (n_steps, size) of zeros and ones. For a population
        of neurons: currents (n_steps, size), added to what arrives at receptor 0; integers for an
        integer network. Populations left out are silent.
    n_steps : int, optional [steps]
        Length of the run; default the longest input.
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

    Returns
    -------
    Run
        Spikes, traces and counted activity.

    Raises
    ------
    TopologyError, ShapeError, ParameterError
        If an input or probe does not fit the network.

    Notes
    -----
    Serial and bit-repeatable. The first call on a machine compiles the kernels (some seconds;
    cached on disk afterwards). Within a projection, weights are summed in ascending order of the
    source, hence a float32 run agrees with a row-wise sparse product exactly. Oracles:
    ``tests/reference/dense.py``, ``tests/reference/fixed_point.py``, and Lava.

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
    _check_dtype(dtype)
    every = 0 if reset_every is None else check_count("reset_every", reset_every, least=1)
    kept = _recorded(network, record)
    driven = Inputs(network, inputs, n_steps, dtype)
    plan = make_plan(network, dtype, driven.current_columns)
    slots, neurons, places = _place_probes(network, plan, probes)
    state_dtype = plan.neurons.v.dtype
    trace_u = np.zeros((driven.n_steps, slots.size), dtype=state_dtype)
    trace_v = np.zeros((driven.n_steps, neurons.size), dtype=state_dtype)
    events = np.zeros(len(network.projections), dtype=np.int64)
    per_chunk = max(1, _SPIKE_BUFFER // plan.n_neurons)
    spike_steps: list[NDArray[np.int64]] = []
    spike_neurons: list[NDArray[np.int32]] = []
    n_spikes = np.zeros(len(network.populations), dtype=np.int64)
    edges = np.append(plan.populations.first, plan.n_neurons)
    keep = np.repeat([name in kept for name in network.populations], plan.populations.size)
    for start in range(0, driven.n_steps, per_chunk):
        stop = min(start + per_chunk, driven.n_steps)
        chunk = Record(
            spike_ptr=np.zeros(stop - start + 1, dtype=np.int64),
            spike_neuron=np.empty((stop - start) * plan.n_neurons, dtype=np.int32),
            events=events,
            probe_slot=slots,
            probe_neuron=neurons,
            trace_u=trace_u[start:stop],
            trace_v=trace_v[start:stop],
        )
        run_steps(
            start,
            stop - start,
            every,
            plan.populations,
            plan.projections,
            plan.neurons,
            plan.ring,
            driven.chunk(start, stop),
            chunk,
        )
        fired = chunk.spike_neuron[: chunk.spike_ptr[-1]]
        at = np.repeat(np.arange(start, stop), np.diff(chunk.spike_ptr))
        n_spikes += np.histogram(fired, edges)[0]
        wanted = keep[fired]
        spike_steps.append(at[wanted])
        spike_neurons.append(fired[wanted])
    return Run(
        driven.n_steps,
        _split_spikes(network, plan, kept, spike_steps, spike_neurons, driven.n_steps),
        {probe: (trace_u if kind == "u" else trace_v)[:, part] for probe, kind, part in places},
        _activity(network, driven.n_steps, n_spikes, events),
    )


def _check_dtype(dtype: Any) -> None:
    try:
        # numpy reads None as float64; here it is a mistake
        allowed = dtype is not None and np.dtype(dtype) in (np.float32, np.float64)
    except TypeError:
        allowed = False
    if not allowed:
        raise ParameterError(f"dtype: got {dtype!r}; allowed is float32 or float64")


def _recorded(network: Network, record: Sequence[str] | None) -> list[str]:
    if record is None:
        return list(network.populations)
    for name in record:
        _check_population(network, "record", name)
    return [name for name in network.populations if name in record]


def _check_population(network: Network, where: str, name: str) -> None:
    if name not in network.populations:
        known = ", ".join(map(repr, network.populations))
        raise TopologyError(f"{where}: no population {name!r}; there are {known}")


def _place_probes(
    network: Network, plan: Plan, probes: Sequence[Probe]
) -> tuple[NDArray[np.int64], NDArray[np.int64], list[tuple[Probe, str, slice]]]:
    columns: dict[str, list[NDArray[np.int64]]] = {"u": [], "v": []}
    used = {"u": 0, "v": 0}
    places: list[tuple[Probe, str, slice]] = []
    for probe in probes:
        _check_population(network, "probes", probe.population)
        population = network.populations[probe.population]
        if population.neuron is None or probe.variable not in columns:
            raise ParameterError(
                f"probes: cannot record {probe.variable!r} of {probe.population!r}; "
                "u and v of populations of neurons can be recorded"
            )
        if not 0 <= probe.receptor < population.neuron.n_receptors:
            raise ParameterError(
                f"probes: {probe.population!r} has {population.neuron.n_receptors} receptors, "
                f"numbered from 0; got {probe.receptor}"
            )
        chosen = np.arange(population.size) if probe.neurons is None else np.array(probe.neurons)
        chosen = chosen.astype(np.int64)
        check_indices(f"probes: neurons of {probe.population!r}", chosen, population.size)
        row = plan.rows[probe.population]
        offset = (
            plan.populations.first[row]
            if probe.variable == "v"
            else plan.populations.slot[row] + probe.receptor * population.size
        )
        columns[probe.variable].append(chosen + offset)
        begin = used[probe.variable]
        used[probe.variable] = begin + chosen.size
        places.append((probe, probe.variable, slice(begin, begin + chosen.size)))
    slots, neurons = (
        np.concatenate([np.zeros(0, np.int64), *columns[variable]]) for variable in "uv"
    )
    return slots, neurons, places


def _split_spikes(
    network: Network,
    plan: Plan,
    kept: list[str],
    steps: list[NDArray[np.int64]],
    neurons: list[NDArray[np.int32]],
    n_steps: int,
) -> dict[str, Spikes]:
    all_steps = np.concatenate([np.zeros(0, np.int64), *steps])
    all_neurons = np.concatenate([np.zeros(0, np.int32), *neurons])
    spikes = {}
    for name in kept:
        first = plan.populations.first[plan.rows[name]]
        size = network.populations[name].size
        own = (all_neurons >= first) & (all_neurons < first + size)
        spikes[name] = Spikes(
            all_steps[own], (all_neurons[own] - first).astype(np.int32), n_steps, size
        )
    return spikes


def _activity(
    network: Network, n_steps: int, n_spikes: NDArray[np.int64], events: NDArray[np.int64]
) -> Activity:
    return Activity(
        n_steps,
        {name: int(n) for name, n in zip(network.populations, n_spikes, strict=True)},
        {p.name: int(n) for p, n in zip(network.projections, events, strict=True)},
        {
            name: population.size * n_steps
            for name, population in network.populations.items()
            if population.neuron is not None
        },
    )
