"""The synapses of a projection as a layer that schemes can rewire, and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import ParameterError, TopologyError
from neurosparse.network import Network, Projection, Synapses
from neurosparse.network.checks import check_generator
from neurosparse.network.values import make_delays, make_weights
from neurosparse.sparsify.exchange import Rewiring
from neurosparse.sparsify.layer import LayerView
from neurosparse.sparsify.signs import SignRule

__all__ = ["Newborn", "Streams", "named", "projection_of", "synapses_after", "view_of"]

Draw = Callable[[np.random.Generator, int], NDArray[Any]]


@dataclass(frozen=True)
class Newborn:
    """What the synapses that grow on a projection are like.

    Parameters
    ----------
    weights : float or callable ``f(rng, n)``, optional
        Their weights. Left out where all synapses of the projection share one weight, which stays.
    delays : int or callable ``f(rng, n)``, optional [steps]
        Their delays, where synapses have delays of their own.
    signs : SignRule, optional
        Turns the magnitude of ``weights`` into signed weights, for example `DaleSigns`; default
        the sign that ``weights`` have.
    autapses : bool
        Whether a neuron may grow a synapse onto itself.
    """

    weights: float | Draw | None = None
    delays: int | Draw | None = None
    signs: SignRule | None = None
    autapses: bool = True


class Streams:
    """Random numbers that depend on a seed and the step only, so that a run can be continued.

    Parameters
    ----------
    rng : numpy.random.Generator
        Gives the seed.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self._key = int(check_generator(rng).integers(1 << 63))

    def at(self, step: int) -> np.random.Generator:
        """Return the generator of a step."""
        return np.random.Generator(np.random.Philox(key=self._key, counter=[0, 0, 0, step]))


def named(projections: Sequence[str] | Mapping[str, Newborn]) -> dict[str, Newborn]:
    """Return what grows on every projection named; names alone stand for `Newborn` as it is.

    Raises
    ------
    ParameterError
        If there is none, or a value is no `Newborn`.
    """
    if isinstance(projections, str):  # a sequence of letters, for Python
        raise ParameterError(f"projections: got {projections!r}; expected a list of names")
    if not isinstance(projections, Mapping):
        projections = {name: Newborn() for name in projections}
    if not projections:
        raise ParameterError("projections: got none; name at least one")
    for name, newborn in projections.items():
        if not isinstance(newborn, Newborn):
            raise ParameterError(
                f"projections: {name!r} has a {type(newborn).__name__}; expected Newborn"
            )
    return dict(projections)


def projection_of(network: Network, name: str, newborn: Newborn) -> Projection:
    """Return the projection to rewire.

    Raises
    ------
    TopologyError
        If it is not there or holds multapses.
    ParameterError
        If ``newborn`` says too little or too much for it.
    """
    for projection in network.projections:
        if projection.name == name:
            break
    else:
        known = ", ".join(repr(projection.name) for projection in network.projections)
        raise TopologyError(f"projections: no projection {name!r}; there are {known}")
    where, synapses = f"rewiring {name!r}", projection.synapses
    synapses.require_unique_pairs(where)
    shared = synapses.constant_weight is not None
    if shared and (newborn.weights is not None or newborn.signs is not None):
        raise ParameterError(
            f"{where}: all synapses share the weight {synapses.constant_weight:g}, and so do those "
            "that grow; leave weights and signs of Newborn out"
        )
    if not shared and newborn.weights is None:
        raise ParameterError(f"{where}: say in Newborn(weights=...) what weights grow")
    if synapses.stored.delays is None and newborn.delays is not None:
        raise ParameterError(
            f"{where}: the projection has one delay for all synapses; leave delays of Newborn out"
        )
    if synapses.stored.delays is not None and newborn.delays is None:
        raise ParameterError(f"{where}: say in Newborn(delays=...) what delays grow")
    return projection


def view_of(projection: Projection, newborn: Newborn) -> LayerView:
    """Return the synapses as a layer by presynaptic row, which the simulator has at hand."""
    synapses = projection.synapses
    indptr, post, weights, _ = synapses.by_pre
    one = synapses.constant_weight
    if one is None:
        signs = np.sign(weights).astype(np.int8)
    else:
        signs = np.broadcast_to(np.int8(np.sign(one)), post.size)
    return LayerView(
        synapses.n_post,
        synapses.n_pre,
        indptr.copy(),  # not read-only: the kernels are compiled for one kind of array only
        post.astype(np.int32),
        weights,
        signs,
        learning_rate=0.0,
        by_pre=True,
        autapses=newborn.autapses or projection.source != projection.target,
    )


def synapses_after(
    synapses: Synapses,
    layer: LayerView,
    rewiring: Rewiring,
    newborn: Newborn,
    rng: np.random.Generator,
) -> Synapses:
    """Return the synapses after an exchange, by presynaptic row.

    Parameters
    ----------
    synapses : Synapses
        As they were.
    layer : LayerView
        The view of them.
    rewiring : Rewiring
        What was decided on the layer.
    newborn : Newborn
        What grows.
    rng : numpy.random.Generator
        Source of its randomness.

    Returns
    -------
    Synapses
        O(n_active) time and memory.
    """
    born = rewiring.born
    weights: Any = synapses.constant_weight
    if weights is None:
        spec: Any = newborn.weights  # not None, as projection_of has seen
        grown = make_weights(spec, born.size, rng, synapses.dtype)
        if newborn.signs is not None:
            signs = newborn.signs(layer.post_major(born), layer.n_pre, rng)
            grown = (np.abs(grown) * signs).astype(synapses.dtype)
        weights = rewiring.moved(synapses.by_pre.weights, grown)
    else:
        weights = synapses.dtype.type(weights)
    delays = synapses.by_pre.delays
    if delays is not None:
        late: Any = newborn.delays
        late = make_delays(late if callable(late) else np.full(born.size, late), born.size, rng)
        delays = rewiring.moved(delays, late)
    post = rewiring.moved(layer.indices, rewiring.columns)
    return Synapses.from_fan_out(layer.n_pre, layer.n_post, rewiring.indptr, post, weights, delays)
