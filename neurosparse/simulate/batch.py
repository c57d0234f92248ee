"""Run many independent samples through one network and count their spikes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import ParameterError, ShapeError
from neurosparse.jit import compile_notice
from neurosparse.network import Activity, Network
from neurosparse.network.checks import check_count, check_finite
from neurosparse.simulate.batch_kernels import run_samples
from neurosparse.simulate.engine_arrays import Drive, Record, Samples
from neurosparse.simulate.plan import MAX_THREADS, Plan, check_dtype, make_plan
from neurosparse.simulate.probes import check_population
from neurosparse.simulate.state import n_recent

__all__ = ["BatchRun", "simulate_batch"]

_ROOM = 1 << 22  # entries of spikes that a thread keeps at a time


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
    """

    n_steps: int
    counts: dict[str, NDArray[np.int32]]
    activity: Activity


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
        Rasters of zeros and ones for spike sources, currents for populations of neurons.
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
    check_dtype(dtype)
    threads = check_count("threads", threads, least=1, most=MAX_THREADS)
    given = _Given(network, inputs, dtype)
    counted = tuple(network.outputs if record is None else record)
    for name in counted:
        check_population(network, "record", name)
    counts = {
        name: np.zeros((given.batch, network.populations[name].size), dtype=np.int32)
        for name in counted
    }
    sizes = [counts[name].shape[1] for name in counted]
    table = np.zeros((given.batch, sum(sizes)), dtype=np.int32)
    columns = np.full(len(network.populations), -1, dtype=np.int64)
    for name, column in zip(counted, np.cumsum([0, *sizes]), strict=False):
        columns[list(network.populations).index(name)] = column
    samples = Samples(given.rasters, given.raster_column, given.currents, table, columns)
    n_steps = given.n_steps + max(network.depths.values())
    n_workers = min(threads, max(1, given.batch))
    edges = [given.batch * worker // n_workers for worker in range(n_workers + 1)]
    base = make_plan(network, dtype, given.current_columns)
    plans = [base, *(base.copy() for _ in edges[2:])]
    events = np.zeros((len(plans), len(network.projections)), dtype=np.int64)
    spikes = np.zeros((len(plans), len(network.populations)), dtype=np.int64)

    def run(worker: int) -> None:
        plan = plans[worker]
        run_samples(
            edges[worker],
            edges[worker + 1],
            n_steps,
            plan.window,
            n_recent(network),
            plan.populations,
            plan.projections,
            plan.neurons,
            plan.parts,
            _drive(plan, given, n_steps),
            _record(plan, n_steps, events[worker]),
            samples,
            spikes[worker],
        )

    with compile_notice(run_samples):
        if len(plans) == 1:
            run(0)
        else:
            with ThreadPoolExecutor(len(plans)) as pool:
                list(pool.map(run, range(len(plans))))
    for name, column in zip(counted, np.cumsum([0, *sizes]), strict=False):
        counts[name] = table[:, column : column + counts[name].shape[1]].copy()
    return BatchRun(
        given.n_steps,
        counts,
        Activity(
            n_steps * given.batch,
            dict(zip(network.populations, spikes.sum(axis=0).tolist(), strict=True)),
            {p.name: int(n) for p, n in zip(network.projections, events.sum(axis=0), strict=True)},
            {
                name: population.size * n_steps * given.batch
                for name, population in network.populations.items()
                if population.neuron is not None
            },
        ),
    )


class _Given:
    """Checked inputs side by side: rasters in one array, currents in another."""

    def __init__(self, network: Network, inputs: Any, dtype: Any) -> None:
        if not isinstance(inputs, Mapping):
            if len(network.inputs) != 1:
                raise ParameterError(
                    f"inputs: got one array for the inputs {list(network.inputs)}; expected a "
                    "mapping of population names to arrays"
                )
            inputs = {network.inputs[0]: inputs}
        if not inputs:
            raise ParameterError("inputs: got none; expected at least one array of samples")
        engine = np.dtype(np.int64 if network.is_integer else dtype)
        arrays = {name: np.asarray(value) for name, value in inputs.items()}
        for name, array in arrays.items():
            check_population(network, "inputs", name)
            size = network.populations[name].size
            if array.ndim != 3 or array.shape[2] != size:
                raise ShapeError(
                    f"inputs[{name!r}]: got shape {array.shape}; expected (batch, n_steps, {size})"
                )
        shapes = {array.shape[:2] for array in arrays.values()}
        if len(shapes) > 1:
            raise ShapeError(f"inputs: got (batch, n_steps) of {sorted(shapes)}; expected one")
        self.batch, self.n_steps = shapes.pop()
        rasters, currents = [], []
        self.raster_column = np.full(len(network.populations), -1, dtype=np.int64)
        self.current_columns: dict[str, int] = {}
        used = {"raster": 0, "current": 0}
        for row, (name, population) in enumerate(network.populations.items()):
            if name not in arrays:
                continue
            if population.neuron is None:
                rasters.append(_as_raster(name, arrays[name]))
                self.raster_column[row] = used["raster"]
                used["raster"] += population.size
            else:
                currents.append(_as_currents(name, arrays[name], engine))
                self.current_columns[name] = used["current"]
                used["current"] += population.size
        empty = (self.batch, self.n_steps, 0)
        self.rasters = _side_by_side(rasters, np.zeros(empty, dtype=np.uint8))
        self.currents = _side_by_side(currents, np.zeros(empty, dtype=engine))


def _side_by_side(parts: list[NDArray[Any]], empty: NDArray[Any]) -> NDArray[Any]:
    if not parts:
        return empty
    joined = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=2)
    # always writeable, contiguous arrays: the kernel is compiled for one kind
    joined = np.ascontiguousarray(joined)
    return joined if joined.flags.writeable else joined.copy()


