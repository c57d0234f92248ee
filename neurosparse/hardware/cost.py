"""Energy and time of a mapped network: counted operations times a table of costs."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurosparse.errors import ParameterError, ShapeError
from neurosparse.hardware.quantity import Confidence, Quantity
from neurosparse.hardware.tables import CostTable, Operation

__all__ = ["CoreCounts", "Cost", "predict_cost"]

_Array = NDArray[np.float64]
_LEVELS = get_args(Confidence)  # from high to low

# Without a cost of these an estimate says nothing; all others may count as free, and are named.
_NEEDED = ("synaptic_event", "neuron_update_inactive", "neuron_update_active")


@dataclass(frozen=True)
class CoreCounts:
    """What each core does: numbers for one core, or arrays (n_cores,) or (n_rows, n_cores).

    A row is what happens in ``n_steps`` steps of `predict_cost`: in one step, or in an inference.

    Parameters
    ----------
    synaptic_events : array_like [1]
        Synapses that a spike crossed, on the core that stores them.
    neuron_updates : array_like [1]
        Neurons times steps, whether or not anything happened to them.
    active_updates : array_like [1], optional
        Those of ``neuron_updates`` in which something happened. Where it is unknown, updates
        cost between all inactive and all active.
    spikes_out : array_like [1], optional
        Spikes of the core's neurons.
    messages_out : array_like [1], optional
        Messages sent: a spike for every core it goes to.
    messages_in : array_like [1], optional
        Messages received.
    hops : array_like [1], optional
        Tiles that the messages sent cross, added up; a message within a tile crosses none.
    """

    synaptic_events: ArrayLike
    neuron_updates: ArrayLike
    active_updates: ArrayLike | None = None
    spikes_out: ArrayLike = 0.0
    messages_out: ArrayLike = 0.0
    messages_in: ArrayLike = 0.0
    hops: ArrayLike = 0.0


@dataclass(frozen=True)
class Cost:
    """An estimate, no measurement: bounds of energy and time, and what they rest on.

    Parameters
    ----------
    energy_j : (float, float) [J]
        From below and above, all cores and rows together.
    time_s : (float, float) [s]
        From below and above, all rows one after the other.
    sources : tuple of str
        Of every number used, each once.
    confidence : {"high", "medium", "low"}
        The least of any number used.
    unpriced_energy, unpriced_time : tuple of str
        Operations that occur and that the table has no number for: they count as free.
    """

    energy_j: tuple[float, float]
    time_s: tuple[float, float]
    sources: tuple[str, ...]
    confidence: Confidence
    unpriced_energy: tuple[Operation, ...] = ()
    unpriced_time: tuple[Operation, ...] = ()


def predict_cost(table: CostTable, counts: CoreCounts, *, n_steps: float = 1.0) -> Cost:
    """Predict energy and time from what every core does.

    Energy is the sum over cores and rows of count times price. Time is the sum over rows of::

        slowest core + n_steps x barrier

        core, least:  max(neuron updates + spikes + messages out, messages in + synaptic events)
        core, most:   the sum of all these + min(n_steps, messages out) x mean path of a message

    with the least and the greatest price each: at best a core updates neurons and serves synapses
    at once and no message is waited for; at worst one comes after the other, and after the last
    message of a step the barrier waits for its way.

    Parameters
    ----------
    table : CostTable
        As of `Chip.table`.
    counts : CoreCounts
        Per core. With a row per step (n_rows, n_cores) each step waits for its own slowest core;
        one row for many steps takes the same core for the slowest in all of them.
    n_steps : float, optional
        Steps that one row stands for, each with a barrier.

    Returns
    -------
    Cost
        Bounds under these assumptions: of one inference if the rows add up to one, of one step if
        they are one.

    Raises
    ------
    ShapeError
        If the counts do not broadcast to (n_rows, n_cores).
    ParameterError
        If ``n_steps`` is not positive, a count is negative or not finite, more updates are active
        than there are, there are hops without messages, or synaptic events or neuron updates
        occur that the table states no energy or no time for.

    Notes
    -----
    Left out: messages that wait for each other, leakage, the x86 cores, input and output, and
    what a barrier across chips takes longer, of which nothing is published.

    Examples
    --------
    >>> from neurosparse.hardware import load_chip
    >>> cost = predict_cost(load_chip("loihi1").table("davies2018"), CoreCounts(1000, 100))
    >>> [round(bound * 1e9, 1) for bound in cost.energy_j]
    [28.8, 31.7]
    """
    if not (np.isfinite(n_steps) and n_steps > 0):
        raise ParameterError(f"n_steps: got {n_steps}; must be a positive number")
    rows = _as_rows(counts)
    updating, serving = _work(rows, counts.active_updates is not None)
    hops, messages = rows["hops"], rows["messages_out"]
    path = np.minimum(n_steps, messages) * hops / np.maximum(messages, 1e-300)
    barriers = _Term(("barrier",), np.full((len(hops), 1), float(n_steps)))

    energy = _Prices(table, "energy")
    spent = [*updating, *serving, _Term(("hop",), hops), barriers]
    joule = np.sum([energy.cost(term).sum(axis=(1, 2)) for term in spent], axis=0)

    time = _Prices(table, "time")
    update = np.sum([time.cost(term) for term in updating], axis=0)
    serve = np.sum([time.cost(term) for term in serving], axis=0)
    wait = time.cost(_Term(("hop",), path))
    core = np.stack([np.maximum(update[0], serve[0]), update[1] + serve[1] + wait[1]])
    seconds = (core + time.cost(barriers)).max(axis=2).sum(axis=1)

    _check_needed(energy, time)
    used = [*energy.used, *time.used]
    return Cost(
        (float(joule[0]), float(joule[1])),
        (float(seconds[0]), float(seconds[1])),
        tuple(dict.fromkeys(quantity.source for quantity in used)),
        max((quantity.confidence for quantity in used), key=_LEVELS.index, default="low"),
        tuple(dict.fromkeys(energy.missing)),
        tuple(dict.fromkeys(time.missing)),
    )


@dataclass(frozen=True)
class _Term:
    operations: tuple[Operation, ...]  # where several: one of them, it is not known which
    counts: _Array  # (n_rows, n_cores)


class _Prices:
    """Reads one half of a table and remembers what it read and what was not there."""

    def __init__(self, table: CostTable, kind: Literal["energy", "time"]) -> None:
        self.table, self.kind = table.name, kind
        self.used: list[Quantity] = []
        self.missing: list[Operation] = []
        self._bounds_of = table.energy_of if kind == "energy" else table.time_of

    def cost(self, term: _Term) -> _Array:
        """Return (2, n_rows, n_cores): the least and the most that a term takes."""
        if not term.counts.any():
            return np.zeros((2, *term.counts.shape))
        bounds = self._bounds_of(*term.operations)
        if bounds is None:
            self.missing += [name for name in term.operations if self._bounds_of(name) is None]
            return np.zeros((2, *term.counts.shape))
        self.used += bounds
        return np.stack([bound.si * term.counts for bound in bounds])


def _check_needed(*halves: _Prices) -> None:
    missing = [
        f"no {half.kind} of {operation}"
        for half in halves
        for operation in half.missing
        if operation in _NEEDED
    ]
    if missing:
        raise ParameterError(f"table: {halves[0].table} states {', '.join(missing)}, which occur")


def _work(rows: dict[str, _Array], active_known: bool) -> tuple[list[_Term], list[_Term]]:
    """Return what a core's neurons take, and what its synapses take."""
    inactive: Operation = "neuron_update_inactive"
    active: Operation = "neuron_update_active"
    updates, acting = rows["neuron_updates"], rows["active_updates"]
    neurons = (
        [_Term((inactive,), updates - acting), _Term((active,), acting)]
        if active_known
        else [_Term((inactive, active), updates)]
    )
    spikes, messages = rows["spikes_out"], rows["messages_out"]
    updating = [*neurons, _Term(("spike_out",), spikes), _Term(("message_out",), messages)]
    serving = [
        _Term(("message_in",), rows["messages_in"]),
        _Term(("synaptic_event",), rows["synaptic_events"]),
    ]
    return updating, serving


