"""Synapses: a sparse matrix of shape (n_post, n_pre) that is never dense."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import TopologyError
from neurosparse.network import connect, given
from neurosparse.network.checks import check_sizes
from neurosparse.network.rows import (
    FanIn,
    FanOut,
    count_entries,
    frozen,
    index_dtype,
    is_constant,
    row_ties,
)
from neurosparse.network.select import merge_ties, select
from neurosparse.network.transpose import transpose
from neurosparse.network.values import (
    MAX_DELAY,
    DelaySpec,
    WeightSpec,
    check_weights,
    make_weights,
)

__all__ = ["MAX_DELAY", "DelaySpec", "FanIn", "FanOut", "Synapses", "WeightSpec"]


@dataclass(frozen=True, eq=False, init=False, repr=False)
class Synapses:
    """Weighted connections from ``n_pre`` to ``n_post`` neurons.

    Stored by postsynaptic or by presynaptic row, as they were made; the other view, `by_pre` or
    `by_post`, is laid out when it is first asked for and kept. Whatever is not said to be by
    presynaptic row is by postsynaptic row: ``indptr``, ``indices``, ``weights``, ``delays``,
    ``post``. Sizes, degrees, extremes, dtype and bytes need neither.

    Parameters
    ----------
    n_post, n_pre : int
        Size of the target and of the source.
    indptr : (n_post + 1,) int64
        Row ``i`` holds the entries ``indptr[i]:indptr[i + 1]``.
    indices : (n_active,) int32
        Presynaptic neuron of every synapse, ascending within a row.
    weights : (n_active,) float32, float64 or int16, or float
        Weights; int16 marks an integer network (Lava's 9-bit signed scale). A number is the weight
        of all synapses and is stored once: ``weights`` is then a view with a stride of 0.
    delays : (n_active,) uint8, optional [steps]
        Delay of every synapse, 1 to 255; without them the projection's delay holds.
    multapses : bool
        Whether several synapses may connect the same two neurons.

    Attributes
    ----------
    stored : FanIn or FanOut
        The view it was made with.

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
    >>> s.indices.tolist(), s.by_pre.post.tolist()
    ([2, 0], [1, 0])
    """

    n_post: int
    n_pre: int
    multapses: bool
    stored: FanIn | FanOut

    random = classmethod(connect.random)
    bernoulli = classmethod(connect.bernoulli)
    fixed_fan_in = classmethod(connect.fixed_fan_in)
    fixed_fan_out = classmethod(connect.fixed_fan_out)
    fixed_total = classmethod(connect.fixed_total)

    from_fan_out = classmethod(given.from_fan_out)
    from_edges = classmethod(given.from_edges)
    from_scipy = classmethod(given.from_scipy)
    all_to_all = classmethod(given.all_to_all)

    def __init__(
        self,
        n_post: int,
        n_pre: int,
        indptr: Any,
        indices: Any,
        weights: Any,
        delays: Any | None = None,
        *,
        multapses: bool = False,
    ) -> None:
        check_sizes(n_pre, n_post)
        parts = given.given_rows(
            "indices",
            (indptr, indices, weights, delays),
            shape=(n_post, n_pre),
            dtype=np.int32,
            multapses=multapses,
        )
        self._set(n_pre, n_post, FanIn(*parts), multapses)

    def _set(self, n_pre: int, n_post: int, rows: FanIn | FanOut, multapses: bool) -> None:
        fix = object.__setattr__
        fix(self, "n_post", int(n_post))
        fix(self, "n_pre", int(n_pre))
        fix(self, "multapses", bool(multapses))
        fix(self, "stored", rows)

    @classmethod
    def _of_rows(
        cls, n_pre: int, n_post: int, rows: FanIn | FanOut, *, multapses: bool
    ) -> Synapses:
        """Wrap validated, read-only rows."""
        synapses = object.__new__(cls)
        synapses._set(n_pre, n_post, rows, multapses)
        return synapses

    # ------------------------------------------------------------------ sizes

    @property
    def shape(self) -> tuple[int, int]:
        """``(n_post, n_pre)``, as in torch and Lava."""
        return self.n_post, self.n_pre

    @property
    def n_active(self) -> int:
        """Number of synapses that exist."""
        return self.stored[1].size

    @cached_property
    def n_pairs(self) -> int:
        """Number of connected pairs; fewer than synapses where several connect a pair."""
        indptr, indices, *_ = self.stored
        return self.n_active - (row_ties(indptr, indices).size if self.multapses else 0)

    @property
    def n_potential(self) -> int:
        """Number of pairs that could be connected."""
        return self.n_post * self.n_pre

    @property
    def density(self) -> float:
        """Synapses per potential pair."""
        return self.n_active / self.n_potential

    @property
    def n_bytes(self) -> int:
        """Bytes of the arrays as stored, one weight for all counted once [B].

        A second view that was asked for is not counted.
        """
        indptr, indices, weights, delays = self.stored
        n_weights = weights.itemsize if is_constant(weights) else weights.nbytes
        return indptr.nbytes + indices.nbytes + n_weights + (0 if delays is None else delays.nbytes)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the weights."""
        return self.stored.weights.dtype

    @property
    def constant_weight(self) -> float | None:
        """The weight of all synapses if it is stored once, else None."""
        weights = self.stored.weights
        return weights[0].item() if is_constant(weights) else None

    @cached_property
    def min_delay(self) -> int | None:
        """Shortest delay of a synapse [steps]; None if synapses have no delays of their own."""
        delays = self.stored.delays
        return None if delays is None or not delays.size else int(delays.min())

    @cached_property
    def max_delay(self) -> int | None:
        """Longest delay of a synapse [steps]; None if synapses have no delays of their own."""
        delays = self.stored.delays
        return None if delays is None or not delays.size else int(delays.max())

    @property
    def fan_out(self) -> NDArray[np.int64]:
        """Synapses per presynaptic neuron, (n_pre,) int64."""
        if isinstance(self.stored, FanOut):
            return np.diff(self.stored.indptr)
        return count_entries(self.stored.pre, self.n_pre)

    @property
    def fan_in(self) -> NDArray[np.int64]:
        """Synapses per postsynaptic neuron, (n_post,) int64."""
        if isinstance(self.stored, FanIn):
            return np.diff(self.stored.indptr)
        return count_entries(self.stored.post, self.n_post)

    # ------------------------------------------------------------------ views

    @cached_property
    def by_pre(self) -> FanOut:
        """The synapses by presynaptic row, targets ascending."""
        if isinstance(self.stored, FanOut):
            return self.stored
        return FanOut(*transpose(self.stored, self.n_pre, index_dtype(self.n_post)))

    @cached_property
    def by_post(self) -> FanIn:
        """The synapses by postsynaptic row, sources ascending."""
        if isinstance(self.stored, FanIn):
            return self.stored
        return FanIn(*transpose(self.stored, self.n_post, np.dtype(np.int32)))

    @property
    def indptr(self) -> NDArray[np.int64]:
        """Postsynaptic rows, (n_post + 1,) int64."""
        return self.by_post.indptr

    @property
    def indices(self) -> NDArray[np.int32]:
        """Presynaptic neuron of every synapse, (n_active,) int32."""
        return self.by_post.pre

    @property
    def weights(self) -> NDArray[Any]:
        """Weight of every synapse, (n_active,); its stride is 0 if it is `constant_weight`."""
        return self.by_post.weights

    @property
    def delays(self) -> NDArray[np.uint8] | None:
        """Delay of every synapse, (n_active,) uint8 [steps], or None."""
        return None if self.stored.delays is None else self.by_post.delays

    @property
    def post(self) -> NDArray[np.int32]:
        """Postsynaptic neuron of every synapse, (n_active,) int32, aligned with ``indices``."""
        return np.repeat(np.arange(self.n_post, dtype=np.int32), self.fan_in)

    # ------------------------------------------------------------------ changes

    def with_weights(self, weights: Any) -> Synapses:
        """Return the same topology with other weights: one number, or (n_active,).

        A vector is aligned with ``indices`` and keeps its dtype; a number keeps the dtype there is.
        """
        if np.ndim(weights) == 0:
            values = make_weights(weights, self.n_active, None, self.dtype)
            return self._with(self.stored._replace(weights=values))
        return self._with(self.by_post._replace(weights=check_weights(weights, self.n_active)))

    def without_zeros(self) -> Synapses:
        """Return the synapses whose weight is not 0."""
        weights = self.stored.weights
        if is_constant(weights) and weights[0]:
            return self
        return self._with(select(self.stored, np.flatnonzero(weights)))

    def merged(self) -> Synapses:
        """Return one synapse per connected pair, with the sum of the weights of its multapses.

        Raises
        ------
        TopologyError
            If synapses of a pair have different delays.
        ParameterError
            If a sum does not fit the dtype of the weights.
        """
        if not self.multapses:
            return self
        rows = merge_ties(self.stored)
        return self._of_rows(self.n_pre, self.n_post, rows, multapses=False)

    def require_unique_pairs(self, where: str) -> None:
        """Raise if several synapses may connect a pair, which ``where`` cannot represent.

        Raises
        ------
        TopologyError
            Naming ``where``.
        """
        if self.multapses:
            raise TopologyError(
                f"{where}: holds multapses (several synapses between a pair); "
                "merge them with Synapses.merged()"
            )

    def _with(self, rows: FanIn | FanOut) -> Synapses:
        return self._of_rows(self.n_pre, self.n_post, rows, multapses=self.multapses)

    def to_scipy(self) -> Any:
        """Return a ``scipy.sparse.csr_array`` that shares the arrays.

        Delays are left out; one weight for all is written out.
        """
        from scipy.sparse import csr_array

        weights = np.ascontiguousarray(self.weights)
        return csr_array((weights, self.indices, self.indptr), shape=self.shape)

    # ------------------------------------------------------------------ python's own

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Synapses):
            return NotImplemented
        if (self.shape, self.multapses, self.dtype) != (other.shape, other.multapses, other.dtype):
            return False
        if self.n_active != other.n_active:
            return False
        alike = isinstance(self.stored, FanIn) and isinstance(other.stored, FanIn)
        mine, theirs = (self.by_post, other.by_post) if alike else (self.by_pre, other.by_pre)
        return (
            np.array_equal(mine.indptr, theirs.indptr)
            and np.array_equal(mine[1], theirs[1])
            and np.array_equal(mine.weights, theirs.weights)
            and _same_delays(mine.delays, theirs.delays)
        )

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle without the second view, and one weight for all as one."""
        indptr, indices, weights, delays = self.stored
        weights = weights[0] if is_constant(weights) else weights
        kind, parts = type(self.stored), (indptr, indices, weights, delays)
        return _rebuild, (self.n_pre, self.n_post, kind, parts, self.multapses)

    def __repr__(self) -> str:
        return (
            f"Synapses({self.n_pre} -> {self.n_post}, {self.n_active} of {self.n_potential} "
            f"active = {100 * self.density:.3g} %, {self.dtype})"
        )


def _same_delays(mine: NDArray[np.uint8] | None, theirs: NDArray[np.uint8] | None) -> bool:
    if mine is None or theirs is None:
        return mine is theirs
    return np.array_equal(mine, theirs)


def _rebuild(
    n_pre: int, n_post: int, kind: type[FanIn | FanOut], parts: tuple[Any, ...], multapses: bool
) -> Synapses:
    indptr, indices, weights, delays = parts
    values = np.broadcast_to(weights, indices.size) if np.ndim(weights) == 0 else weights
    steps = None if delays is None else frozen(delays)
    rows = kind(frozen(indptr), frozen(indices), frozen(values), steps)
    return Synapses._of_rows(n_pre, n_post, rows, multapses=multapses)
