"""Images into time: spikes or currents, step by step (numpy only)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.data.dataset import check_images
from neurosparse.data.labelled import check_rng
from neurosparse.errors import ParameterError
from neurosparse.network.checks import check_count, check_fraction

__all__ = ["check_gain", "check_threshold", "current", "latency", "rate"]


def rate(
    images: Any, n_steps: int, rng: np.random.Generator, *, max_rate: float = 1.0
) -> NDArray[np.uint8]:
    """Draw independent spikes: in every step a pixel ``x`` spikes with probability ``max_rate x``.

    Parameters
    ----------
    images : (batch, n_pixels) float in ``[0, 1]``
        Brightness.
    n_steps : int
        Steps, >= 1.
    rng : numpy.random.Generator
        Source of randomness.
    max_rate : float [spikes per step]
        Rate of a white pixel, ``0 < max_rate <= 1``.

    Returns
    -------
    (n_steps, batch, n_pixels) uint8
        Zeros and ones.

    Raises
    ------
    ShapeError, ParameterError
        If an argument is out of range.
    """
    probability = check_images(images) * np.float32(check_fraction("max_rate", max_rate))
    steps = check_count("n_steps", n_steps, least=1)
    check_rng(rng)
    draws = rng.random((steps, *probability.shape), dtype=np.float32)
    return (draws < probability).view(np.uint8)


def latency(images: Any, n_steps: int, *, threshold: float = 0.05) -> NDArray[np.uint8]:
    r"""Give every pixel above the threshold one spike, the brighter the earlier.

    The step is linear in brightness, white first and the threshold last::

        t(x) = floor((n_steps - 1) (1 - x) / (1 - threshold) + 1/2)      for x > threshold

    Parameters
    ----------
    images : (batch, n_pixels) float in ``[0, 1]``
        Brightness.
    n_steps : int
        Steps, >= 1.
    threshold : float
        Pixels at or below it stay silent, ``0 <= threshold < 1``.

    Returns
    -------
    (n_steps, batch, n_pixels) uint8
        Zeros and ones, at most one 1 per pixel.

    Raises
    ------
    ShapeError, ParameterError
        If an argument is out of range.
    """
    brightness = check_images(images)
    steps = check_count("n_steps", n_steps, least=1)
    low = check_threshold(threshold)
    spikes = np.zeros((steps, *brightness.shape), dtype=np.uint8)
    sample, pixel = np.nonzero(brightness > np.float32(low))
    bright = brightness[sample, pixel].astype(np.float64)
    at = np.floor((steps - 1) * (1 - bright) / (1 - low) + 0.5).astype(np.int64)
    # rounding may carry a pixel just above the threshold past the end
    spikes[np.minimum(at, steps - 1), sample, pixel] = 1
    return spikes


def current(images: Any, n_steps: int, *, gain: float = 1.0) -> NDArray[np.float32]:
    """Hold the current ``gain x`` for every pixel ``x`` (direct current encoding).

    It drives an input population of neurons, one per pixel, which spikes by itself.

    Parameters
    ----------
    images : (batch, n_pixels) float in ``[0, 1]``
        Brightness.
    n_steps : int
        Steps, >= 1.
    gain : float [unit of the weights]
        Current of a white pixel, finite and not 0.

    Returns
    -------
    (n_steps, batch, n_pixels) float32
        The same in every step: a read-only view of one step's currents.

    Raises
    ------
    ShapeError, ParameterError
        If an argument is out of range.
    """
    currents = check_images(images) * np.float32(check_gain(gain))
    steps = check_count("n_steps", n_steps, least=1)
    return np.broadcast_to(currents, (steps, *currents.shape))


def check_threshold(threshold: Any) -> float:
    """Return a threshold in ``[0, 1)``.

    Raises
    ------
    ParameterError
        If it lies outside.
    """
    value = check_fraction("threshold", threshold, open_below=False)
    if value >= 1:
        raise ParameterError(f"threshold: got {threshold!r}; allowed is 0 <= threshold < 1")
    return value


def check_gain(gain: Any) -> float:
    """Return a gain, finite and not 0.

    Raises
    ------
    ParameterError
        If it is anything else.
    """
    try:
        value = float(gain)
    except (TypeError, ValueError):
        value = 0.0
    if not np.isfinite(value) or value == 0:
        raise ParameterError(f"gain: got {gain!r}; allowed is a finite number, not 0")
    return value
