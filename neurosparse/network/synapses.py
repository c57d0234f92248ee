"""Synapses: a sparse matrix of shape (n_post, n_pre) that is never dense."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import ParameterError, ShapeError, TopologyError
from neurosparse.network.checks import (
    check_count,
    check_finite,
    check_fraction,
    check_indices,
    check_numbers,
    check_vector,
)
from neurosparse.network.sampling import sample_distinct

__all__ = ["MAX_DELAY", "FanOut", "Synapses", "WeightSpec"]

MAX_DELAY = 255  # steps; what a uint8 holds
MAX_SIZE = 2**31 - 1  # neurons; what an int32 index holds

WeightSpec = float | NDArray[Any] | Callable[[np.random.Generator, int], NDArray[Any]]
"""One weight for all, a vector with one per synapse, or ``f(rng, n_active)`` that draws them."""

_WEIGHT_DTYPES = (np.float32, np.float64, np.int16)


class FanOut(NamedTuple):
    """The synapses seen by presynaptic row: row ``j`` holds ``indptr[j]:indptr[j + 1]``."""

    indptr: NDArray[np.int64]
    post: NDArray[np.int32]
    weights: NDArray[Any]
    delays: NDArray[np.uint8] | None


def _frozen(array: NDArray[Any]) -> NDArray[Any]:
    """Return a read-only view; the array itself may be the caller's, and stays as it is."""
    view = array.view()
    view.setflags(write=False)
    return view


def _check_sizes(n_pre: int, n_post: int) -> None:
    check_count("n_post", n_post, least=1, most=MAX_SIZE)
    check_count("n_pre", n_pre, least=1, most=MAX_SIZE)


def _check_delays(delays: Any, n_active: int) -> NDArray[np.uint8]:
    raw = np.asarray(delays)
    check_numbers("delays", raw)
    if raw.size and (raw.min() < 1 or raw.max() > MAX_DELAY):
        bad = raw[(raw < 1) | (raw > MAX_DELAY)][0]
        raise ParameterError(
            f"delays: got {bad}; allowed is 1 to {MAX_DELAY} steps (one step is the least)"
        )
    return check_vector("delays", raw, n_active, np.uint8)


