"""Given connectivity: the constructors of `Synapses` that take rows, edges or matrices.

`Synapses` takes each of these functions in as a class method.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import ParameterError, ShapeError, TopologyError
from neurosparse.network.checks import check_indices, check_sizes, check_vector
from neurosparse.network.rows import (
    FanIn,
    FanOut,
    check_rows,
    frozen,
    index_dtype,
    row_ties,
)
from neurosparse.network.transpose import group_by
from neurosparse.network.values import (
    DelaySpec,
    WeightSpec,
    check_delays,
    check_weights,
    make_delays,
    make_weights,
)

if TYPE_CHECKING:
    from neurosparse.network.synapses import Synapses

__all__ = ["all_to_all", "from_edges", "from_fan_out", "from_scipy", "given_rows"]

Parts = tuple[NDArray[np.int64], NDArray[Any], NDArray[Any], NDArray[np.uint8] | None]
"""What `FanIn` and `FanOut` are made of."""


def from_fan_out(
    cls: type[Synapses],
    n_pre: int,
    n_post: int,
    indptr: Any,
    post: Any,
    weights: Any,
    delays: Any | None = None,
    *,
    multapses: bool = False,
) -> Synapses:
    """Build from presynaptic rows, the layout that simulation reads (see `FanOut`).

    Parameters
    ----------
    n_pre, n_post : int
        Size of the source and of the target.
    indptr : (n_pre + 1,) int64
        Row ``j`` holds the entries ``indptr[j]:indptr[j + 1]``.
    post : (n_active,) int
        Postsynaptic neuron of every synapse, ascending within a row. uint16 is taken as it is
        if ``n_post <= 65536``, int32 if not; other dtypes are converted.
    weights, delays, multapses
        As for `Synapses`, aligned with ``post``.

    Returns
    -------
    Synapses

    Raises
    ------
    ShapeError, TopologyError, ParameterError
        As `Synapses`.
    """
    check_sizes(n_pre, n_post)
    parts = given_rows(
        "post",
        (indptr, post, weights, delays),
        shape=(n_pre, n_post),
        dtype=index_dtype(n_post),
        multapses=multapses,
    )
    return cls._of_rows(n_pre, n_post, FanOut(*parts), multapses=multapses)


def from_edges(
    cls: type[Synapses],
    pre: Any,
    post: Any,
    weights: WeightSpec,
    *,
    n_pre: int,
    n_post: int,
    delays: DelaySpec = None,
    rng: np.random.Generator | None = None,
    dtype: Any = np.float32,
    multapses: bool = False,
) -> Synapses:
    """Build from an edge list in any order.

    Parameters
    ----------
    pre, post : (n_active,) int
        Source and target of every synapse.
    weights : float, (n_active,) array or callable
        See `WeightSpec`; a callable needs ``rng`` and draws in the order of `by_pre`.
    n_pre, n_post : int
        Sizes.
    delays : (n_active,) array or callable, optional [steps]
        See `DelaySpec`.
    rng : numpy.random.Generator, optional
        For drawn weights and delays.
    dtype : dtype
        Of the weights.
    multapses : bool
        Whether a pair may stand several times; such synapses keep their order.

    Returns
    -------
    Synapses
        Sorted, stored by presynaptic row. Cost O(n_active) time and memory.

    Raises
    ------
    TopologyError
        If an index is out of range, or a pair stands twice without ``multapses``.
    """
    pre, post = np.asarray(pre), np.asarray(post)
    if pre.ndim != 1 or pre.shape != post.shape:
        raise ShapeError(f"pre, post: got shapes {pre.shape} and {post.shape}; expected equal")
    check_sizes(n_pre, n_post)
    check_indices("pre", pre, n_pre)
    check_indices("post", post, n_post)
    n_active = pre.size
    aligned = [
        check_vector("pre", pre, n_active, index_dtype(n_pre)),
        check_vector("post", post, n_active, index_dtype(n_post)),
    ]
    if not callable(weights):
        aligned.append(make_weights(weights, n_active, rng, dtype))
    if delays is not None and not callable(delays):
        aligned.append(check_delays(delays, n_active))
    # two stable sorts: by target, then by source
    for key, size in ((1, n_post), (0, n_pre)):
        indptr, aligned = group_by(aligned[key], size, *aligned)
    sources, post, *values = (frozen(array) for array in aligned)
    if not multapses:
        _refuse_ties(row_ties(indptr, post), sources, post)
    given = make_weights(weights, n_active, rng, dtype) if callable(weights) else values.pop(0)
    steps = values.pop() if values else make_delays(delays, n_active, rng)
    rows = FanOut(frozen(indptr), post, given, steps)
    return cls._of_rows(n_pre, n_post, rows, multapses=multapses)


def all_to_all(cls: type[Synapses], weights: Any, *, dtype: Any = np.float32) -> Synapses:
    """Connect everything: ``weights`` is the dense matrix (n_post, n_pre), zeros kept."""
    matrix = np.asarray(weights)
    if matrix.ndim != 2 or not matrix.size:
        raise ShapeError(f"weights: got shape {matrix.shape}; expected (n_post, n_pre)")
    n_post, n_pre = matrix.shape
    values = make_weights(matrix.ravel(), matrix.size, None, dtype)
    indptr = np.arange(0, matrix.size + 1, n_pre, dtype=np.int64)
    pre = np.tile(np.arange(n_pre, dtype=np.int32), n_post)
    rows = FanIn(frozen(indptr), frozen(pre), values, None)
    return cls._of_rows(n_pre, n_post, rows, multapses=False)


def from_scipy(
    cls: type[Synapses], matrix: Any, *, dtype: Any = np.float32, multapses: bool = False
) -> Synapses:
    """Take a scipy sparse matrix or array of shape (n_post, n_pre); stored zeros are kept."""
    if not hasattr(matrix, "tocoo"):
        raise ParameterError(
            f"matrix: got a {type(matrix).__name__}; expected a scipy.sparse matrix "
            "(Synapses.all_to_all takes dense ones)"
        )
    coo = matrix.tocoo()
    n_post, n_pre = coo.shape
    return from_edges(
        cls,
        coo.col,
        coo.row,
        coo.data,
        n_pre=n_pre,
        n_post=n_post,
        dtype=dtype,
        multapses=multapses,
    )


def given_rows(
    name: str,
    parts: tuple[Any, Any, Any, Any],
    *,
    shape: tuple[int, int],
    dtype: Any,
    multapses: bool,
) -> Parts:
    """Return row pointers, columns, weights and delays as they are stored: validated, read-only.

    Parameters
    ----------
    name : str
        What messages call the columns.
    parts : (n_rows + 1,) int, (n_active,) int, number or (n_active,), (n_active,) or None
        As `Synapses` takes them.
    shape : (int, int)
        Number of rows and of columns.
    dtype : dtype
        Of the columns returned.
    multapses : bool
        Whether a column may stand several times in a row.

    Raises
    ------
    ShapeError, TopologyError, ParameterError
        As `Synapses`.
    """
    indptr, columns, weights, delays = parts
    indptr, columns = check_rows(
        name, indptr, columns, shape=shape, dtype=dtype, multapses=multapses
    )
    values = check_weights(weights, columns.size)
    steps = None if delays is None else check_delays(delays, columns.size)
    return frozen(indptr), frozen(columns), values, steps


def _refuse_ties(ties: NDArray[np.int64], pre: NDArray[Any], post: NDArray[Any]) -> None:
    if ties.size:
        raise TopologyError(
            f"edges: {ties.size} pairs stand twice (first: pre {pre[ties[0]]}, post "
            f"{post[ties[0]]}); add their weights, remove one, or allow multapses=True"
        )
