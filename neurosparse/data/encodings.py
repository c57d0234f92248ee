"""Samples into time: which encoding, with which parameters."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from neurosparse.data.event_batch import EventBatch, bin_events, check_step_us
from neurosparse.data.event_dataset import EventDataset
from neurosparse.data.image_encodings import check_gain, check_threshold, current, latency, rate
from neurosparse.data.labelled import LabelledDataset, check_rng
from neurosparse.errors import ParameterError
from neurosparse.network.checks import check_count, check_fraction

__all__ = ["EVALUATION_SEED", "Encoding", "EncodingKind"]

EVALUATION_SEED = 20_181  # random encodings of held-out images are the same in every evaluation

EncodingKind = Literal["rate", "latency", "current", "events"]


@dataclass(frozen=True)
class Encoding:
    """Choice of an encoding with its parameters; those of the other kinds lie idle.

    Parameters
    ----------
    kind : {"rate", "latency", "current", "events"}
        See `rate`, `latency`, `current` and `bin_events`; the first three take images, the last
        recorded events.
    n_steps : int
        Steps per sample, >= 1.
    max_rate : float [spikes per step]
        For ``rate``.
    threshold : float
        For ``latency``.
    gain : float [unit of the weights]
        For ``current``.
    step_us : int [us]
        For ``events``: recorded time per step, >= 1. What comes after ``n_steps`` steps is left
        out.

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
    step_us: int = 1000

    def __post_init__(self) -> None:
        fix = object.__setattr__
        if self.kind not in get_args(EncodingKind):
            raise ParameterError(
                f"kind: got {self.kind!r}; allowed is {', '.join(get_args(EncodingKind))}"
            )
        fix(self, "n_steps", check_count("n_steps", self.n_steps, least=1))
        fix(self, "max_rate", check_fraction("max_rate", self.max_rate))
        fix(self, "threshold", check_threshold(self.threshold))
        fix(self, "gain", check_gain(self.gain))
        fix(self, "step_us", check_step_us(self.step_us))

    @property
    def is_current(self) -> bool:
        """Whether it gives currents for neurons rather than spikes of a source."""
        return self.kind == "current"

    def encode(
        self, samples: Any, rng: np.random.Generator | None = None
    ) -> NDArray[np.uint8] | NDArray[np.float32]:
        """Encode a batch of samples, as `LabelledDataset.samples` gives them.

        Parameters
        ----------
        samples : (batch, n_pixels) float in ``[0, 1]``, or EventDataset
            Brightness; for ``events``, recordings.
        rng : numpy.random.Generator, optional
            Needed by ``rate``, untouched by the others.

        Returns
        -------
        (n_steps, batch, n_inputs) uint8 or float32
            Spikes, or currents if `is_current` (then read-only).

        Raises
        ------
        ShapeError, ParameterError
            If the samples do not fit, or ``rate`` gets no generator.
        """
        if self.kind == "events":
            return self.encode_events(samples).raster()
        if isinstance(samples, LabelledDataset):
            events = isinstance(samples, EventDataset)
            raise ParameterError(
                f"samples: got {samples!r}; kind {self.kind!r} takes images, (batch, n_pixels); "
                f"{'take kind events' if events else 'hand over its samples()'}"
            )
        if self.kind == "rate":
            return rate(samples, self.n_steps, check_rng(rng), max_rate=self.max_rate)
        if self.kind == "latency":
            return latency(samples, self.n_steps, threshold=self.threshold)
        return current(samples, self.n_steps, gain=self.gain)

    def encode_events(self, samples: EventDataset) -> EventBatch:
        """Encode a batch of recordings without making it dense; for ``events`` only.

        Parameters
        ----------
        samples : EventDataset
            The recordings.

        Returns
        -------
        EventBatch
            Its raster is what `encode` gives.

        Raises
        ------
        ParameterError
            If these are no recordings, or the kind is another.
        """
        if self.kind != "events":
            raise ParameterError(f"encoding: kind {self.kind!r} makes no list of events")
        if not isinstance(samples, EventDataset):
            raise ParameterError(
                f"samples: got {type(samples).__name__}; kind 'events' takes an EventDataset"
            )
        return bin_events(samples, self.n_steps, self.step_us)

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
