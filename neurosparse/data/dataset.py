"""Labelled images as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.data.labelled import LabelledDataset
from neurosparse.errors import ParameterError, ShapeError
from neurosparse.network.checks import check_count

__all__ = ["ImageDataset", "check_images"]


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


@dataclass(frozen=True, eq=False)
class ImageDataset(LabelledDataset):
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
        images = check_images(self.images)
        shape = tuple(check_count("shape", side, least=1) for side in self.shape)
        if len(shape) != 2 or shape[0] * shape[1] != images.shape[1]:
            raise ShapeError(
                f"shape: got {shape} for images of {images.shape[1]} pixels; "
                "expected (height, width) with that product"
            )
        object.__setattr__(self, "shape", shape)
        self._check_name_and_labels(len(images), "image")
        self._freeze(images=images)

    @property
    def n_pixels(self) -> int:
        """Pixels per image; the same as `n_inputs`."""
        return self.n_inputs

    def take(self, indices: Any) -> ImageDataset:
        """Return the images at ``indices``, in that order.

        Parameters
        ----------
        indices : (m,) int
            Each in ``[0, n)``; repetitions are allowed.

        Raises
        ------
        ShapeError, ParameterError
            If there are none, or one lies outside the data set.
        """
        chosen = self._check_indices(indices)
        return ImageDataset(
            self.name, self.images[chosen], self.labels[chosen], self.n_classes, self.shape
        )

    def samples(self, indices: Any = slice(None)) -> NDArray[np.float32]:
        """Return images, (m, n_pixels); a slice is a view, not a copy.

        Raises
        ------
        ShapeError, ParameterError
            As `take`.
        """
        chosen = self._check_indices(indices)
        return self.images[indices if isinstance(indices, slice) else chosen]

    def __repr__(self) -> str:
        height, width = self.shape
        return (
            f"ImageDataset({self.name!r}, {len(self)} of {height}x{width}, "
            f"{self.n_classes} classes)"
        )
