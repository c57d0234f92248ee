"""Homeostatic rewiring: neurons gain and lose inputs until they fire at a target rate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import ParameterError, ShapeError, TopologyError
from neurosparse.network import Projection, Synapses, sample_distinct
from neurosparse.network.checks import check_numbers
from neurosparse.network.transpose import group_by
from neurosparse.sparsify.exchange import exchange
from neurosparse.sparsify.grow import free_keys
from neurosparse.sparsify.layer import LayerView
from neurosparse.sparsify.wiring import (
    Newborn,
    Streams,
    named,
    projection_of,
    synapses_after,
    view_of,
)

if TYPE_CHECKING:
    from neurosparse.simulate import Moment

__all__ = ["HomeostaticRewirer"]


class HomeostaticRewirer:
    r"""Move input synapses from neurons that fire too much to neurons that fire too little.

    A hook for `simulate(between=...)`. A neuron that has fired at rate ``r`` since the last call
    wants ``speed (1 - r / target)`` more excitatory inputs, or as many fewer if that is negative
    (inhibitory ones the other way round). Fractions are rounded at random. Neurons that lose give
    up uniformly chosen inputs; neurons that gain connect to uniformly chosen sources they do not
    have. Every projection keeps its number of synapses exactly: where more want to lose than to
    gain, as many as are wanted are chosen at random, and the other way round.

    Parameters
    ----------
    projections : sequence of str or mapping of str to Newborn
        Which projections to rewire, and what grows there. The weights of each have one sign.
    target : float, or mapping of str to float or (size,) array [spikes per neuron and step]
        Rate to reach, > 0; by the name of the target population where they differ.
    speed : float
        Synapses that a silent neuron gains per call, and one at twice the target loses.
    rng : numpy.random.Generator
        Gives the seed. What a call does depends on it, the step, the network and the spikes only.

    Raises
    ------
    ParameterError, ShapeError
        If ``target`` or ``speed`` is not positive and finite. On the first call, if weights of
        both signs stand in a projection, or `Newborn` does not fit.
    TopologyError
        On the first call, if a projection is not there, has multapses, or has no target rate.

    Notes
    -----
    As the number of synapses is kept, the mean rate can follow the target only as far as moving
    synapses moves it; what narrows is the spread. Choose ``between_every`` long enough for a few
    spikes per neuron at the target rate. Time and memory per call O(n_active) of the projections,
    plus O(n log n) for the n that grow.

    References
    ----------
    After Butz and van Ooyen 2013 (doi:10.1371/journal.pcbi.1003259), in whose model neurons grow
    synaptic elements below a set-point of activity and retract them above it, and free elements
    pair at random. Here the growth is linear in the rate, only the receiving side has elements,
    the choice of partners ignores distance, and the fixed number of synapses is our choice.

    Examples
    --------
    >>> import numpy as np
    >>> hook = HomeostaticRewirer.from_hz(
    ...     ["E->E"], 5.0, dt_ms=0.1, speed=2.0, rng=np.random.default_rng(0)
    ... )
    """

    def __init__(
        self,
        projections: Sequence[str] | Mapping[str, Newborn],
        target: Any,
        *,
        speed: float = 1.0,
        rng: np.random.Generator,
    ) -> None:
        self._projections = named(projections)
        if isinstance(target, Mapping):
            self._targets = {
                name: _positive(f"target of {name!r}", r) for name, r in target.items()
            }
            self._target = None
        else:
            self._targets, self._target = {}, _positive("target", target)
        self._speed = float(_positive("speed", speed, 0))
        self._streams = Streams(rng)

    @classmethod
    def from_hz(
        cls,
        projections: Sequence[str] | Mapping[str, Newborn],
        target_hz: Any,
        dt_ms: float,
        *,
        speed: float = 1.0,
        rng: np.random.Generator,
    ) -> HomeostaticRewirer:
        """Make one from rates in hertz and the length of a step in milliseconds."""
        step_s = float(_positive("dt_ms", dt_ms, 0)) / 1000
        if isinstance(target_hz, Mapping):
            target: Any = {
                name: _positive(f"target_hz of {name!r}", r) * step_s
                for name, r in target_hz.items()
            }
        else:
            target = _positive("target_hz", target_hz) * step_s
        return cls(projections, target, speed=speed, rng=rng)

    def __call__(self, moment: Moment) -> dict[str, Synapses]:
        """Return the synapses of the projections that change."""
        rng = self._streams.at(moment.step)
        changes = {}
        for name, newborn in self._projections.items():
            projection = projection_of(moment.network, name, newborn)
            layer = view_of(projection, newborn)
            rate = moment.counts[projection.target] / moment.n_steps
            wish = self._speed * (1 - rate / self._target_of(projection)) * _direction(projection)
            whole = np.floor(wish + rng.random(wish.size)).astype(np.int64)
            lose, gain = _balanced(whole, projection.synapses, layer.autapses, rng)
            if not lose.any():
                continue
            dropped = _choose_inputs(projection.synapses, lose, rng)
            born = _choose_sources(layer, gain, rng)
            rewiring = exchange(layer, dropped, born, np.ones(born.size, dtype=np.int8))
            changes[name] = synapses_after(projection.synapses, layer, rewiring, newborn, rng)
        return changes

    def _target_of(self, projection: Projection) -> NDArray[np.float64]:
        name, size = projection.target, projection.synapses.n_post
        target = self._targets.get(name, self._target)
        if target is None:
            raise TopologyError(f"target: no rate for {name!r}; there are {list(self._targets)}")
        if target.ndim and target.shape != (size,):
            raise ShapeError(f"target: got {target.size} rates for the {size} neurons of {name!r}")
        return target


def _positive(name: str, value: Any, max_dimensions: int = 1) -> NDArray[np.float64]:
    numbers = np.asarray(value)
    check_numbers(name, numbers)
    if numbers.ndim > max_dimensions:
        raise ShapeError(f"{name}: got {numbers.ndim} dimensions; at most {max_dimensions}")
    wrong = ~((numbers > 0) & np.isfinite(numbers))
    if wrong.any():
        raise ParameterError(f"{name}: got {numbers[wrong].flat[0]}; allowed is > 0, finite")
    return numbers.astype(np.float64)


def _direction(projection: Projection) -> int:
    """Return 1 where a synapse more raises the rate, -1 where it lowers it."""
    one = projection.synapses.constant_weight
    weights = projection.synapses.by_pre.weights if one is None else np.array([one])
    if (weights >= 0).all():
        return 1
    if (weights <= 0).all():
        return -1
    raise ParameterError(
        f"rewiring {projection.name!r}: holds weights of both signs; homeostasis needs to know "
        "whether a synapse excites: put excitatory and inhibitory ones in projections of their own"
    )


def _balanced(
    wish: NDArray[np.int64], synapses: Synapses, autapses: bool, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return how many inputs every neuron loses and gains; the sums are equal."""
    fan_in = synapses.fan_in
    room = np.maximum(synapses.n_pre - fan_in - (not autapses), 0)
    lose = np.minimum(np.maximum(-wish, 0), fan_in)
    gain = np.minimum(np.maximum(wish, 0), room)
    n = int(min(lose.sum(), gain.sum()))
    return _thinned(lose, n, rng), _thinned(gain, n, rng)


