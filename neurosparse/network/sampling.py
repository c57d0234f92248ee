"""Draw distinct positions, and rows of them, in memory proportional to the draw."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import ParameterError
from neurosparse.network.rows import index_dtype, row_pointers

__all__ = ["sample_distinct", "sample_rows", "split_evenly"]

CHUNK = 1 << 18  # entries drawn at a time, sorted within the second-level cache; part of a seed


def sample_distinct(rng: np.random.Generator, n_population: int, n_draw: int) -> NDArray[np.int64]:
    """Draw ``n_draw`` distinct integers uniformly from ``range(n_population)``.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    n_population : int
        Size of the population; never allocated unless the draw is more than half of it.
    n_draw : int
        How many, ``0 <= n_draw <= n_population``.

    Returns
    -------
    (n_draw,) int64
        Sorted ascending. Every subset of this size is equally likely.

    Raises
    ------
    ParameterError
        If more is asked for than there is.

    Notes
    -----
    ``Generator.choice(replace=False)`` allocates the population when the draw exceeds 2 % of it;
    here memory and time are O(n_draw). Draws with replacement, keeps the distinct ones and tops
    up; by symmetry the subset is uniform.
    """
    if not 0 <= n_draw <= n_population:
        raise ParameterError(f"n_draw: got {n_draw}; allowed is 0 to {n_population}")
    if n_draw > n_population // 2:
        left_out = sample_distinct(rng, n_population, n_population - n_draw)
        keep = np.ones(n_population, dtype=bool)  # <= 2 * n_draw entries
        keep[left_out] = False
        return np.flatnonzero(keep)
    drawn = _distinct(rng.integers(0, n_population, size=n_draw, dtype=np.int64))
    while drawn.size < n_draw:
        more = rng.integers(0, n_population, size=n_draw - drawn.size, dtype=np.int64)
        drawn = _distinct(np.concatenate([drawn, more]))
    return drawn


def _distinct(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the distinct ones, ascending; ``numpy.unique`` keeps a hash table of all of them."""
    numbers.sort()
    first = np.ones(numbers.size, dtype=bool)
    np.not_equal(numbers[1:], numbers[:-1], out=first[1:])
    return numbers if first.all() else numbers[first]


def split_evenly(
    rng: np.random.Generator, n_draw: int, n_rows: int, width: int, *, repeats: bool
) -> NDArray[np.int64]:
    """Draw how many of ``n_draw`` uniformly chosen places in rows of ``width`` fall in each row.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    n_draw, n_rows, width : int
        Sizes; without repeats ``n_draw <= n_rows * width``.
    repeats : bool
        Whether a place may be chosen several times.

    Returns
    -------
    (n_rows,) int64
        Multinomial with repeats, multivariate hypergeometric without.

    Notes
    -----
    Without repeats every place is first taken with probability ``n_draw / (n_rows * width)``; then
    uniformly chosen places are given back, or taken in addition, until the number is right. Each
    of the three leaves all sets of one size equally likely. (numpy's own multivariate
    hypergeometric ends at 10^9 places.)
    """
    if repeats:
        shares: NDArray[np.int64] = rng.multinomial(n_draw, np.full(n_rows, 1 / n_rows))
        return shares.astype(np.int64, copy=False)
    counts = rng.binomial(width, n_draw / (n_rows * width), n_rows).astype(np.int64)
    excess = int(counts.sum()) - n_draw
    available = counts if excess > 0 else width - counts
    chosen = sample_distinct(rng, int(available.sum()), abs(excess))
    rows = np.searchsorted(np.cumsum(available), chosen, side="right")
    change = np.bincount(rows, minlength=n_rows)
    return counts - change if excess > 0 else counts + change


