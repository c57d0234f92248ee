"""Images into time: spikes or currents, step by step (numpy only)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from neurosparse.data.dataset import check_images, check_rng
from neurosparse.errors import ParameterError
from neurosparse.network.checks import check_count, check_fraction

__all__ = ["EVALUATION_SEED", "Encoding", "EncodingKind", "current", "latency", "rate"]

EVALUATION_SEED = 20_181  # random encodings of held-out images are the same in every evaluation

EncodingKind = Literal["rate", "latency", "current"]


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
    low = _check_threshold(threshold)
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
        The same in every step.

    Raises
    ------
    ShapeError, ParameterError
        If an argument is out of range.
    """
    currents = check_images(images) * np.float32(_check_gain(gain))
    return np.repeat(currents[None], check_count("n_steps", n_steps, least=1), axis=0)


@dataclass(frozen=True)
class Encoding:
    """Choice of an encoding with its parameters; those of the other kinds lie idle.

    Parameters
    ----------
    kind : {"rate", "latency", "current"}
        See `rate`, `latency` and `current`.
    n_steps : int
        Steps per image, >= 1.
    max_rate : float [spikes per step]
        For ``rate``.
    threshold : float
        For ``latency``.
    gain : float [unit of the weights]
        For ``current``.

    Raises
    ------
    ParameterError
        If a parameter is out of range.

    Examples
    --------
    >>> Encoding("latency", n_steps=5).encode([[1.0, 0.5, 0.0]])[:, 0].tolist()
    [[1, 0, 0], [0, 0, 0], [0, 1, 0], [0, 0, 0], [0, 0, 0]]
    """

    kind: EncodingKind
    n_steps: int
    max_rate: float = 1.0
    threshold: float = 0.05
    gain: float = 1.0

    def __post_init__(self) -> None:
        fix = object.__setattr__
        if self.kind not in get_args(EncodingKind):
            raise ParameterError(
                f"kind: got {self.kind!r}; allowed is {', '.join(get_args(EncodingKind))}"
            )
        fix(self, "n_steps", check_count("n_steps", self.n_steps, least=1))
        fix(self, "max_rate", check_fraction("max_rate", self.max_rate))
        fix(self, "threshold", _check_threshold(self.threshold))
        fix(self, "gain", _check_gain(self.gain))

    @property
    def is_current(self) -> bool:
        """Whether it gives currents for neurons rather than spikes of a source."""
        return self.kind == "current"

    def encode(
        self, images: Any, rng: np.random.Generator | None = None
    ) -> NDArray[np.uint8] | NDArray[np.float32]:
        """Encode a batch of images.

        Parameters
        ----------
        images : (batch, n_pixels) float in ``[0, 1]``
            Brightness.
        rng : numpy.random.Generator, optional
            Needed by ``rate``, untouched by the others.

        Returns
        -------
        (n_steps, batch, n_pixels) uint8 or float32
            Spikes, or currents if `is_current`.

        Raises
        ------
        ShapeError, ParameterError
            If the images do not fit, or ``rate`` gets no generator.
        """
        if self.kind == "rate":
            return rate(images, self.n_steps, check_rng(rng), max_rate=self.max_rate)
        if self.kind == "latency":
            return latency(images, self.n_steps, threshold=self.threshold)
        return current(images, self.n_steps, gain=self.gain)

    def to_dict(self) -> dict[str, Any]:
        """Return plain numbers and text, for JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Encoding:
        """Rebuild from what `to_dict` gave.

        Raises
        ------
        ParameterError
            If a key is unknown or missing, or a value is out of range.
        """
        known = [field.name for field in dataclasses.fields(cls)]
        unknown = sorted(set(values) - set(known))
        missing = sorted({"kind", "n_steps"} - set(values))
        if unknown or missing:
            raise ParameterError(
                f"encoding: unknown {unknown}, missing {missing}; known are {known}"
            )
        return cls(**values)


def _check_threshold(threshold: Any) -> float:
    value = check_fraction("threshold", threshold, open_below=False)
    if value >= 1:
        raise ParameterError(f"threshold: got {threshold!r}; allowed is 0 <= threshold < 1")
    return value


def _check_gain(gain: Any) -> float:
    try:
        value = float(gain)
    except (TypeError, ValueError):
        value = 0.0
    if not np.isfinite(value) or value == 0:
        raise ParameterError(f"gain: got {gain!r}; allowed is a finite number, not 0")
    return value