def _thinned(counts: NDArray[np.int64], n: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Keep ``n`` of what is counted, every subset equally likely."""
    owners = np.repeat(np.arange(counts.size), counts)
    if n == owners.size:
        return counts
    return np.bincount(owners[sample_distinct(rng, owners.size, n)], minlength=counts.size)


def _choose_inputs(
    synapses: Synapses, lose: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Choose ``lose[i]`` inputs of every neuron ``i``; positions by presynaptic row, ascending."""
    post = synapses.by_pre.post
    entries = rng.permutation(np.flatnonzero(lose[post]))
    indptr, (grouped,) = group_by(post[entries], lose.size, entries)
    # the first so many of each group
    within = np.arange(lose.sum()) - np.repeat(np.cumsum(lose) - lose, lose)
    return np.sort(grouped[np.repeat(indptr[:-1], lose) + within])


def _choose_sources(
    layer: LayerView, gain: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Choose ``gain[i]`` new sources for every neuron ``i``; keys of the layer, ascending."""
    gaining = np.flatnonzero(gain)
    row_of = np.full(layer.n_post, -1)
    row_of[gaining] = np.arange(gaining.size)
    pre, post = layer.rows, layer.indices
    entries = np.flatnonzero(gain[post])
    indptr, (sources,) = group_by(row_of[post[entries]], gaining.size, pre[entries])
    # only the neurons that gain have rows here, each n_pre wide
    taken = np.repeat(np.arange(gaining.size) * layer.n_pre, np.diff(indptr)) + sources
    if not layer.autapses:
        taken = np.union1d(taken, np.arange(gaining.size) * layer.n_pre + gaining)
    edges = np.searchsorted(taken, np.arange(gaining.size + 1) * layer.n_pre)
    ranks = _draw_ranks(gain[gaining], layer.n_pre - np.diff(edges), rng)
    rows, chosen = np.divmod(free_keys(taken, ranks), layer.n_pre)
    return np.sort(chosen * layer.n_post + gaining[rows])


def _draw_ranks(
    wanted: NDArray[np.int64], free: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Draw ``wanted[i]`` distinct ones of the ``free[i]`` ranks of row ``i``, counted over all."""
    first = np.cumsum(free) - free
    missing = np.repeat(np.arange(wanted.size), wanted)
    drawn = np.zeros(0, dtype=np.int64)
    while missing.size:  # what is drawn twice is drawn again, hence uniform
        drawn = np.union1d(drawn, first[missing] + rng.integers(free[missing]))
        rows = np.searchsorted(first, drawn, side="right") - 1
        missing = np.repeat(
            np.arange(wanted.size), wanted - np.bincount(rows, minlength=wanted.size)
        )
    return drawn
