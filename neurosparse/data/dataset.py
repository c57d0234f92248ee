"""Labelled images as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import ParameterError, ShapeError
from neurosparse.network.checks import check_count, check_fraction

__all__ = ["ImageDataset", "check_images", "check_rng"]


def check_images(images: Any) -> NDArray[np.float32]:
    """Return images as float32, (n, n_pixels), every value in ``[0, 1]``.

    Raises
    ------
    ShapeError, ParameterError
        If the shape is another, there is no image, or a value is not finite or outside.
    """
    array = np.asarray(images)
    if array.ndim != 2 or not array.size:
        raise ShapeError(
            f"images: got shape {array.shape}; expected (n, n_pixels), neither of them 0"
        )
    if array.dtype.kind not in "fiub":
        raise ParameterError(f"images: got dtype {array.dtype}; expected numbers")
    # written so that NaN, which min and max hand on, fails too
    low, high = array.min(), array.max()
    if not (low >= 0 and high <= 1):
        raise ParameterError(
            f"images: got values from {low} to {high}; allowed is 0 to 1, finite "
            "(divide bytes by 255)"
        )
    return np.ascontiguousarray(array, dtype=np.float32)


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


@dataclass(frozen=True, eq=False)
class ImageDataset:
    """Grey images with one label each.

    Parameters
    ----------
    name : str
        What it is called in reports.
    images : (n, n_pixels) float32 [1]
        One image per row, pixels row by row, 0 is black and 1 is white.
    labels : (n,) int64
        Class of every image, in ``[0, n_classes)``.
    n_classes : int
        Number of classes, >= 1.
    shape : tuple of int
        Height and width of an image; their product is ``n_pixels``.

    Raises
    ------
    ShapeError, ParameterError
        If arrays do not fit together, or a pixel or label is out of range.

    Examples
    --------
    >>> data = ImageDataset("two", np.eye(2, 4), [0, 1], n_classes=2, shape=(2, 2))
    >>> len(data), data.n_pixels, data.take([1]).labels.tolist()
    (2, 4, [1])
    """

    name: str
    images: NDArray[np.float32]
    labels: NDArray[np.int64]
    n_classes: int
    shape: tuple[int, int]

    def __post_init__(self) -> None:
        fix = object.__setattr__
        if not self.name:
            raise ParameterError("name: got none; expected text, not empty")
        images = check_images(self.images)
        shape = tuple(check_count("shape", side, least=1) for side in self.shape)
        if len(shape) != 2 or shape[0] * shape[1] != images.shape[1]:
            raise ShapeError(
                f"shape: got {shape} for images of {images.shape[1]} pixels; "
                "expected (height, width) with that product"
            )
        fix(self, "shape", shape)
        fix(self, "n_classes", check_count("n_classes", self.n_classes, least=1))
        given = np.asarray(self.labels)
        if given.shape != images.shape[:1] or given.dtype.kind not in "iu":
            raise ShapeError(
                f"labels: got shape {given.shape} of {given.dtype}; "
                f"expected ({len(images)},) whole numbers, one per image"
            )
        bad = (given < 0) | (given >= self.n_classes)
        if bad.any():
            raise ParameterError(
                f"labels: {int(bad.sum())} outside 0..{self.n_classes - 1} "
                f"(first at {int(np.flatnonzero(bad)[0])}: {given[bad][0]})"
            )
        for field, array in (("images", images), ("labels", given.astype(np.int64))):
            view = array.view()  # the caller's own array stays writeable
            view.setflags(write=False)
            fix(self, field, view)

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def n_pixels(self) -> int:
        """Pixels per image."""
        return self.shape[0] * self.shape[1]

    def take(self, indices: Any) -> ImageDataset:
        """Return the images at ``indices``, in that order.

        Raises
        ------
        ShapeError, ParameterError
            If there are none, or one lies outside the data set.
        """
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
        return ImageDataset(
            self.name, self.images[chosen], self.labels[chosen], self.n_classes, self.shape
        )

    def split(
        self, held_out: float | int, rng: np.random.Generator, *, stratified: bool = True
    ) -> tuple[ImageDataset, ImageDataset]:
        """Split at random into a rest and a held-out part.

        Parameters
        ----------
        held_out : float or int
            Size of the second part: a share of the images between 0 and 1, or their number.
        rng : numpy.random.Generator
            Source of randomness.
        stratified : bool
            Whether every class gives its share, to within one image.

        Returns
        -------
        rest, held_out : ImageDataset
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
        """Pair groups of images with how many to hold out of each (largest remainders)."""
        if not stratified:
            return [(np.arange(len(self)), size)]
        groups = [np.flatnonzero(self.labels == label) for label in range(self.n_classes)]
        sizes = np.array([group.size for group in groups])
        quotas, remainders = np.divmod(sizes * size, len(self))
        # the images left over go to the classes that rounding cut most; ties fall by lot
        order = np.lexsort((rng.random(sizes.size), -remainders))
        quotas[order[: size - int(quotas.sum())]] += 1
        return [(group, int(quota)) for group, quota in zip(groups, quotas, strict=True)]

    def __repr__(self) -> str:
        height, width = self.shape
        return (
            f"ImageDataset({self.name!r}, {len(self)} of {height}x{width}, "
            f"{self.n_classes} classes)"
        )
