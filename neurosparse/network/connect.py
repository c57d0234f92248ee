"""Random connectivity: the constructors of `Synapses` that draw who connects to whom.

All of them take:

n_pre, n_post : int
    Sizes.
weights : float, (n_active,) array or callable
    See `WeightSpec`; a number is stored once.
delays : (n_active,) array or callable, optional [steps]
    See `DelaySpec`; 1 to 255.
rng : numpy.random.Generator
    Source of randomness; used for the connectivity, then the weights, then the delays.
dtype : dtype
    Of the weights: float32, float64 or int16.
multapses : bool
    Whether several synapses may connect the same two neurons.
autapses : bool
    Whether a neuron may connect to itself; False takes ``n_pre == n_post``.

Notes
-----
The synapses are stored by presynaptic row, and given or drawn weights and delays are in this
order (`Synapses.by_pre`). Time and memory are O(n_active + n_pre + n_post); rows are drawn and
sorted in chunks, and nothing is held beside the result that is larger than it.

`Synapses` takes each of these functions in as a class method.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import ParameterError
from neurosparse.network.checks import (
    check_count,
    check_fraction,
    check_generator,
    check_sizes,
)
from neurosparse.network.rows import FanOut, frozen, index_dtype
from neurosparse.network.sampling import sample_rows, split_evenly
from neurosparse.network.transpose import RowNumbers, group_by
from neurosparse.network.values import DelaySpec, WeightSpec, make_delays, make_weights

if TYPE_CHECKING:
    from neurosparse.network.synapses import Synapses

__all__ = ["bernoulli", "fixed_fan_in", "fixed_fan_out", "fixed_total", "random"]


def random(
    cls: type[Synapses],
    n_pre: int,
    n_post: int,
    *,
    density: float,
    weights: WeightSpec = 1.0,
    delays: DelaySpec = None,
    rng: np.random.Generator,
    dtype: Any = np.float32,
    autapses: bool = True,
) -> Synapses:
    """Choose ``round(density * n_potential)`` pairs, every set of them equally likely.

    Parameters
    ----------
    n_pre, n_post, weights, delays, rng, dtype, autapses
        See `neurosparse.network.connect`.
    density : float
        Share of the potential synapses, ``0 < density <= 1``; at least one is made.

    Returns
    -------
    Synapses

    Raises
    ------
    ParameterError
        If the density is out of range.
    """
    n_potential = n_pre * _check_pairs(n_pre, n_post, autapses)[1]
    n_active = max(1, round(check_fraction("density", density) * n_potential))
    return fixed_total(
        cls,
        n_pre,
        n_post,
        n_synapses=n_active,
        weights=weights,
        delays=delays,
        rng=rng,
        dtype=dtype,
        autapses=autapses,
    )


def bernoulli(
    cls: type[Synapses],
    n_pre: int,
    n_post: int,
    *,
    probability: float,
    weights: WeightSpec = 1.0,
    delays: DelaySpec = None,
    rng: np.random.Generator,
    dtype: Any = np.float32,
    autapses: bool = True,
) -> Synapses:
    """Connect every pair with the same probability, independently of all others.

    Parameters
    ----------
    n_pre, n_post, weights, delays, rng, dtype, autapses
        See `neurosparse.network.connect`.
    probability : float
        ``0 <= probability <= 1``.

    Returns
    -------
    Synapses

    Raises
    ------
    ParameterError
        If the probability is out of range.
    """
    _, width = _check_pairs(n_pre, n_post, autapses)
    check_fraction("probability", probability, open_below=False)
    counts = check_generator(rng).binomial(width, probability, n_pre).astype(np.int64)
    pattern = sample_rows(rng, counts, width, repeats=False, skip_own=not autapses)
    return _of_pattern(cls, n_pre, n_post, pattern, weights, delays, rng, dtype)


def fixed_fan_in(
    cls: type[Synapses],
    n_pre: int,
    n_post: int,
    *,
    fan_in: int,
    weights: WeightSpec = 1.0,
    delays: DelaySpec = None,
    rng: np.random.Generator,
    dtype: Any = np.float32,
    multapses: bool = False,
    autapses: bool = True,
) -> Synapses:
    """Give every postsynaptic neuron ``fan_in`` synapses from uniformly chosen sources.

    Parameters
    ----------
    n_pre, n_post, weights, delays, rng, dtype, multapses, autapses
        See `neurosparse.network.connect`.
    fan_in : int
        At least 1, and without multapses at most the number of sources.

    Returns
    -------
    Synapses

    Raises
    ------
    ParameterError
        If the fan-in is out of range.
    """
    width, _ = _check_pairs(n_pre, n_post, autapses)
    by_post, pre = _equal_rows("fan_in", fan_in, n_post, width, rng, multapses, autapses)
    indptr, (post,) = group_by(pre, n_pre, RowNumbers(by_post, index_dtype(n_post)))
    del pre
    return _of_pattern(cls, n_pre, n_post, (indptr, post), weights, delays, rng, dtype, multapses)


def fixed_fan_out(
    cls: type[Synapses],
    n_pre: int,
    n_post: int,
    *,
    fan_out: int,
    weights: WeightSpec = 1.0,
    delays: DelaySpec = None,
    rng: np.random.Generator,
    dtype: Any = np.float32,
    multapses: bool = False,
    autapses: bool = True,
) -> Synapses:
    """Give every presynaptic neuron ``fan_out`` synapses onto uniformly chosen targets.

    Parameters
    ----------
    n_pre, n_post, weights, delays, rng, dtype, multapses, autapses
        See `neurosparse.network.connect`.
    fan_out : int
        At least 1, and without multapses at most the number of targets.

    Returns
    -------
    Synapses

    Raises
    ------
    ParameterError
        If the fan-out is out of range.
    """
    _, width = _check_pairs(n_pre, n_post, autapses)
    pattern = _equal_rows("fan_out", fan_out, n_pre, width, rng, multapses, autapses)
    return _of_pattern(cls, n_pre, n_post, pattern, weights, delays, rng, dtype, multapses)


def fixed_total(
    cls: type[Synapses],
    n_pre: int,
    n_post: int,
    *,
    n_synapses: int,
    weights: WeightSpec = 1.0,
    delays: DelaySpec = None,
    rng: np.random.Generator,
    dtype: Any = np.float32,
    multapses: bool = False,
    autapses: bool = True,
) -> Synapses:
    """Make ``n_synapses`` synapses between uniformly chosen pairs.

    Parameters
    ----------
    n_pre, n_post, weights, delays, rng, dtype, multapses, autapses
        See `neurosparse.network.connect`. With multapses every synapse chooses its pair
        independently; without, every set of pairs is equally likely.
    n_synapses : int
        At least 0, and without multapses at most the number of pairs.

    Returns
    -------
    Synapses

    Raises
    ------
    ParameterError
        If the number is out of range.
    """
    _, width = _check_pairs(n_pre, n_post, autapses)
    check_count("n_synapses", n_synapses, most=None if multapses else n_pre * width)
    counts = split_evenly(check_generator(rng), n_synapses, n_pre, width, repeats=multapses)
    pattern = sample_rows(rng, counts, width, repeats=multapses, skip_own=not autapses)
    return _of_pattern(cls, n_pre, n_post, pattern, weights, delays, rng, dtype, multapses)


def _equal_rows(
    name: str,
    number: int,
    n_rows: int,
    width: int,
    rng: np.random.Generator,
    multapses: bool,
    autapses: bool,
) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """Draw as many partners, ``number`` out of ``width``, for each of ``n_rows`` neurons."""
    check_count(name, number, least=1, most=None if multapses else width)
    counts = np.full(n_rows, number, dtype=np.int64)
    return sample_rows(
        check_generator(rng), counts, width, repeats=multapses, skip_own=not autapses
    )


def _of_pattern(
    cls: type[Synapses],
    n_pre: int,
    n_post: int,
    pattern: tuple[NDArray[np.int64], NDArray[Any]],
    weights: WeightSpec,
    delays: DelaySpec,
    rng: np.random.Generator,
    dtype: Any,
    multapses: bool = False,
) -> Synapses:
    indptr, post = pattern
    values = make_weights(weights, post.size, rng, dtype)
    steps = make_delays(delays, post.size, rng)
    rows = FanOut(frozen(indptr), frozen(post), values, steps)
    return cls._of_rows(n_pre, n_post, rows, multapses=multapses)


def _check_pairs(n_pre: int, n_post: int, autapses: bool) -> tuple[int, int]:
    """Check the sizes; return how many sources and how many targets a neuron can have."""
    check_sizes(n_pre, n_post)
    if autapses:
        return n_pre, n_post
    if n_pre != n_post:
        raise ParameterError(
            f"autapses: got False for {n_pre} -> {n_post} neurons; only a population that projects "
            "onto itself has any (n_pre == n_post)"
        )
    if n_pre == 1:
        raise ParameterError("autapses: got False for one neuron, which has no other partner")
    return n_pre - 1, n_post - 1
