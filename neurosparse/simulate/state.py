"""The state of a simulation between two steps: what a run starts from and what it leaves."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import ShapeError, TopologyError
from neurosparse.network import Network, Spikes
from neurosparse.network.archive import ArchiveFormat
from neurosparse.network.checks import check_count, check_numbers
from neurosparse.simulate.arithmetic import engine_dtype
from neurosparse.simulate.checks import MAX_KEY, MAX_STEP, as_array, as_path, check_kind
from neurosparse.simulate.state_fit import (
    check_array,
    check_names,
    check_recent,
    check_wait,
    expand_start,
    neurons_of,
    no_spikes,
)
from neurosparse.simulate.under_way import n_recent, pending_depth, pending_targets

__all__ = ["State"]

_FORMAT = ArchiveFormat("neurosparse-state", 2, "state")
_DIMENSIONS = {"u": 2, "v": 1, "wait": 1, "pending": 3}


@dataclass(frozen=True, eq=False)
class State:
    """All that the next step depends on, besides network and inputs.

    Parameters
    ----------
    step : int
        Steps already run since the experiment began; the next one has this number.
    u : mapping of str to (n_receptors, size) array
        Synaptic currents of every population of neurons.
    v : mapping of str to (size,) array
        Membranes; float32 or float64 like ``u``, int64 in an integer network.
    wait : mapping of str to (size,) int64 [steps]
        For how many steps each neuron stays refractory.
    recent : mapping of str to Spikes
        Of every population, sources included: the last `n_recent` steps, oldest first. Messages
        of a source are kept as spikes; their values are read from its input again.
    pending : mapping of str to (depth, n_receptors, size) array
        What synapses with delays of their own have already sent, for every one of
        `pending_targets`; row ``k`` arrives in step ``step + k``, ``depth`` is `pending_depth`.
    key : int, optional
        Of the random streams, below 2^64.

    Raises
    ------
    ParameterError, ShapeError
        If a part is of another kind, a number is negative, the step too large, or an array has the
        wrong number of dimensions or no numbers.

    Notes
    -----
    Arrays are shown read-only and not copied. `check_fits` compares with a network.

    Examples
    --------
    >>> from neurosparse import LIF, Network, Population
    >>> state = State.at_rest(Network({"E": Population(3, LIF())}), v={"E": 0.5})
    >>> state.step, state.v["E"].tolist()
    (0, [0.5, 0.5, 0.5])
    """

    step: int
    u: Mapping[str, NDArray[Any]]
    v: Mapping[str, NDArray[Any]]
    wait: Mapping[str, NDArray[np.int64]]
    recent: Mapping[str, Spikes]
    pending: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    key: int | None = None

    def __post_init__(self) -> None:
        fix = object.__setattr__
        fix(self, "step", check_count("step", self.step, most=MAX_STEP))
        if self.key is not None:
            fix(self, "key", check_count("key", self.key, most=MAX_KEY))
        for name, n_dimensions in _DIMENSIONS.items():
            arrays = _mapping(name, getattr(self, name))
            fix(self, name, {of: _frozen(name, of, a, n_dimensions) for of, a in arrays.items()})
        fix(self, "recent", dict(_mapping("recent", self.recent)))
        for of, spikes in self.recent.items():
            check_kind(f"recent of {of!r}", spikes, Spikes, "Spikes")

    @classmethod
    def at_rest(
        cls,
        network: Network,
        *,
        u: Mapping[str, Any] | None = None,
        v: Mapping[str, Any] | None = None,
        dtype: Any = np.float32,
    ) -> State:
        """Return the state before the first step: nothing has spiked, nothing is under way.

        Parameters
        ----------
        network : Network
            What is to be run.
        u : mapping of str to float, (size,) or (n_receptors, size), optional
            Synaptic currents to start from; a vector holds for all receptors. What is left out
            is 0.
        v : mapping of str to float or (size,), optional
            Membranes to start from; what is left out is 0.
        dtype : {numpy.float32, numpy.float64}
            Arithmetic of a float network; an integer network has int64.

        Returns
        -------
        State

        Raises
        ------
        TopologyError
            If a name is not that of a population of neurons.
        ShapeError, ParameterError
            If a value has another shape, is not finite, or (integer network) not whole.
        """
        check_kind("network", network, Network, "a Network")
        engine = engine_dtype(network, dtype)
        neurons = neurons_of(network)
        starts_u = _mapping("u", {} if u is None else u)
        starts_v = _mapping("v", {} if v is None else v)
        check_names("u", starts_u, neurons, allow_missing=True)
        check_names("v", starts_v, neurons, allow_missing=True)
        shapes = {
            of: (neuron.n_receptors, network.populations[of].size) for of, neuron in neurons.items()
        }
        recent, depth = n_recent(network), pending_depth(network)
        state = cls(
            step=0,
            u={
                of: expand_start("u", of, starts_u.get(of, 0), shape, engine)
                for of, shape in shapes.items()
            },
            v={
                of: expand_start("v", of, starts_v.get(of, 0), shape[1:], engine)
                for of, shape in shapes.items()
            },
            wait={of: np.zeros(shape[1:], dtype=np.int64) for of, shape in shapes.items()},
            recent={
                of: no_spikes(recent, population) for of, population in network.populations.items()
            },
            pending={
                of: np.zeros((depth, *shapes[of]), dtype=engine) for of in pending_targets(network)
            },
        )
        state.check_fits(network, dtype)
        return state

    def check_fits(self, network: Network, dtype: Any = np.float32) -> None:
        """Raise unless a run of ``network`` in ``dtype`` can start from this state.

        Raises
        ------
        TopologyError
            If a population is missing or unknown.
        ShapeError
            If an array or a list of spikes has another extent, or an array another dtype.
        ParameterError
            If a value is not finite, or a wait is negative or longer than the refractory time.
        """
        check_kind("network", network, Network, "a Network")
        engine = engine_dtype(network, dtype)
        neurons = neurons_of(network)
        for name in ("u", "v", "wait"):
            check_names(name, getattr(self, name), neurons)
        check_names("recent", self.recent, network.populations)
        check_names("pending", self.pending, pending_targets(network))
        depth = pending_depth(network)
        for of, neuron in neurons.items():
            shape = (neuron.n_receptors, network.populations[of].size)
            check_array("u", of, self.u[of], shape, engine)
            check_array("v", of, self.v[of], shape[1:], engine)
            check_array("wait", of, self.wait[of], shape[1:], np.dtype(np.int64))
            check_wait(of, self.wait[of], neuron)
            if of in self.pending:
                # deeper after a run that rewired to shorter delays
                depth_here = max(depth, self.pending[of].shape[0])
                check_array("pending", of, self.pending[of], (depth_here, *shape), engine)
        check_recent(self.recent, network, n_recent(network))

    def save(self, path: str | PathLike[str]) -> None:
        """Write the state to one file, completely or not at all.

        Raises
        ------
        OSError
            If it cannot be written; what was at ``path`` before is still there.
        """
        arrays: dict[str, NDArray[Any]] = {}
        header: dict[str, Any] = {"step": self.step, "key": self.key}
        for name in _DIMENSIONS:
            values = getattr(self, name)
            header[name] = list(values)
            arrays |= {f"{name}.{i}": array for i, array in enumerate(values.values())}
        header["recent"] = [[of, s.n_steps, s.n_neurons] for of, s in self.recent.items()]
        for i, spikes in enumerate(self.recent.values()):
            arrays |= {f"recent.{i}.steps": spikes.steps, f"recent.{i}.neurons": spikes.neurons}
            if spikes.signs is not None:
                arrays[f"recent.{i}.signs"] = spikes.signs
        # membranes hardly compress, and a checkpoint should cost the run little
        _FORMAT.write(as_path("path", path), header, arrays, compress=False)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> State:
        """Read a state written by `save`; safe for files from strangers.

        Raises
        ------
        StorageError
            If the file is missing, truncated, altered or foreign.
        """
        with _FORMAT.reading(as_path("path", path)) as (header, arrays):
            parts: dict[str, dict[str, Any]] = {
                name: {of: arrays[f"{name}.{i}"] for i, of in enumerate(header[name])}
                for name in _DIMENSIONS
            }
            parts["recent"] = {
                of: Spikes(
                    arrays[f"recent.{i}.steps"],
                    arrays[f"recent.{i}.neurons"],
                    n_steps,
                    n_neurons,
                    arrays.get(f"recent.{i}.signs"),
                )
                for i, (of, n_steps, n_neurons) in enumerate(header["recent"])
            }
            if any(len(part) < len(header[name]) for name, part in parts.items()):
                raise TopologyError("a population stands twice")
            return cls(step=header["step"], key=header["key"], **parts)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, State):
            return NotImplemented
        return all(
            _same(getattr(self, part.name), getattr(other, part.name))
            for part in dataclasses.fields(self)
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        sizes = ", ".join(f"{of}({spikes.n_neurons})" for of, spikes in self.recent.items())
        return f"State(step {self.step}; {sizes})"


def _mapping(name: str, given: Any) -> Mapping[str, Any]:
    check_kind(name, given, Mapping, "a mapping of population names to values")
    values: Mapping[str, Any] = given
    return values


def _frozen(name: str, of: str, array: Any, n_dimensions: int) -> NDArray[Any]:
    values = as_array(f"{name} of {of!r}", array)
    check_numbers(f"{name} of {of!r}", values)
    if values.ndim != n_dimensions:
        raise ShapeError(
            f"{name} of {of!r}: got shape {values.shape}; expected {n_dimensions} dimensions"
        )
    view = values.view()
    view.setflags(write=False)
    return view


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_same(one[of], other[of]) for of in one)
    if isinstance(one, np.ndarray):
        # a membrane that has overflowed is still equal to itself
        nan = one.dtype.kind == "f"
        return one.dtype == other.dtype and np.array_equal(one, other, equal_nan=nan)
    return bool(one == other)