def sample_rows(
    rng: np.random.Generator,
    counts: NDArray[np.int64],
    width: int,
    *,
    repeats: bool,
    skip_own: bool = False,
) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """Draw ``counts[i]`` columns out of ``width`` for every row ``i``, uniformly.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    counts : (n_rows,) int64
        Columns per row; without repeats at most ``width``.
    width : int
        Columns to choose from.
    repeats : bool
        Whether a column may be drawn several times for one row.
    skip_own : bool
        Whether the columns are ``0 .. width`` without the row's own number.

    Returns
    -------
    indptr : (n_rows + 1,) int64
        Row pointers.
    columns : (n,) uint16 or int32
        Ascending within a row (see `index_dtype`).

    Notes
    -----
    Cost O(n log chunk) time; memory that of the result and a constant. Same generator, same
    result: the size of the chunks is a constant.
    """
    draw = _draw_any if repeats else _draw_distinct
    indptr = row_pointers(counts)
    out = np.empty(int(indptr[-1]), dtype=index_dtype(width + skip_own))
    for first, last in _row_chunks(indptr):
        columns = draw(rng, counts[first:last], width)
        if skip_own:
            rows = np.repeat(np.arange(first, last, dtype=columns.dtype), counts[first:last])
            columns += columns >= rows
        out[indptr[first] : indptr[last]] = columns
    return indptr, out


def _row_chunks(indptr: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Cut rows into groups of about CHUNK entries, at least one row each."""
    first, n_rows = 0, indptr.size - 1
    while first < n_rows:
        last = int(np.searchsorted(indptr, indptr[first] + CHUNK, side="right")) - 1
        last = min(max(last, first + 1), n_rows)
        yield first, last
        first = last


class _Keys:
    """Row and column in one unsigned integer, the narrowest that holds both: it sorts fastest."""

    def __init__(self, rng: np.random.Generator, n_rows: int, width: int) -> None:
        bits = max(1, (width - 1).bit_length())
        self.dtype = np.dtype(np.uint32 if n_rows << bits <= 1 << 32 else np.uint64)
        self._bits, self._mask = self.dtype.type(bits), self.dtype.type((1 << bits) - 1)
        self._rng, self._width = rng, width

    def draw(self, rows: NDArray[Any]) -> NDArray[Any]:
        """Draw a column for each of ``rows``; return the keys sorted."""
        keys = self._rng.integers(0, self._width, size=rows.size, dtype=self.dtype)
        keys |= rows << self._bits
        keys.sort()
        return keys

    def rows(self, keys: NDArray[Any]) -> NDArray[Any]:
        return keys >> self._bits

    def columns(self, keys: NDArray[Any]) -> NDArray[Any]:
        return keys & self._mask


def _draw_any(rng: np.random.Generator, counts: NDArray[np.int64], width: int) -> NDArray[Any]:
    keys = _Keys(rng, counts.size, width)
    return keys.columns(keys.draw(np.repeat(np.arange(counts.size, dtype=keys.dtype), counts)))


def _draw_distinct(rng: np.random.Generator, counts: NDArray[np.int64], width: int) -> NDArray[Any]:
    """Draw until every row has its number of distinct columns: rejection, hence uniform."""
    if 2 * int(counts.sum()) > counts.size * width:
        rows = np.repeat(np.arange(counts.size), width - counts)
        keep = np.ones((counts.size, width), dtype=bool)  # < 2 bytes per entry
        keep[rows, _draw_distinct(rng, width - counts, width)] = False
        return np.nonzero(keep)[1]
    keys = _Keys(rng, counts.size, width)
    first = keys.draw(np.repeat(np.arange(counts.size, dtype=keys.dtype), counts))
    new = _is_new(first)
    if new.all():
        return keys.columns(first)
    rejected, first = first[~new], first[new]
    more = first[:0]
    while rejected.size:  # a rejected draw leaves a gap in its row
        drawn = keys.draw(keys.rows(rejected))
        new = _is_new(drawn) & ~_contains(first, drawn) & ~_contains(more, drawn)
        rejected = drawn[~new]
        more = np.sort(np.concatenate([more, drawn[new]]))
    return keys.columns(np.sort(np.concatenate([first, more])))


def _is_new(ordered: NDArray[Any]) -> NDArray[np.bool_]:
    """Whether an entry differs from the one before."""
    new = np.ones(ordered.size, dtype=bool)
    np.not_equal(ordered[1:], ordered[:-1], out=new[1:])
    return new


def _contains(ordered: NDArray[Any], values: NDArray[Any]) -> NDArray[np.bool_]:
    """Whether each of ``values`` stands in ``ordered``."""
    place = np.searchsorted(ordered, values)
    found = place < ordered.size
    found[found] = ordered[place[found]] == values[found]
    return found
