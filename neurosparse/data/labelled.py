"""What every data set for classification has: samples with one label each, to be split."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import ParameterError, ShapeError
from neurosparse.network.checks import check_count, check_fraction

__all__ = ["LabelledDataset", "check_rng"]

Data = TypeVar("Data", bound="LabelledDataset")


def check_rng(rng: Any) -> np.random.Generator:
    """Return ``rng`` if it is a generator.

    Raises
    ------
    ParameterError
        If it is anything else: a seed, None, or a legacy RandomState.
    """
    if not isinstance(rng, np.random.Generator):
        raise ParameterError(
            f"rng: got {rng!r}; expected a Generator, made by numpy.random.default_rng(seed)"
        )
    return rng


class LabelledDataset(ABC):
    """Samples of one shape with one label each; `ImageDataset` or `EventDataset`.

    Attributes
    ----------
    name : str
        What it is called in reports.
    labels : (n,) int64
        Class of every sample, in ``[0, n_classes)``.
    n_classes : int
        Number of classes.
    shape : tuple of int
        Of a sample; the product is `n_inputs`.
    """

    name: str
    labels: NDArray[np.int64]
    n_classes: int
    shape: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def n_inputs(self) -> int:
        """Input neurons that a sample needs: pixels, or pixels times polarities."""
        return math.prod(self.shape)

    @abstractmethod
    def take(self: Data, indices: Any) -> Data:
        """Return the samples at ``indices``, in that order.

        Parameters
        ----------
        indices : (m,) int
            Each in ``[0, n)``; repetitions are allowed.

        Raises
        ------
        ShapeError, ParameterError
            If there are none, or one lies outside the data set.
        """

    @abstractmethod
    def samples(self, indices: Any = slice(None)) -> Any:
        """Return what `Encoding.encode` takes: the samples without their labels.

        Parameters
        ----------
        indices : (m,) int or slice
            As in `take`; by default all.

        Raises
        ------
        ShapeError, ParameterError
            As `take`.
        """

    def split(
        self: Data, held_out: float | int, rng: np.random.Generator, *, stratified: bool = True
    ) -> tuple[Data, Data]:
        """Split at random into a rest and a held-out part.

        Parameters
        ----------
        held_out : float or int
            Size of the second part: a share of the samples between 0 and 1, or their number.
        rng : numpy.random.Generator
            Source of randomness.
        stratified : bool
            Whether every class gives its share, to within one sample.

        Returns
        -------
        rest, held_out : of the same type
            Disjoint, together everything, each in the original order.

        Raises
        ------
        ParameterError
            If one of the parts would be empty.
        """
        check_rng(rng)
        if isinstance(held_out, float):
            held_out = round(check_fraction("held_out", held_out) * len(self))
        size = check_count("held_out", held_out, least=1, most=len(self) - 1)
        chosen = np.zeros(len(self), dtype=bool)
        for members, quota in self._strata(size, rng, stratified):
            chosen[rng.permutation(members)[:quota]] = True
        return self.take(np.flatnonzero(~chosen)), self.take(np.flatnonzero(chosen))

    def _strata(
        self, size: int, rng: np.random.Generator, stratified: bool
    ) -> list[tuple[NDArray[np.int64], int]]:
        """Pair groups of samples with how many to hold out of each (largest remainders)."""
        if not stratified:
            return [(np.arange(len(self)), size)]
        groups = [np.flatnonzero(self.labels == label) for label in range(self.n_classes)]
        sizes = np.array([group.size for group in groups])
        quotas, remainders = np.divmod(sizes * size, len(self))
        # the samples left over go to the classes that rounding cut most; ties fall by lot
        order = np.lexsort((rng.random(sizes.size), -remainders))
        quotas[order[: size - int(quotas.sum())]] += 1
        return [(group, int(quota)) for group, quota in zip(groups, quotas, strict=True)]

    def _check_name_and_labels(self, n: int, sample: str) -> None:
        """Check the fields that all data sets share; ``sample`` is what one of the ``n`` is called.

        Raises
        ------
        ShapeError, ParameterError
            Naming the field.
        """
        if not self.name:
            raise ParameterError("name: got none; expected text, not empty")
        object.__setattr__(self, "n_classes", check_count("n_classes", self.n_classes, least=1))
        given = np.asarray(self.labels)
        if given.shape != (n,) or given.dtype.kind not in "iu":
            raise ShapeError(
                f"labels: got shape {given.shape} of {given.dtype}; "
                f"expected ({n},) whole numbers, one per {sample}"
            )
        bad = (given < 0) | (given >= self.n_classes)
        if bad.any():
            raise ParameterError(
                f"labels: {int(bad.sum())} outside 0..{self.n_classes - 1} "
                f"(first at {int(np.flatnonzero(bad)[0])}: {given[bad][0]})"
            )
        self._freeze(labels=given.astype(np.int64))

    def _freeze(self, **arrays: NDArray[Any]) -> None:
        """Set fields to read-only views; the caller's own arrays stay writeable."""
        for field, array in arrays.items():
            view = array.view()
            view.setflags(write=False)
            object.__setattr__(self, field, view)

    def _check_indices(self, indices: Any) -> NDArray[np.int64]:
        if isinstance(indices, slice):
            chosen = np.arange(len(self))[indices]
        else:
            chosen = np.asarray(indices)
        if chosen.ndim != 1 or not chosen.size or chosen.dtype.kind not in "iu":
            raise ShapeError(
                f"indices: got shape {chosen.shape} of {chosen.dtype}; "
                "expected a vector of whole numbers, not empty"
            )
        bad = (chosen < 0) | (chosen >= len(self))
        if bad.any():
            raise ParameterError(
                f"indices: {int(bad.sum())} outside 0..{len(self) - 1} (first: {chosen[bad][0]})"
            )
        return chosen.astype(np.int64, copy=False)