def _as_rows(counts: CoreCounts) -> dict[str, _Array]:
    """Return checked counts as arrays of one shape (n_rows, n_cores)."""
    names = [field.name for field in fields(counts)]
    given = [getattr(counts, name) for name in names]
    arrays = [np.asarray(0.0 if value is None else value, np.float64) for value in given]
    shapes = ", ".join(f"{name} {array.shape}" for name, array in zip(names, arrays, strict=True))
    try:
        arrays = list(np.broadcast_arrays(*arrays))
    except ValueError as error:
        raise ShapeError(f"counts: shapes do not fit each other: {shapes}") from error
    if arrays[0].ndim > 2 or arrays[0].size == 0:
        raise ShapeError(
            f"counts: must be (n_cores,) or (n_rows, n_cores), not empty; got {shapes}"
        )
    rows = {name: np.atleast_2d(array) for name, array in zip(names, arrays, strict=True)}
    for name, array in rows.items():
        if not (np.isfinite(array).all() and array.min() >= 0):
            raise ParameterError(f"{name}: got {array.min()}; counts are finite and not negative")
    if (rows["active_updates"] > rows["neuron_updates"]).any():
        raise ParameterError("active_updates: more than neuron_updates on some core")
    if (rows["hops"][rows["messages_out"] == 0] > 0).any():
        raise ParameterError("hops: some core has hops but no messages_out")
    return rows
