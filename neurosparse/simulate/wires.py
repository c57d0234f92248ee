"""What the projections of a network become in the engine: rows of synapses with one arithmetic.

Most projections are one wire. In an integer network two kinds arrive apart, as many wires as they
have delays, because what one delay brings in a step is treated as a whole: sums that lose bits
(`SynapseFormat.shift` of "sum", an exponent below 0), and messages of a source that are multiplied
with the weights. Their spikes are kept until they arrive, as those of a projection with one delay.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neurosparse.network import FixedPointTernaryLIF, Network, Neuron, Projection, SynapseFormat
from neurosparse.network.rows import FanOut

__all__ = [
    "Wire",
    "has_signs",
    "is_kept_until_it_arrives",
    "numbers_of",
    "rounding_of",
    "takes_messages",
    "wires_of",
]

ACTIVATION_SHIFT = 6  # u has 6 bits more than weights, in Lava and on the chip


class Wire(NamedTuple):
    """Synapses that arrive together.

    ``delay`` is 0 where every synapse has its own. ``rounding`` bits are cut off the sum that
    arrives, which then is shifted by 6 bits; 0: the weights are shifted as they have to be.
    """

    fan_out: FanOut  # weights as the engine adds them
    delay: int
    rounding: int
    is_repeated: bool  # the rows serve spikes of sign -1, too


def _format(projection: Projection) -> SynapseFormat:
    return SynapseFormat() if projection.format is None else projection.format


def rounding_of(projection: Projection) -> int:
    """Return how many bits of a sum are lost; 0 too where the weights are multiples of as much."""
    form = _format(projection)
    bits = max(0, -form.weight_exp) if form.shift == "sum" else 0
    return 0 if form.grid.step % (1 << bits) == 0 else bits


def has_signs(neuron: Neuron | None) -> bool:
    """Whether spikes may have sign -1."""
    return isinstance(neuron, FixedPointTernaryLIF)


def numbers_of(network: Network) -> tuple[list[int], list[int]]:
    """Return by which numbers the engine knows spikes, for every population.

    Returns
    -------
    first : list of int
        Number of its neuron 0.
    minus : list of int
        What is added where the sign is -1: one more than it has neurons; 0 where none is.
    """
    first, minus = [0], []
    for population in network.populations.values():
        minus.append(population.size + 1 if has_signs(population.neuron) else 0)
        first.append(first[-1] + minus[-1] + population.size)
    return first[:-1], minus


def takes_messages(network: Network, projection: Projection) -> bool:
    """Whether what a source sends over the projection may be other numbers than 1."""
    source = network.populations[projection.source]
    return source.neuron is None and _format(projection).num_message_bits > 0


def _arrives_apart(network: Network, projection: Projection) -> bool:
    """Whether the engine takes every delay of the projection for itself."""
    return rounding_of(projection) > 0 or takes_messages(network, projection)


def is_kept_until_it_arrives(network: Network, projection: Projection) -> bool:
    """Whether spikes are kept until they arrive, not delivered ahead of time."""
    return projection.synapses.delays is None or _arrives_apart(network, projection)


def wires_of(network: Network, projection: Projection) -> Iterator[Wire]:
    """Yield the wires of a projection."""
    fan_out = projection.synapses.by_pre
    if not network.is_integer:
        yield Wire(fan_out, 0 if fan_out.delays is not None else projection.delay, 0, False)
        return
    rounding = rounding_of(projection)
    fan_out = fan_out._replace(weights=_shifted(fan_out.weights, _format(projection), rounding))
    signed = has_signs(network.populations[projection.source].neuron)
    sends_signs = signed and _format(projection).num_message_bits > 0
    if fan_out.delays is None:
        parts = [(projection.delay, fan_out)]
    elif _arrives_apart(network, projection):
        parts = [(int(delay), _with_delay(fan_out, delay)) for delay in np.unique(fan_out.delays)]
    else:
        parts = [(0, fan_out)]
    for delay, part in parts:
        own = _negated_too(part) if sends_signs else part
        yield Wire(own, delay, rounding, signed and not sends_signs)


def _shifted(weights: NDArray[Any], form: SynapseFormat, rounding: int) -> NDArray[np.int32]:
    """Return what a synapse adds to ``u``, or to the sum that is rounded; one number stays one."""
    if rounding:
        return _each(weights, lambda wide: wide)
    shift = ACTIVATION_SHIFT + form.weight_exp
    if shift >= 0:
        return _each(weights, lambda wide: wide << shift)
    return _each(weights, lambda wide: wide >> -shift)  # toward minus infinity, as the chip


def _each(weights: NDArray[Any], change: Any) -> NDArray[np.int32]:
    once = weights.size > 0 and weights.strides == (0,)
    changed: NDArray[np.int32] = change((weights[:1] if once else weights).astype(np.int32))
    return np.broadcast_to(changed, weights.shape) if once else changed


def _with_delay(fan_out: FanOut, delay: Any) -> FanOut:
    """Return the synapses that have this delay."""
    keep = np.flatnonzero(fan_out.delays == delay)
    weights = fan_out.weights
    some = weights[: keep.size] if weights.strides == (0,) else weights[keep]
    return FanOut(np.searchsorted(keep, fan_out.indptr), fan_out.post[keep], some, None)


def _negated_too(fan_out: FanOut) -> FanOut:
    """Add a row of weights turned round for every row, after an empty one (see `Populations`)."""
    indptr, post, weights, delays = fan_out
    return FanOut(
        np.concatenate([indptr, indptr + post.size]),
        np.concatenate([post, post]),
        np.concatenate([weights, -weights]),
        None if delays is None else np.concatenate([delays, delays]),
    )
