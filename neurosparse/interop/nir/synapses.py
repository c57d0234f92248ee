"""Linear maps of NIR as synapses, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import NeurosparseError
from neurosparse.interop.nir.neurons import notes_of
from neurosparse.interop.nir.routes import Route
from neurosparse.network import Synapses
from neurosparse.network.synapses import MAX_DELAY

__all__ = ["Piece", "Strand", "join_strands", "read_strand", "write_pieces"]

_ZEROS = "neurosparse.zeros"  # synapses whose weight is 0, by their place in the flat matrix
# how far a delay may be from a whole number of steps, of itself: float32 has 1e-7
_TOLERANCE = 1e-6


# ---------------------------------------------------------------------- out


@dataclass(frozen=True)
class Piece:
    """Synapses of one delay, as a dense matrix."""

    delay: int
    weight: NDArray[Any]
    metadata: dict[str, Any]


def write_pieces(synapses: Synapses, delay: int) -> list[Piece]:
    """Return the synapses as dense matrices, one for each delay."""
    if synapses.delays is None or not synapses.n_active:
        return [_piece(synapses, np.ones(synapses.n_active, dtype=bool), delay)]
    steps = np.asarray(synapses.delays)
    return [_piece(synapses, steps == each, int(each)) for each in np.unique(steps)]


def _piece(synapses: Synapses, chosen: NDArray[np.bool_], delay: int) -> Piece:
    weight = np.zeros(synapses.shape, dtype=synapses.dtype)
    flat = synapses.post[chosen].astype(np.int64) * synapses.n_pre + synapses.indices[chosen]
    values = synapses.weights[chosen]
    weight.reshape(-1)[flat] = values
    zeros = flat[values == 0]
    return Piece(delay, weight, {_ZEROS: zeros} if zeros.size else {})


# ---------------------------------------------------------------------- in


@dataclass(frozen=True)
class Strand:
    """Synapses made of a route; they have delays of their own only where these differ."""

    route: Route
    synapses: Synapses
    delay: int


def read_strand(
    route: Route, node: Any, n_pre: int, extra_steps: int, dt: float, problems: list[str]
) -> Strand | None:
    """Return the synapses that a route stands for.

    Parameters
    ----------
    route : Route
        As found.
    node : nir.Linear or nir.Affine, optional
        Its linear node.
    n_pre : int
        Size of the source.
    extra_steps : int
        Added to every delay.
    dt : float [s]
        Length of a step.
    problems : list of str
        Takes up what is wrong.
    """
    where = f"node {route.linear or route.source!r}"
    if route.weight is None:
        post = pre = np.arange(n_pre)
        weights = np.ones(n_pre, dtype=np.float32)
        n_post = n_pre
    else:
        matrix = route.weight
        n_post = matrix.shape[0]
        present = matrix != 0
        zeros = np.asarray(notes_of(node).get(_ZEROS, ()), dtype=np.int64)
        present.reshape(-1)[zeros[(zeros >= 0) & (zeros < matrix.size)]] = True
        post, pre = np.nonzero(present)
        weights = matrix[post, pre]
        if weights.dtype != np.float64:
            weights = weights.astype(np.float32)
    if np.ndim(route.before) or np.ndim(route.after):
        factors = np.broadcast_to(route.before, n_pre)[pre]
        factors = factors * np.broadcast_to(route.after, n_post)[post]
        weights = (weights * factors).astype(weights.dtype)
    seconds = np.broadcast_to(route.delay_before, n_pre)[pre]
    seconds = seconds + np.broadcast_to(route.delay_after, n_post)[post]
    if not seconds.size:  # a projection without synapses has a delay all the same
        seconds = np.atleast_1d(np.max(route.delay_before) + np.max(route.delay_after))
    steps = _steps(where, seconds, dt, problems)
    if steps is None:
        return None
    delays = steps + 1 + extra_steps
    if delays.max() > MAX_DELAY:
        problems.append(f"{where}: a delay of {delays.max()} steps; allowed are {MAX_DELAY}")
        return None
    differ = bool((delays != delays[:1]).any())
    try:
        synapses = Synapses.from_edges(
            pre,
            post,
            weights,
            n_pre=n_pre,
            n_post=n_post,
            delays=delays.astype(np.uint8) if differ else None,
            dtype=weights.dtype,
        )
    except NeurosparseError as error:
        problems.append(f"{where}: {error}")
        return None
    return Strand(route, synapses, 1 if differ else int(delays[0]))


def _steps(
    where: str, seconds: NDArray[np.float64], dt: float, problems: list[str]
) -> NDArray[np.int64] | None:
    exact = seconds / dt
    whole = np.rint(exact)
    bad = (
        ~np.isfinite(exact)
        | (exact < 0)
        | (np.abs(exact - whole) > _TOLERANCE * np.maximum(1, whole))
    )
    if bad.any():
        problems.append(
            f"{where}: a delay of {seconds[bad][0]} s; allowed are whole steps of dt={dt} s, >= 0"
        )
        return None
    return whole.astype(np.int64)


def join_strands(strands: Sequence[Strand], *, own_delays: bool) -> Strand:
    """Return strands between the same populations as one, with delays of their own if asked."""
    first = strands[0]
    if len(strands) == 1 and (first.synapses.delays is not None) == own_delays:
        return first
    pieces = [strand.synapses for strand in strands]
    delays = [
        np.full(each.n_active, strand.delay, dtype=np.uint8)
        if each.delays is None
        else np.asarray(each.delays)
        for strand, each in zip(strands, pieces, strict=True)
    ]
    synapses = Synapses.from_edges(
        np.concatenate([each.indices for each in pieces]),
        np.concatenate([each.post for each in pieces]),
        np.concatenate([each.weights for each in pieces]),
        n_pre=pieces[0].n_pre,
        n_post=pieces[0].n_post,
        delays=np.concatenate(delays) if own_delays else None,
        dtype=pieces[0].dtype,
    )
    return Strand(first.route, synapses, first.delay)