@dataclass(frozen=True, eq=False)
class Synapses:
    """Weighted connections from ``n_pre`` to ``n_post`` neurons, stored by postsynaptic row.

    Parameters
    ----------
    n_post, n_pre : int
        Size of the target and of the source.
    indptr : (n_post + 1,) int64
        Row ``i`` holds the entries ``indptr[i]:indptr[i + 1]``.
    indices : (n_active,) int32
        Presynaptic neuron of every synapse, ascending within a row, no duplicates.
    weights : (n_active,) float32, float64 or int16
        Weights; int16 marks an integer network (Lava's 9-bit signed scale).
    delays : (n_active,) uint8, optional [steps]
        Delay of every synapse, >= 1; without them the projection's delay holds.

    Raises
    ------
    ShapeError, TopologyError, ParameterError
        If arrays do not fit together, indices are out of range, unsorted or doubled, a weight is
        not finite, or a delay is 0.

    Examples
    --------
    >>> s = Synapses.from_edges(pre=[0, 2], post=[1, 0], weights=[0.5, -1.0], n_pre=3, n_post=2)
    >>> s.n_active, s.density
    (2, 0.3333333333333333)
    """

    n_post: int
    n_pre: int
    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    weights: NDArray[Any]
    delays: NDArray[np.uint8] | None = None

    def __post_init__(self) -> None:
        fix = object.__setattr__
        _check_sizes(self.n_pre, self.n_post)
        indptr = check_vector("indptr", self.indptr, self.n_post + 1, np.int64)
        n_active = int(indptr[-1])
        if indptr[0] != 0 or np.any(np.diff(indptr) < 0):
            raise TopologyError("indptr: must start at 0 and never fall")
        given = np.asarray(self.indices)
        if given.shape == (n_active,):
            check_indices("indices", given, self.n_pre)
        indices = check_vector("indices", given, n_active, np.int32)
        # ascending inside a row: a fall or a tie is allowed only where a new row begins
        rises = np.ones(n_active, dtype=bool)
        rises[1:] = indices[1:] > indices[:-1]
        starts = indptr[:-1]
        rises[starts[starts < n_active]] = True
        if not rises.all():
            first = int(np.flatnonzero(~rises)[0])
            raise TopologyError(
                f"indices: not ascending within a row, or doubled (first at {first}); "
                "build with Synapses.from_edges, which sorts and names duplicates"
            )
        weights = np.asarray(self.weights)
        if weights.dtype.type not in _WEIGHT_DTYPES:
            raise ShapeError(
                f"weights: got dtype {weights.dtype}; allowed is float32, float64 or int16"
            )
        weights = check_vector("weights", weights, n_active, weights.dtype)
        check_finite("weights", weights)
        fix(self, "indptr", _frozen(indptr))
        fix(self, "indices", _frozen(indices))
        fix(self, "weights", _frozen(weights))
        if self.delays is not None:
            fix(self, "delays", _frozen(_check_delays(self.delays, n_active)))

    # ------------------------------------------------------------------ constructors

    @classmethod
    def from_edges(
        cls,
        pre: Any,
        post: Any,
        weights: WeightSpec,
        *,
        n_pre: int,
        n_post: int,
        delays: Any | None = None,
        rng: np.random.Generator | None = None,
        dtype: Any = np.float32,
    ) -> Synapses:
        """Build from an edge list in any order.

        Parameters
        ----------
        pre, post : (n_active,) int
            Source and target of every synapse.
        weights : float, (n_active,) array or callable
            See `WeightSpec`; a callable needs ``rng``.
        n_pre, n_post : int
            Sizes.
        delays : (n_active,) int, optional [steps]
            Delay of every synapse.
        rng : numpy.random.Generator, optional
            For drawn weights.
        dtype : dtype
            Of the weights.

        Returns
        -------
        Synapses
            Sorted.

        Raises
        ------
        TopologyError
            If an index is out of range or a pair stands twice.
        """
        pre, post = np.asarray(pre), np.asarray(post)
        if pre.ndim != 1 or pre.shape != post.shape:
            raise ShapeError(f"pre, post: got shapes {pre.shape} and {post.shape}; expected equal")
        _check_sizes(n_pre, n_post)
        check_indices("pre", pre, n_pre)
        check_indices("post", post, n_post)
        pre = check_vector("pre", pre, pre.size, np.int64)
        post = check_vector("post", post, pre.size, np.int64)
        keys = post * n_pre + pre
        order = np.argsort(keys, kind="stable")
        keys = keys[order]
        twice = np.flatnonzero(keys[1:] == keys[:-1])
        if twice.size:
            where = int(keys[twice[0]])
            raise TopologyError(
                f"edges: {twice.size} pairs stand twice (first: pre {where % n_pre}, post "
                f"{where // n_pre}); add their weights or remove one"
            )
        values = _draw_weights(weights, keys.size, rng, dtype)
        return cls._from_keys(
            keys,
            n_pre,
            n_post,
            values if callable(weights) or np.ndim(weights) == 0 else values[order],
            None if delays is None else _check_delays(delays, keys.size)[order],
        )

    @classmethod
    def _from_keys(
        cls, keys: NDArray[np.int64], n_pre: int, n_post: int, weights: Any, delays: Any = None
    ) -> Synapses:
        """Build from sorted keys ``post * n_pre + pre``."""
        counts = np.bincount(keys // n_pre, minlength=n_post)
        indptr = np.zeros(n_post + 1, dtype=np.int64)
        np.cumsum(counts, out=indptr[1:])
        return cls(n_post, n_pre, indptr, (keys % n_pre).astype(np.int32), weights, delays)

    @classmethod
    def random(
        cls,
        n_pre: int,
        n_post: int,
        *,
        density: float,
        weights: WeightSpec = 1.0,
        rng: np.random.Generator,
        dtype: Any = np.float32,
    ) -> Synapses:
        """Choose ``round(density * n_pre * n_post)`` pairs uniformly, in O(n_active) memory.

        Parameters
        ----------
        n_pre, n_post : int
            Sizes.
        density : float
            Share of the potential synapses, ``0 < density <= 1``; at least one is made.
        weights : float, array or callable
            See `WeightSpec`.
        rng : numpy.random.Generator
            Source of randomness.
        dtype : dtype
            Of the weights.

        Returns
        -------
        Synapses

        Raises
        ------
        ParameterError
            If the density is out of range.
        """
        _check_sizes(n_pre, n_post)
        n_potential = n_pre * n_post
        n_active = max(1, round(check_fraction("density", density) * n_potential))
        keys = sample_distinct(rng, n_potential, n_active)
        return cls._from_keys(keys, n_pre, n_post, _draw_weights(weights, n_active, rng, dtype))

    @classmethod
    def fixed_fan_in(
        cls,
        n_pre: int,
        n_post: int,
        *,
        fan_in: int,
        weights: WeightSpec = 1.0,
        rng: np.random.Generator,
        dtype: Any = np.float32,
    ) -> Synapses:
        """Give every postsynaptic neuron ``fan_in`` distinct sources (see `random`)."""
        _check_sizes(n_pre, n_post)
        check_count("fan_in", fan_in, least=1, most=n_pre)
        rows = [sample_distinct(rng, n_pre, fan_in) for _ in range(n_post)]
        keys = np.concatenate([row + post * n_pre for post, row in enumerate(rows)])
        return cls._from_keys(keys, n_pre, n_post, _draw_weights(weights, keys.size, rng, dtype))

    @classmethod
    def fixed_fan_out(
        cls,
        n_pre: int,
        n_post: int,
        *,
        fan_out: int,
        weights: WeightSpec = 1.0,
        rng: np.random.Generator,
        dtype: Any = np.float32,
    ) -> Synapses:
        """Give every presynaptic neuron ``fan_out`` distinct targets (see `random`)."""
        _check_sizes(n_pre, n_post)
        check_count("fan_out", fan_out, least=1, most=n_post)
        post = np.concatenate([sample_distinct(rng, n_post, fan_out) for _ in range(n_pre)])
        pre = np.repeat(np.arange(n_pre), fan_out)
        return cls.from_edges(pre, post, weights, n_pre=n_pre, n_post=n_post, rng=rng, dtype=dtype)

    @classmethod
    def all_to_all(cls, weights: Any, *, dtype: Any = np.float32) -> Synapses:
        """Connect everything: ``weights`` is the dense matrix (n_post, n_pre), zeros kept."""
        matrix = np.asarray(weights)
        if matrix.ndim != 2 or not matrix.size:
            raise ShapeError(f"weights: got shape {matrix.shape}; expected (n_post, n_pre)")
        n_post, n_pre = matrix.shape
        keys = np.arange(n_post * n_pre, dtype=np.int64)
        values = check_vector("weights", matrix.ravel(), keys.size, dtype)
        return cls._from_keys(keys, n_pre, n_post, values)

    @classmethod
    def from_scipy(cls, matrix: Any, *, dtype: Any = np.float32) -> Synapses:
        """Take a scipy sparse matrix or array of shape (n_post, n_pre); stored zeros are kept."""
        if not hasattr(matrix, "tocoo"):
            raise ParameterError(
                f"matrix: got a {type(matrix).__name__}; expected a scipy.sparse matrix "
                "(Synapses.all_to_all takes dense ones)"
            )
        coo = matrix.tocoo()
        n_post, n_pre = coo.shape
        return cls.from_edges(coo.col, coo.row, coo.data, n_pre=n_pre, n_post=n_post, dtype=dtype)

    # ------------------------------------------------------------------ views

    @property
    def shape(self) -> tuple[int, int]:
        """``(n_post, n_pre)``, as in torch and Lava."""
        return self.n_post, self.n_pre

    @property
    def n_active(self) -> int:
        """Number of synapses that exist."""
        return self.indices.size

    @property
    def n_potential(self) -> int:
        """Number of synapses that could exist."""
        return self.n_post * self.n_pre

    @property
    def density(self) -> float:
        """Share of the potential synapses that exist."""
        return self.n_active / self.n_potential

    @property
    def n_bytes(self) -> int:
        """Bytes of the stored arrays [B]."""
        arrays = (self.indptr, self.indices, self.weights, self.delays)
        return sum(array.nbytes for array in arrays if array is not None)

    @property
    def post(self) -> NDArray[np.int32]:
        """Postsynaptic neuron of every synapse, (n_active,) int32, aligned with ``indices``."""
        rows = np.arange(self.n_post, dtype=np.int32)
        return np.repeat(rows, np.diff(self.indptr))

    @cached_property
    def by_pre(self) -> FanOut:
        """The same synapses by presynaptic row, targets ascending (made once, kept)."""
        order = np.argsort(self.indices, kind="stable")
        indptr = np.zeros(self.n_pre + 1, dtype=np.int64)
        np.cumsum(np.bincount(self.indices, minlength=self.n_pre), out=indptr[1:])
        return FanOut(
            _frozen(indptr),
            _frozen(self.post[order]),
            _frozen(self.weights[order]),
            None if self.delays is None else _frozen(self.delays[order]),
        )

    @property
    def fan_out(self) -> NDArray[np.int64]:
        """Synapses per presynaptic neuron, (n_pre,) int64."""
        return np.bincount(self.indices, minlength=self.n_pre).astype(np.int64)

    @property
    def fan_in(self) -> NDArray[np.int64]:
        """Synapses per postsynaptic neuron, (n_post,) int64."""
        return np.diff(self.indptr)

    def with_weights(self, weights: Any) -> Synapses:
        """Return the same topology with other weights, (n_active,)."""
        return Synapses(
            self.n_post, self.n_pre, self.indptr, self.indices, np.asarray(weights), self.delays
        )

    def without_zeros(self) -> Synapses:
        """Return a copy without the synapses whose weight is 0."""
        keep = self.weights != 0
        keys = self.post[keep].astype(np.int64) * self.n_pre + self.indices[keep]
        delays = None if self.delays is None else self.delays[keep]
        return self._from_keys(keys, self.n_pre, self.n_post, self.weights[keep], delays)

    def to_scipy(self) -> Any:
        """Return a ``scipy.sparse.csr_array`` that shares the arrays (delays are left out)."""
        from scipy.sparse import csr_array

        return csr_array((self.weights, self.indices, self.indptr), shape=self.shape)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Synapses):
            return NotImplemented
        same_delays = (
            self.delays is other.delays
            if self.delays is None or other.delays is None
            else np.array_equal(self.delays, other.delays)
        )
        return (
            self.shape == other.shape
            and same_delays
            and self.weights.dtype == other.weights.dtype
            and np.array_equal(self.indptr, other.indptr)
            and np.array_equal(self.indices, other.indices)
            and np.array_equal(self.weights, other.weights)
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return (
            f"Synapses({self.n_pre} -> {self.n_post}, {self.n_active} of {self.n_potential} "
            f"active = {100 * self.density:.3g} %, {self.weights.dtype})"
        )


def _draw_weights(
    weights: WeightSpec, n_active: int, rng: np.random.Generator | None, dtype: Any
) -> NDArray[Any]:
    if callable(weights):
        if rng is None:
            raise ParameterError("rng: needed to draw weights; pass numpy.random.default_rng(seed)")
        values = np.asarray(weights(rng, n_active))
    elif np.ndim(weights) == 0:
        values = np.full(n_active, weights)
    else:
        values = np.asarray(weights)
    return check_vector("weights", values, n_active, dtype)