def _as_raster(name: str, array: NDArray[Any]) -> NDArray[np.uint8]:
    message = f"inputs[{name!r}]: a raster holds zeros and ones only"
    if array.dtype.kind not in "biuf":
        raise ParameterError(message)
    if array.dtype == np.bool_:
        return array.view(np.uint8)
    if array.dtype == np.uint8:
        if array.max(initial=0) > 1:
            raise ParameterError(message)
        return array
    if not np.isin(array, (0, 1)).all():
        raise ParameterError(message)
    return array.astype(np.uint8)


def _as_currents(name: str, array: NDArray[Any], dtype: Any) -> NDArray[Any]:
    where = f"inputs[{name!r}]"
    if array.dtype.kind not in ("biu" if dtype.kind == "i" else "biuf"):
        raise ParameterError(f"{where}: got {array.dtype} currents for a {dtype} network")
    check_finite(where, array)
    currents = array.astype(dtype)
    return currents << 6 if dtype.kind == "i" else currents


def _drive(plan: Plan, given: _Given, n_steps: int) -> Drive:
    n_sources = int(plan.populations.size[plan.populations.cell < 0].sum())
    nothing = np.zeros(0, dtype=np.int64)
    dtype = plan.neurons.v.dtype
    return Drive(
        spike_ptr=np.zeros(n_steps + 1, dtype=np.int64),
        spike_neuron=np.zeros(n_steps * n_sources + 1, dtype=np.int32),
        currents=np.zeros((n_steps, given.currents.shape[2]), dtype=dtype),
        poisson_ptr=np.zeros(plan.populations.size.size + 1, dtype=np.int64),
        poisson_stream=nothing,
        poisson_receptor=nothing,
        poisson_weight=np.zeros(0, dtype=dtype),
        poisson_rate=nothing,
        poisson_by_step=nothing,
        poisson_by_neuron=nothing,
        rates=np.zeros(0),
        key=np.uint64(0),
    )


def _record(plan: Plan, n_steps: int, events: NDArray[np.int64]) -> Record:
    n_history = n_recent(plan.network)
    dtype = plan.neurons.v.dtype
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
