"""Block pruning and rewiring: whole blocks of the matrix go and come."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import ParameterError, ShapeError
from neurosparse.network import sample_distinct
from neurosparse.network.checks import check_count, check_fraction, check_generator
from neurosparse.sparsify.context import Context
from neurosparse.sparsify.grow import free_keys
from neurosparse.sparsify.layer import LayerView
from neurosparse.sparsify.magnitude import lowest
from neurosparse.sparsify.schedules import Curve
from neurosparse.sparsify.target import Target

__all__ = ["BlockShape", "Blocks", "UniformBlocks", "block_keys"]

BlockShape = tuple[int, int]
"""Postsynaptic and presynaptic neurons of a block."""


class _Grid:
    """The matrix of a layer, cut into blocks of one shape."""

    def __init__(self, n_rows: int, n_columns: int, height: int, width: int) -> None:
        if n_rows % height or n_columns % width:
            raise ShapeError(
                f"shape: blocks of {height} x {width} do not divide a layer of {n_rows} x "
                f"{n_columns}; allowed is what divides both sides, and several layers may have "
                "shapes of their own"
            )
        self.height, self.width = height, width
        self.n_columns = n_columns
        self.n_across = n_columns // width
        self.n_blocks = n_rows // height * self.n_across

    @property
    def area(self) -> int:
        """Synapses of a full block."""
        return self.height * self.width

    @classmethod
    def of(cls, layer: LayerView, shape: BlockShape) -> _Grid:
        """Return the grid by the layer's rows."""
        height, width = reversed(shape) if layer.by_pre else shape
        return cls(layer.n_rows, layer.n_columns, height, width)

    def blocks(self, rows: NDArray[Any], columns: NDArray[Any]) -> NDArray[np.int64]:
        """Return the number of the block of every entry, counted row by row of blocks."""
        numbers: NDArray[np.int64] = rows // self.height * self.n_across
        numbers += columns // self.width
        return numbers

    def keys(self, blocks: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the keys of all entries of blocks, ascending."""
        down, across = np.divmod(blocks, self.n_across)
        first = down * self.height * self.n_columns + across * self.width
        inside = np.arange(self.height)[:, None] * self.n_columns + np.arange(self.width)
        return np.sort((first[:, None] + inside.ravel()).ravel())


class _Shapes:
    """One shape for all layers, or one for each."""

    def __init__(self, shape: BlockShape | Sequence[BlockShape]) -> None:
        given: Any = list(shape)
        several = bool(given) and not isinstance(given[0], int | np.integer)
        self._shapes = [_check_shape(each) for each in (given if several else [given])]
        self._several = several

    def for_layers(self, n_layers: int) -> list[BlockShape]:
        """Return a shape per layer."""
        if not self._several:
            return self._shapes * n_layers
        if len(self._shapes) != n_layers:
            raise ParameterError(f"shape: got {len(self._shapes)} shapes for {n_layers} layers")
        return self._shapes


def _check_shape(shape: Any) -> BlockShape:
    try:
        height, width = shape
    except (TypeError, ValueError):
        raise ParameterError(f"shape: got {shape!r}; expected (rows, columns) of a block") from None
    return check_count("shape", height, least=1), check_count("shape", width, least=1)


class Blocks:
    """Drop the blocks with the smallest mean ``|w|``, whole.

    The mean goes over the active synapses of a block; a block without any is none to drop.

    Parameters
    ----------
    shape : (int, int) or sequence of (int, int)
        Postsynaptic and presynaptic neurons of a block, which have to divide the layer; of all
        layers, or one for each.
    amount : float, callable or Target
        A number or a `Curve`: the share of a layer's blocks, ``0 < share <= 1``; ``floor(share *
        n_blocks)`` go. A `Target`: as few blocks go as bring each layer down to its number of
        synapses (of whole blocks: ``floor(n / area)`` stay, one at least).

    Raises
    ------
    ParameterError
        If a number lies outside.

    Notes
    -----
    Cost O(n_active log n_active); nothing of the size of the matrix. State: none.

    References
    ----------
    Mostafa & Wang 2019 (DSR, arXiv 1902.05967), who prune and grow whole kernels by their mean
    magnitude; Hoefler et al. 2021 (arXiv 2102.00554), section 2, on blocks as a structure.
    """

    def __init__(
        self, shape: BlockShape | Sequence[BlockShape], amount: float | Curve | Target
    ) -> None:
        self._shapes = _Shapes(shape)
        self.amount = (
            amount
            if isinstance(amount, Target) or callable(amount)
            else check_fraction("amount", amount)
        )

    def __call__(self, layers: Sequence[LayerView], context: Context) -> list[NDArray[np.int64]]:
        """Return per layer the positions of all synapses of the blocks that go.

        Raises
        ------
        ShapeError, ParameterError
            If the shapes do not fit the layers.
        """
        shapes = self._shapes.for_layers(len(layers))
        amounts: list[float] | list[int]
        if isinstance(self.amount, Target):
            amounts = self.amount.counts(layers, context.step).tolist()
        else:
            share = self.amount if isinstance(self.amount, float) else self.amount(context.step)
            amounts = [share] * len(layers)
        return [
            self._choose(layer, shape, amount, context.rng)
            for layer, shape, amount in zip(layers, shapes, amounts, strict=True)
        ]

    def _choose(
        self, layer: LayerView, shape: BlockShape, amount: float, rng: np.random.Generator
    ) -> NDArray[np.int64]:
        own = _Grid.of(layer, shape).blocks(layer.rows, layer.indices)
        present, place, sizes = np.unique(own, return_inverse=True, return_counts=True)
        means = np.bincount(place, np.abs(layer.weights), present.size) / np.maximum(sizes, 1)
        if isinstance(self.amount, Target):
            order = np.lexsort((rng.random(present.size), means))[: present.size - 1]
            n = int(np.searchsorted(np.cumsum(sizes[order]), layer.n_active - amount))
            chosen = order[: n + 1] if layer.n_active > amount else order[:0]
        else:
            chosen = lowest(means, int(amount * present.size), rng)
        goes = np.zeros(present.size, dtype=bool)
        goes[chosen] = True
        return np.flatnonzero(goes[place])


class UniformBlocks:
    """Grow whole blocks, uniformly at random among those that hold no surviving synapse.

    Every set of distinct free blocks is equally likely; blocks that are just dropped are free. A
    block that touches a forbidden autapse is not.

    Parameters
    ----------
    shape : (int, int)
        Postsynaptic and presynaptic neurons of a block, of all layers; it has to divide them.

    Raises
    ------
    ParameterError
        If a number lies outside.

    Notes
    -----
    The number to grow has to be one of whole blocks. It is, under `LayerBudget`, where layers are
    made of blocks from the beginning (`block_keys`). Cost O(n_active).
    """

    def __init__(self, shape: BlockShape) -> None:
        self.shape = _check_shape(shape)

    def __call__(
        self, layer: LayerView, dropped: NDArray[np.int64], n_grow: int, rng: np.random.Generator
    ) -> NDArray[np.int64]:
        """Return the chosen keys.

        Raises
        ------
        ShapeError
            If the shape does not divide the layer.
        ParameterError
            If the number is not one of whole blocks, or there are not so many that are free.
        """
        grid = _Grid.of(layer, self.shape)
        n_new, rest = divmod(n_grow, grid.area)
        if rest:
            raise ParameterError(
                f"n_grow: got {n_grow}; allowed is a multiple of {grid.area}, a block of "
                f"{grid.height} x {grid.width}; begin with layers of whole blocks (block_keys)"
            )
        taken = grid.blocks(np.delete(layer.rows, dropped), np.delete(layer.indices, dropped))
        if not layer.autapses:
            diagonal = np.arange(min(layer.n_rows, layer.n_columns))
            taken = np.concatenate([taken, grid.blocks(diagonal, diagonal)])
        taken = np.unique(taken)
        n_free = grid.n_blocks - taken.size
        if n_new > n_free:
            raise ParameterError(
                f"n_grow: got {n_new} blocks; only {n_free} of {grid.n_blocks} hold no synapse"
            )
        return grid.keys(free_keys(taken, sample_distinct(rng, n_free, n_new)))


def block_keys(
    n_post: int, n_pre: int, shape: BlockShape, n_blocks: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Draw the synapses of a layer as whole blocks.

    Parameters
    ----------
    n_post, n_pre : int
        Shape of the layer.
    shape : (int, int)
        Of a block; it has to divide the layer.
    n_blocks : int
        How many, out of ``n_post * n_pre / area``.
    rng : numpy.random.Generator
        Source of randomness; every set of blocks is equally likely.

    Returns
    -------
    (n_blocks * area,) int64
        Keys ``post * n_pre + pre``, ascending; `rows_of` makes rows of them.

    Raises
    ------
    ShapeError, ParameterError
        If the shape does not divide the layer, or a number is out of range.

    Examples
    --------
    >>> block_keys(4, 6, (2, 3), 1, np.random.default_rng(0))
    array([15, 16, 17, 21, 22, 23])
    """
    check_count("n_post", n_post, least=1)
    check_count("n_pre", n_pre, least=1)
    grid = _Grid(n_post, n_pre, *_check_shape(shape))
    check_count("n_blocks", n_blocks, most=grid.n_blocks)
    return grid.keys(sample_distinct(check_generator(rng), grid.n_blocks, n_blocks))
