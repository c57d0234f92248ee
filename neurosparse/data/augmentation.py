"""Samples changed at random before they are encoded."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.data.event_dataset import EventDataset
from neurosparse.errors import ParameterError, ShapeError
from neurosparse.network.checks import check_count

__all__ = ["RandomShift"]


class RandomShift:
    """Move every sample by up to so many pixels, each axis by itself; what comes in is empty.

    Parameters
    ----------
    pixels : int
        Most in either direction, >= 1.
    shape : tuple of int
        ``(..., height, width)`` of the samples, as `ImageDataset` and `EventDataset` have it.

    Raises
    ------
    ParameterError
        If a number is out of range, or the shift could move a sample out of sight.

    Examples
    --------
    >>> shift = RandomShift(1, (2, 3))
    >>> shift(np.eye(1, 6, dtype=np.float32), np.random.default_rng(3)).shape
    (1, 6)
    """

    def __init__(self, pixels: int, shape: tuple[int, ...]) -> None:
        self.height, self.width = (check_count("shape", side, least=1) for side in shape[-2:])
        most = min(self.height, self.width) - 1
        self.pixels = check_count("pixels", pixels, least=1, most=max(1, most))
        if most < 1:
            raise ParameterError(f"shape: got {shape}; samples of one pixel cannot be shifted")

    def __call__(self, samples: Any, rng: np.random.Generator) -> Any:
        """Return the shifted samples, in the form in which they came.

        Parameters
        ----------
        samples : (batch, height * width) float32, or EventDataset
            What ``samples(indices)`` of a data set gives.
        rng : numpy.random.Generator
            Source of the shifts.

        Raises
        ------
        ShapeError
            If the samples have another size.
        """
        n = len(samples)
        down, right = rng.integers(-self.pixels, self.pixels + 1, size=(2, n))
        if isinstance(samples, EventDataset):
            return self._shift_events(samples, down, right)
        return self._shift_images(np.asarray(samples), down, right)

    def _shift_images(self, images: NDArray[Any], down: Any, right: Any) -> NDArray[Any]:
        if images.ndim != 2 or images.shape[1] != self.height * self.width:
            raise ShapeError(
                f"samples: got shape {images.shape}; expected (batch, {self.height * self.width})"
            )
        margin = self.pixels
        framed = np.zeros(
            (len(images), self.height + 2 * margin, self.width + 2 * margin), images.dtype
        )
        inner = images.reshape(-1, self.height, self.width)
        framed[:, margin : margin + self.height, margin : margin + self.width] = inner
        # a window of every framed image, that begins where the shift says
        windows = np.lib.stride_tricks.sliding_window_view(
            framed, (self.height, self.width), axis=(1, 2)
        )
        shifted: NDArray[Any] = windows[np.arange(len(images)), margin - down, margin - right]
        return shifted.reshape(len(images), -1)

    def _shift_events(self, events: EventDataset, down: Any, right: Any) -> EventDataset:
        if events.shape[1:] != (self.height, self.width):
            raise ShapeError(
                f"samples: got {events.shape}; expected height {self.height}, width {self.width}"
            )
        counts = np.diff(events.starts)
        row, x = np.divmod(events.addresses, self.width)
        polarity, y = np.divmod(row, self.height)
        x, y = x + np.repeat(right, counts), y + np.repeat(down, counts)
        seen = (x >= 0) & (x < self.width) & (y >= 0) & (y < self.height)
        # events before every sample's first, of those still seen
        starts = np.concatenate([[0], np.cumsum(seen)])[events.starts]
        addresses = (polarity * self.height + y) * self.width + x
        return EventDataset(
            events.name,
            events.times_us[seen],
            addresses[seen],
            starts,
            events.labels,
            events.n_classes,
            events.shape,
        )

    def __repr__(self) -> str:
        return f"RandomShift({self.pixels}, ({self.height}, {self.width}))"
